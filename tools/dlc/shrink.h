// Makes a graph small that something fails on: delta debugging over nodes, outputs and inputs.
// Next: reduce.cpp.
#pragma once

#include <functional>
#include <set>

#include "compiler/ir/graph.h"

namespace dlc::cli {

/// Drops nodes, many at a time and then one by one, as long as `fails` stays true of what is left:
/// values that others still need become inputs; if no output is left, what the nodes read becomes
/// one. Then drops outputs, and nodes whose result can be one of their operands. Of `graph`,
/// `fails` must be true.
Graph shrink(Graph graph, const std::function<bool(const Graph&)>& fails);

/// How many nodes there are besides constants.
size_t node_count(const Graph& graph);

}  // namespace dlc::cli
