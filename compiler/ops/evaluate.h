// The interpreter of graphs: the oracle that every backend is compared with.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc {

/// Runs the graph on concrete inputs, node by node, each by its op's row. Symbolic dims are bound
/// from the inputs' shapes. Throws Error for inputs that do not fit.
std::vector<Datum> evaluate(const Graph& graph, std::span<const Datum> inputs);

/// One node on concrete inputs (kind none: absent). Its types in the graph need not be static.
std::vector<Datum> evaluate_node(const Graph& graph, NodeId node, std::span<const Datum> inputs);

/// An evaluation node by node, for who wants to see the values on the way, or knows some of them.
/// The graph must stay as long as it is used.
class Evaluation {
 public:
  explicit Evaluation(const Graph& graph, std::map<std::string, int64_t> symbols = {})
      : graph_(&graph), symbols_(std::move(symbols)) {}

  const Graph& graph() const { return *graph_; }
  /// Symbols of the value's type are bound by it.
  void set(Value value, Datum datum);
  void set_inputs(std::span<const Datum> inputs);
  bool has(Value value) const { return values_.contains(value); }
  /// One that is there; an absent one is kind `none`.
  const Datum& value(Value value) const;
  std::vector<Datum> arguments(NodeId node) const;
  /// Computes the node's results from values that are there.
  void run(NodeId node);
  /// What the node makes of `arguments`.
  std::vector<Datum> apply(NodeId node, std::span<const Datum> arguments) const;
  const std::map<std::string, int64_t>& symbols() const { return symbols_; }

 private:
  const Graph* graph_;
  std::map<Value, Datum> values_;
  std::map<std::string, int64_t> symbols_;
};

/// The nodes that make `value` from values that are `known`, in the graph's order.
std::vector<NodeId> nodes_between(const Graph& graph, const std::function<bool(Value)>& known,
                                  Value value);

/// The attributes of a node as host kernels take them: defaults of the row filled in.
Attributes host_attributes(const Node& node);

}  // namespace dlc
