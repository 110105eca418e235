// What makes every row safe, whatever its operands' shapes: no formula reads outside of them.
// Next: infer.h, where formulas come from.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// `formula` with each load inside its operand. An index stays as it is where the extents of the
/// loops, the selects around the load and the requirements noted so far prove it. If sizes alone
/// decide, args.require() what they must be: Error(invalid) if they are numbers that break it. An
/// index that depends on data or on a condition is clamped, which the requirements note.
TensorExpr guard_loads(const OpArgs& args, const TensorExpr& formula);

}  // namespace dlc
