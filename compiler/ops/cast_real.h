// Casts of real numbers as Cast has them, whose rules go beyond those of expressions.
// Users: cast.cpp, quantization.cpp.
#pragma once

#include <string>

#include "compiler/expr/expr.h"

namespace dlc {

/// x (f32 or f64) in a type of real numbers. Out of range, f8 types take their greatest finite
/// value, or without `saturate` infinity (f8e5m2) or NaN. f8e8m0 takes the power of two above,
/// below or nearest the magnitude, by `round_mode`: "up", "down" or "nearest".
Expr cast_real(DType to, const Expr& x, bool saturate, const std::string& round_mode = "up");

}  // namespace dlc
