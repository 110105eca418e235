// Builder: adds nodes with inferred types, in plain calls.
#pragma once

#include <initializer_list>
#include <string_view>

#include "compiler/ops/infer.h"

namespace dlc {

/// Adds nodes at one place of a graph, all with the same origins.
///   Builder build(graph);  Value y = build("Mul", {x, build.scalar(DType::f32, 0.5)});
class Builder {
 public:
  explicit Builder(Graph& graph, NodeId before = {}, Origins origins = {})
      : graph_(graph), before_(before), origins_(std::move(origins)) {}

  Graph& graph() { return graph_; }
  const Type& type(Value value) const { return graph_.type(value); }
  const Dims& shape(Value value) const { return graph_.type(value).shape; }

  /// The first (or only) output of a new node.
  Value operator()(std::string_view op, std::vector<Value> inputs, AttrMap attrs = {});
  /// A node with `outputs` outputs.
  std::vector<Value> node(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                          size_t outputs);
  /// The same with types that are known already.
  std::vector<Value> node_as(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                             std::vector<Type> types);
  Value constant(Tensor value);
  Value ints(Ints values);                  ///< i64[n]
  Value scalar(DType dtype, double value);  ///< rank 0
  /// Sizes as an i64[n]: a Constant if all are numbers, else dlc.Sizes.
  Value sizes(const Dims& dims);

 private:
  Graph& graph_;
  NodeId before_;
  Origins origins_;
};

/// The body of a composite node as nodes before it. Returns what stands for its outputs.
/// What the row requires of sizes goes to `requirements`.
std::vector<Value> expand_composite(Graph& graph, NodeId node,
                                    Requirements* requirements = nullptr);
/// The same by a given row.
std::vector<Value> expand_composite(Graph& graph, NodeId node, const OpDef& def,
                                    Requirements* requirements = nullptr);

/// A graph of one node from a row's sample, e.g. "input: f32[2,5], axis=1": inputs become the
/// graph's inputs, but those given as values (`axes=[1]`) constants.
Graph sample_graph(const OpDef& def, std::string_view sample);

}  // namespace dlc
