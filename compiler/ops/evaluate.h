// The interpreter of graphs: the oracle that every backend is compared with.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc {

/// Runs the graph on concrete inputs, node by node, each by its op's row. Symbolic dims are bound
/// from the inputs' shapes. Throws Error for inputs that do not fit.
std::vector<Datum> evaluate(const Graph& graph, std::span<const Datum> inputs);

/// One node on concrete inputs (kind none: absent). Its types in the graph need not be static.
std::vector<Datum> evaluate_node(const Graph& graph, NodeId node, std::span<const Datum> inputs);

/// The attributes of a node as host kernels take them: defaults of the row filled in.
Attributes host_attributes(const Node& node);

}  // namespace dlc
