// Ensembles of decision trees. Row: compiler/ops/ml_trees.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// dlc.TreeScores: x [n, features]. Threads and errors: runtime/host.h.
void tree_scores(const HostCall& call);

}  // namespace dlc::host
