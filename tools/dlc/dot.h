// Graphs as pictures.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace dlc::cli {

/// The graph in Graphviz's language: a box for each node, an arrow with the type for each use.
/// Constants are left out.
std::string dot_text(const Graph& graph);

}  // namespace dlc::cli
