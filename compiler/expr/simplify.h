// Index arithmetic in canonical form: what makes reshapes, splits and transposes vanish in fusion.
#pragma once

#include <map>

#include "compiler/expr/expr.h"

namespace dlc {

/// Extents of the variables in scope: each is in [0, extent).
using Ranges = std::map<Variable, Dim>;

/// An equivalent, usually smaller expression: i64 subexpressions become canonical sums, floor_div
/// and floor_mod of sums are split where the ranges allow ((8*i + j) // 8 = i for j < 8, also with
/// symbolic divisors), comparisons that always hold become constants, min/max and selects on them
/// vanish. Reductions add their axes to the ranges; a sum over one element loses its loop.
Expr simplify(const Expr& e, const Ranges& ranges);
TensorExpr simplify(const TensorExpr& t);

/// If an i64 expression is base + stride * variable with base and stride free of it: the stride.
/// nullopt: not affine in `v`.
std::optional<Expr> stride_of(const Expr& e, Variable v);

/// Inclusive bounds of an i64 expression as Dims over the symbols, as far as they can be had.
std::optional<Dim> lower_bound(const Expr& e, const Ranges& ranges);
std::optional<Dim> upper_bound(const Expr& e, const Ranges& ranges);

}  // namespace dlc
