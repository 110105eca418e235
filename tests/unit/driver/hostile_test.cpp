// Every op row's samples with inputs whose shapes contradict each other: an Error or the
// interpreter's result, and no access outside of the inputs, which fences would turn into a crash.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/fenced.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

/// The sample's graph with other types of inputs; its nodes infer theirs again. Throws Error.
Graph with_inputs(const Graph& sample, const std::vector<Type>& types) {
  Graph graph("hostile");
  Builder build(graph);
  std::map<Value, Value> now = {{Value(), Value()}};
  for (size_t k = 0; k < types.size(); ++k) now[sample.inputs()[k]] = graph.add_input(types[k]);
  for (NodeId id : sample.nodes()) {
    const Node& node = sample.node(id);
    std::vector<Value> inputs;
    for (Value input : node.inputs) inputs.push_back(now.at(input));
    const std::vector<Value> outputs =
        build.node(node.op, std::move(inputs), node.attrs, node.outputs.size());
    for (size_t k = 0; k < outputs.size(); ++k) now[node.outputs[k]] = outputs[k];
  }
  std::vector<Value> outputs;
  for (Value output : sample.outputs()) outputs.push_back(now.at(output));
  graph.set_outputs(outputs);
  return graph;
}

/// Types must be inferred, or refused, for other ranks too.
void infer_other_ranks(const Graph& sample, size_t changing) {
  std::vector<Type> types;
  for (Value input : sample.inputs()) types.push_back(sample.type(input));
  const Dims regular = types[changing].shape;
  for (size_t rank = 0; rank < regular.size() + 3; ++rank) {
    Dims& shape = types[changing].shape;
    shape = regular;
    shape.resize(rank, Dim(2));
    try {
      check(with_inputs(sample, types));
    } catch (const Error&) {
      continue;
    }
  }
}

std::vector<Shape> changed(const Shape& shape) {
  std::vector<Shape> all;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    for (int64_t size :
         {int64_t{0}, int64_t{1}, shape[axis] - 1, shape[axis] + 1, 3 * shape[axis]}) {
      if (size < 0 || size == shape[axis]) continue;
      all.push_back(shape);
      all.back()[axis] = size;
    }
  }
  return all;
}

/// With 0 for each index, which every axis with elements has. The interpreter knows the values of
/// inputs and refuses others where compiled code, which does not, clamps them.
std::vector<Datum> with_first_indices(const Graph& sample, const OpDef& def,
                                      std::vector<Datum> inputs) {
  for (size_t k = 0; k < inputs.size(); ++k) {
    for (const InputSpec& spec : def.inputs) {
      const bool index =
          spec.name == sample.name(sample.inputs()[k]) && (spec.types & ~types::indices) == 0;
      if (index) inputs[k] = Tensor::allocate(inputs[k].tensor.dtype(), inputs[k].tensor.shape());
    }
  }
  return inputs;
}

std::vector<Datum> fenced(const std::vector<Datum>& inputs, test::Fence side) {
  std::vector<Datum> copies = inputs;
  for (Datum& copy : copies) {
    if (copy.kind == Datum::Kind::tensor && copy.tensor.dtype() != DType::string)
      copy = test::fenced(copy.tensor, side);
  }
  return copies;
}

/// What the interpreter says, if it takes these inputs.
std::optional<std::vector<Datum>> interpreted(const Graph& sample,
                                              const std::vector<Datum>& inputs) {
  try {
    std::vector<Type> types;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const bool tensor = inputs[k].kind == Datum::Kind::tensor;
      types.push_back(tensor ? Type::of(inputs[k].tensor) : sample.type(sample.inputs()[k]));
    }
    return evaluate(with_inputs(sample, types), inputs);
  } catch (const Error&) {
    return {};
  }
}

class Hostile : public testing::TestWithParam<const OpDef*> {
 protected:
  /// Runs with each shape of input `changing` that the sample does not have.
  void run_with_changes(const Graph& sample, size_t changing, const std::string& what) {
    const std::vector<Datum> regular =
        with_first_indices(sample, *GetParam(), test::random_inputs(sample, 5));
    std::vector<Type> types;
    for (Value input : sample.inputs()) types.push_back(sample.type(input));
    for (size_t axis = 0; axis < types[changing].shape.size(); ++axis)
      types[changing].shape[axis] = Dim::symbol("changed" + std::to_string(axis));
    std::optional<Session> session;
    try {
      session.emplace(compile(with_inputs(sample, types), {.threads = 1}), pool_);
    } catch (const Error&) {
      // Some sizes must be known. What happens to them is still interpreted below.
    }
    std::mt19937 random(11);
    for (const Shape& shape : changed(regular[changing].tensor.shape())) {
      std::vector<Datum> inputs = regular;
      inputs[changing] = test::random_tensor(types[changing].dtype, shape, random);
      inputs = with_first_indices(sample, *GetParam(), std::move(inputs));
      const auto want = interpreted(sample, inputs);
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
      infer_other_ranks(graph, k);
      run_with_changes(graph, k, fmt::format("{} of \"{}\"", def.name, sample));
    }
  }
}

std::string test_name(const testing::TestParamInfo<const OpDef*>& info) {
  std::string name(info.param->name);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Ops, Hostile, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         test_name);

}  // namespace
}  // namespace dlc
