// How contractions read their operands: in place where elements are evenly spaced, from scratch
// rows into which they are evaluated otherwise. Next: tile.h, matmul.cpp, convolution.cpp.
#pragma once

#include <optional>
#include <span>

#include "compiler/backends/llvm/tile.h"

namespace dlc::llvm_backend {

/// Where element (line, k) of an operand is: rest + line * `line` + k * `k`, in elements.
struct Affine {
  int operand = -1;
  Linear rest;
  Dim line, k;
};

/// Nothing unless `body` is a plain load of `type` that is affine in both variables.
std::optional<Affine> affine(const Expr& body, Variable line, Variable k, DType type,
                             std::span<const Type> operands);

/// to[v - first] = body for v in [begin, end), by vectors of `lanes`.
void emit_fill(Emitter& emit, Value* to, const Expr& body, Variable v, Value* begin, Value* end,
               Value* first, int lanes);

/// A's rows for a tile that begins at `row`.
struct RowSource {
  std::optional<Affine> place;  ///< if in place
  Expr body;                    ///< element (row_variable, k_variable)
  Variable row_variable, k_variable;
  Value* scratch;  ///< memory for tile.rows * k elements, if not in place
};
void emit_rows(Emitter& emit, const RowSource& source, Value* row, Tile& tile);

/// An operand whose elements are adjacent in k.
struct TransposedSource {
  Affine place;
  Dim k;
  DType type;
  int lanes;
};
/// to[k][line - first] = element (line, k) for lines in [first, end), rows `pitch` elements apart,
/// by squares of lanes x lanes that are turned in registers. Of a square with lines beyond the end,
/// those columns repeat the last line.
void emit_transposed(Emitter& emit, const TransposedSource& source, Value* first, Value* end,
                     Value* to, int64_t pitch);

/// body(c) for the one of `choices` (known to be among them) that `value` is.
void emit_choice(Emitter& emit, std::span<const int> choices, Value* value,
                 const std::function<void(int)>& body);

Value* emit_smaller(Emitter& emit, Value* a, Value* b);
Value* emit_larger(Emitter& emit, Value* a, Value* b);

}  // namespace dlc::llvm_backend
