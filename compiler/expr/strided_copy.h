// Tensors that are one operand's elements at evenly spaced places: transposed, sliced, repeated.
// Next: interpret.cpp.
#pragma once

#include <span>

#include "compiler/expr/lane_program.h"

namespace dlc {

/// Fills `result` (of t's shape, not empty) and returns true, if t is a load whose indices are sums
/// of multiples of its axes.
bool copy_strided(const TensorExpr& t, std::span<const Tensor> operands, const lanes::Sizes& sizes,
                  Tensor& result);

}  // namespace dlc
