// Formulas: what bodies, patterns and samples are made of.
#include "compiler/ir/formula.h"

#include <gtest/gtest.h>

#include "runtime/error.h"

namespace dlc {
namespace {

using Kind = Formula::Kind;

TEST(Formula, OpsNestAndKeepInputsAndAttributesApart) {
  const Formula f = parse_formula("Split(Add(%x, 1.5), _, axis=-1, mode=\"a\", to=$to)");
  EXPECT_EQ(f.kind, Kind::apply);
  EXPECT_EQ(f.name, "Split");
  ASSERT_EQ(f.arguments.size(), 2u);
  EXPECT_EQ(f.arguments[0].arguments[0].kind, Kind::value);
  EXPECT_EQ(std::get<double>(f.arguments[0].arguments[1].literal), 1.5);
  EXPECT_EQ(f.arguments[1].kind, Kind::absent);
  ASSERT_EQ(f.attributes.size(), 3u);
  EXPECT_EQ(std::get<int64_t>(f.attributes[0].value.literal), -1);
  EXPECT_EQ(f.attributes[2].value.kind, Kind::attribute);
}

TEST(Formula, ListsHoldLiteralsAndAttributes) {
  const Formula f = parse_formula("[1, $axis]");
  EXPECT_EQ(f.kind, Kind::list);
  ASSERT_EQ(f.arguments.size(), 2u);
  EXPECT_EQ(f.arguments[1].name, "axis");
}

TEST(Formula, AQuestionMarkSaysThatAValueMayBeAbsent) {
  EXPECT_TRUE(parse_formula("%b?").optional);
  EXPECT_FALSE(parse_formula("%b").optional);
}

TEST(Formula, LinesHaveResults) {
  const auto lines = parse_formula_lines("%a, _ = TopK(%x)  # the largest\n%b = Relu(%a) %b");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].results, (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(lines[1].results, std::vector<std::string>{"b"});
  EXPECT_TRUE(lines[2].results.empty());
  EXPECT_EQ(lines[2].formula.kind, Kind::value);
}

TEST(Formula, MistakesNameThePlace) {
  for (const char* text : {"Add(%x", "Add(%x %y)", "%", "Add(axis=)", "[1, 2", "Add(%x) %y"}) {
    try {
      parse_formula(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("line 1, column"), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace dlc
