// LoopNest: a loop kernel in the form that loops are made from.
// Next: schedule.h, which decides how the loops run.
#pragma once

#include <vector>

#include "compiler/lower/kernel.h"

namespace dlc {

/// All outputs over one set of axes. Loads are by flat offset; equal subexpressions are one node;
/// axes of length one are gone, and neighbours that every load walks as one (a row-major stretch)
/// are merged, in reductions too: a pointwise kernel over [b, s, 768] has one axis of b*s*768.
struct LoopNest {
  std::vector<Axis> axes;
  std::vector<Expr> bodies;  ///< one per output; element number = row-major position in `axes`
};
LoopNest make_loop_nest(const LoopKernel& kernel);

}  // namespace dlc
