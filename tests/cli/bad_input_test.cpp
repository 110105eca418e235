// What damaged, contradictory and hostile models, files and command lines lead to: a table. Each
// row makes its input, runs dlc on it, and says which exit code and words must come out.
#include <gtest/gtest.h>

#include "tests/cli/bad_input.h"
#include "tests/cli/run_dlc.h"

namespace dlc::cli_test {
namespace {

/// One paragraph: "error: ..." on one line; notes and warnings may stand before it.
void expect_one_paragraph(const std::string& text) {
  const size_t start = text.find("error: ");
  ASSERT_NE(start, std::string::npos) << text;
  const std::string message = text.substr(start);
  EXPECT_GT(message.size(), std::string("error: ").size() + 10) << text;
  EXPECT_EQ(message.find('\n'), message.size() - 1) << text;
  EXPECT_LT(message.size(), 1500u) << text;
}

class BadInput : public testing::TestWithParam<BadCase> {};

TEST_P(BadInput, GivesTheRightExitCodeAndNamesTheCause) {
  const BadCase& bad = GetParam();
  const Outcome done = run_dlc(bad.make(scratch_folder()));
  EXPECT_EQ(done.exit_code, bad.exit_code) << done.err << done.out;
  expect_one_paragraph(done.err);
  for (const std::string& word : bad.words)
    EXPECT_NE(done.err.find(word), std::string::npos) << "'" << word << "' is not in: " << done.err;
}

std::string case_name(const testing::TestParamInfo<BadCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(File, BadInput, testing::ValuesIn(file_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Graph, BadInput, testing::ValuesIn(graph_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Node, BadInput, testing::ValuesIn(node_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Operands, BadInput, testing::ValuesIn(operand_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Size, BadInput, testing::ValuesIn(size_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Weights, BadInput, testing::ValuesIn(weight_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Use, BadInput, testing::ValuesIn(use_cases()), case_name);

}  // namespace
}  // namespace dlc::cli_test
