// What elementwise rows share: checks of element types (loops use them, too) and rows that are a
// single scalar op.
// Users: arithmetic.cpp, math.cpp, activation.cpp, logic.cpp, conv.cpp.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// Throws Error(invalid) unless all tensor inputs at positions from `first` to before `end` have
/// one element type.
void require_one_type(const OpArgs& args, size_t first = 0, size_t end = SIZE_MAX);

template <UnaryOp op>
Expr apply_unary(const ScalarArgs& args) {
  return unary(op, args.element(0));
}

template <BinaryOp op>
Expr apply_binary(const ScalarArgs& args) {
  require_one_type(args);
  return binary(op, args.element(0), args.element(1));
}

/// A variadic op as a chain of binary ones, from the left.
template <BinaryOp op>
Expr apply_chain(const ScalarArgs& args) {
  require_one_type(args);
  Expr result = args.element(0);
  for (size_t i = 1; i < args.input_count(); ++i) result = binary(op, result, args.element(i));
  return result;
}

}  // namespace dlc
