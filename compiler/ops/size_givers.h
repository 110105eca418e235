// Nodes that are needed for the sizes of their results alone.
// Users: passes/rewrite.cpp (dead nodes), compiler/lower/partition.cpp.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// Whether only running the node tells a size that another node, or a nested graph, mentions.
bool gives_sizes(const Graph& graph, NodeId node);

}  // namespace dlc
