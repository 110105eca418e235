// The passes by name. A new one is declared here and put into the list of pipeline.cpp.
#pragma once

#include "passes/pass.h"

namespace dlc {

extern const Pass sink_constants;
extern const Pass simplify_graph;
extern const Pass fold_shapes;
extern const Pass fold_constants;
extern const Pass fold_batch_norm;
extern const Pass eliminate_common;
extern const Pass eliminate_dead;
extern const Pass decompose;
extern const Pass widen_contractions;
extern const Pass fuse_activations;
extern const Pass merge_projections;

}  // namespace dlc
