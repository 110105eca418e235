// Samples whose inputs contradict each other: other shapes and ranks than the row's samples have.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "compiler/ops/infer.h"
#include "tests/support/random_inputs.h"

namespace dlc::test {

/// The sample's graph with other types of inputs; its nodes infer theirs again. Throws Error.
inline Graph with_inputs(const Graph& sample, const std::vector<Type>& types) {
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
inline void infer_other_ranks(const Graph& sample, size_t changing) {
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

/// The shape with each axis longer, shorter, of size 0 or 1.
inline std::vector<Shape> changed_shapes(const Shape& shape) {
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
inline std::vector<Datum> with_first_indices(const Graph& sample, const OpDef& def,
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

/// What the interpreter says, if it takes these inputs.
inline std::optional<std::vector<Datum>> interpreted(const Graph& sample,
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

}  // namespace dlc::test
