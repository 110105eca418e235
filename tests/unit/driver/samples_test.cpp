// Every op row's samples: compiled code against the interpreter, at each vector width and without
// optimization.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/artifact.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"
#include "tests/support/row_name.h"

namespace dlc {

namespace {

struct Setting {
  const char* name;
  CompileOptions options;
};

std::vector<Setting> settings() {
  return {{"sse", {.vector_bits = 128, .threads = 1, .verify_passes = true}},
          {"avx2", {.vector_bits = 256, .threads = 1}},
          {"avx512", {.vector_bits = 512, .threads = 1}},
          {"O0", {.opt_level = 0, .threads = 1}}};
}

/// Compiled and interpreted results of a sample on the same inputs must agree.
void compare(const Graph& graph, const CompileOptions& options, const std::string& what) {
  const std::vector<Datum> inputs = test::random_inputs(graph, 7);
  const std::vector<Datum> want = evaluate(graph, inputs);
  ThreadPool pool(2);
  const std::shared_ptr<const Program> program = compile(graph, options);
  check_program(*program);  // what the compiler makes may be kept and loaded again
  Session session(program, pool);
  // Twice: the second run takes the path of unchanged shapes.
  for (int run = 0; run < 2; ++run) {
    const std::vector<Datum> got = session.run(inputs);
    ASSERT_EQ(got.size(), want.size()) << what;
    for (size_t k = 0; k < want.size(); ++k) {
      EXPECT_EQ(test::difference(got[k], want[k], {1e-3, 1e-5}), "") << what << ", output " << k;
    }
  }
}

class Samples : public testing::TestWithParam<const OpDef*> {};

TEST_P(Samples, CompiledAgreeWithTheInterpreter) {
  const OpDef& def = *GetParam();
  if (def.effect) return;  // random numbers differ by design
  for (std::string_view sample : def.samples) {
    const Graph graph = sample_graph(def, sample);
    for (const Setting& setting : settings()) {
      const std::string what = fmt::format("{} of \"{}\" at {}", def.name, sample, setting.name);
      try {
        compare(graph, setting.options, what);
      } catch (const Error& error) {
        ADD_FAILURE() << what << ": " << error.what();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Samples, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         test::row_name);

}  // namespace
}  // namespace dlc
