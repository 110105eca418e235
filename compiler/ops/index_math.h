// Index arithmetic that rows share: safe indices, choices by position, clamps of sizes.
// Used by the tables shape, movement, index, resize, image, conv and pool.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// 0 of any fixed-size element type (narrow floats as a cast, as expr.h wants it).
Expr zero_of(DType dtype);
/// `value` of any numeric type; integers are exact to 53 bits.
Expr value_of(DType dtype, double value);
/// The single element of a tensor as an exact constant.
Expr element_of(const Tensor& tensor);

/// values[i], by a chain of selects: i64. `i` outside gives the last; no values give 0.
Expr pick(const Dims& values, const Expr& i);

/// True of 0 <= i < size.
Expr within(const Expr& i, const Dim& size);
/// ceil(a / b) for b > 0.
Expr ceil_div(const Expr& a, int64_t b);

/// An element of an index tensor as a position on an axis: negative ones count from the end, and
/// what is outside is moved to the nearest end, so that a load can never leave its operand.
Expr safe_index(const Expr& raw, const Dim& size);
/// load, or zero where the axis of that size has no element at all. Costs nothing for sizes that
/// are known to be at least 1.
Expr if_not_empty(const Dim& size, const Expr& load);

/// minimum and maximum that leave out what provably changes nothing.
Dim at_most(const Dim& value, const Dim& high);
Dim at_least(const Dim& value, const Dim& low);
/// Non-negative whenever all sizes in it are at least 1 (seq - 1, say).
bool is_position(const Dim& value);

/// `dims` with the entry at `axis` replaced.
Dims with_dim(Dims dims, int64_t axis, Dim value);
/// `indices` with the entry at `axis` replaced.
Indices with_index(Indices indices, int64_t axis, Expr value);

/// The dim that two dims required to be equal have: the known one, if one is a number.
Dim common_dim(const OpArgs& args, const Dim& a, const Dim& b, std::string what);

/// Throws Error(invalid) unless the input has one element, of that type.
void expect_scalar(const OpArgs& args, std::string_view input, DType dtype);

/// Everything that loops can move: bit by bit, and strings by their positions (on_strings.h).
inline constexpr DTypes moved = types::all;

}  // namespace dlc
