// Types and known values of nodes, from their ops' rows.
#pragma once

#include <optional>

#include "compiler/ops/op_def.h"

namespace dlc {

/// Output types of a node that applies `op` to `inputs`. Checks inputs and attributes against the
/// row first. Throws Error(invalid) for inputs that do not fit, NeedsValue, Error(unsupported).
std::vector<Type> infer(const Graph& graph, std::string_view op, std::span<const Value> inputs,
                        const AttrMap& attrs, size_t outputs);

/// What sizes must fulfil for a node to make sense.
struct NodeRequirement {
  std::string node;  ///< "node 'x' (Add)"
  Requirement rule;
};

/// What the rows of the graph's nodes require of symbolic sizes, nested graphs aside.
std::vector<NodeRequirement> requirements(const Graph& graph);

/// The formula of each output of a node, and what they need.
struct Computation {
  std::vector<TensorExpr> outputs;
  Requirements requirements;
};

/// Of an elementwise or loops node; operand k is the node's input k. No load leaves its operand if
/// the requirements hold.
Computation compute(const Graph& graph, NodeId node);

/// The kind of the node's row; but composite where an elementwise or loops one meets strings, which
/// no loop holds (on_strings.h).
OpKind kind_of(const Graph& graph, const Node& node);

/// The elements of an integer tensor as far as sizes and constants give them: constants, Shape, and
/// any elementwise or loops op over such values, up to 1,024 elements.
std::optional<Dims> known_values(const Graph& graph, Value value);

/// The elements of a small tensor of numbers, floats too, that constants and static sizes
/// determine.
std::optional<Tensor> known_tensor(const Graph& graph, Value value);

/// Checks all nodes of a graph, nested ones included, against their rows: verify() and types.
void check(const Graph& graph);

}  // namespace dlc
