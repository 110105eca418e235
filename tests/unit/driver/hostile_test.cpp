// Every op row's samples with inputs whose shapes contradict each other: an Error or the
// interpreter's result, and no access outside of the inputs, which fences would turn into a crash.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/fenced.h"
#include "tests/support/hostile.h"
#include "tests/support/random_inputs.h"
#include "tests/support/row_name.h"

namespace dlc {
namespace {

std::vector<Datum> fenced(const std::vector<Datum>& inputs, test::Fence side) {
  std::vector<Datum> copies = inputs;
  for (Datum& copy : copies) {
    if (copy.kind == Datum::Kind::tensor && copy.tensor.dtype() != DType::string)
      copy = test::fenced(copy.tensor, side);
  }
  return copies;
}

class Hostile : public testing::TestWithParam<const OpDef*> {
 protected:
  /// Runs with each shape of input `changing` that the sample does not have.
  void run_with_changes(const Graph& sample, size_t changing, const std::string& what) {
    const std::vector<Datum> regular =
        test::with_first_indices(sample, *GetParam(), test::random_inputs(sample, 5));
    std::vector<Type> types;
    for (Value input : sample.inputs()) types.push_back(sample.type(input));
    for (size_t axis = 0; axis < types[changing].shape.size(); ++axis)
      types[changing].shape[axis] = Dim::symbol("changed" + std::to_string(axis));
    std::optional<Session> session;
    try {
      session.emplace(compile(test::with_inputs(sample, types), {.threads = 1}), pool_);
    } catch (const Error&) {
      // Some sizes must be known. What happens to them is still interpreted below.
    }
    std::mt19937 random(11);
    for (const Shape& shape : test::changed_shapes(regular[changing].tensor.shape())) {
      std::vector<Datum> inputs = regular;
      inputs[changing] = test::random_tensor(types[changing].dtype, shape, random);
      inputs = test::with_first_indices(sample, *GetParam(), std::move(inputs));
      const auto want = test::interpreted(sample, inputs);
      if (!session) continue;
      const std::string here =
          fmt::format("{} input {} of shape {}", what, changing, to_string(shape));
      for (test::Fence side : {test::Fence::behind, test::Fence::before}) {
        try {
          compare(session->run(fenced(inputs, side)), want, here);
        } catch (const Error& error) {
          // (Unsupported: the result would have another rank.)
          EXPECT_TRUE(!want || error.code() == ErrorCode::unsupported)
              << here << " is refused: " << error.what();
        }
      }
    }
  }

  static void compare(const std::vector<Datum>& got, const std::optional<std::vector<Datum>>& want,
                      const std::string& what) {
    EXPECT_TRUE(want) << what << " is accepted";
    if (!want) return;
    for (size_t k = 0; k < want->size(); ++k)
      EXPECT_EQ(test::difference(got[k], (*want)[k], {1e-2, 1e-3}), "") << what << ", output " << k;
  }

  ThreadPool pool_{1};
};

TEST_P(Hostile, ShapesGiveAnErrorOrAResult) {
  const OpDef& def = *GetParam();
  if (def.effect) return;
  for (std::string_view sample : def.samples) {
    const Graph graph = sample_graph(def, sample);
    for (size_t k = 0; k < graph.inputs().size(); ++k) {
      const Type& type = graph.type(graph.inputs()[k]);
      if (!type.is_tensor() || !type.ranked || type.dtype == DType::string) continue;
      test::infer_other_ranks(graph, k);
      run_with_changes(graph, k, fmt::format("{} of \"{}\"", def.name, sample));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Hostile, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         test::row_name);

}  // namespace
}  // namespace dlc
