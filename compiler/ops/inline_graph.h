// Nested graphs in place of the node that has them.
// Users: flex_attention.cpp, sequence_map.cpp.
#pragma once

#include "compiler/ops/builder.h"

namespace dlc {

/// Adds the nodes of a closed graph, its inputs replaced by `inputs`, whose types need not be those
/// that it declares; gives what stands for its outputs. Throws Error(invalid) when the number of
/// inputs differs.
std::vector<Value> inline_graph(Builder& build, const Graph& nested, std::span<const Value> inputs);

}  // namespace dlc
