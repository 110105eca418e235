// Checks that a graph is well formed. Types against ops: compiler/ops/check.h.
#pragma once

#include "compiler/ir/graph.h"

namespace dlc {

/// Throws Error(failed) that names the first node at fault: uses before definitions, values of
/// erased nodes, use lists and names out of step, nested graphs whose inputs do not fit, cycles.
void verify(const Graph& graph);

}  // namespace dlc
