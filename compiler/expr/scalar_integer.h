// What the scalar operations mean on integers and bools, held in 64 bits.
// Next: scalar.h.
#pragma once

#include <cstdint>

#include "compiler/expr/expr.h"

namespace dlc::scalar {

inline bool is_unsigned(DType type) { return is_integer(type) && !is_signed(type); }

/// Integers and bools of type `type`, before wrapping.
inline int64_t apply(UnaryOp op, DType type, int64_t x) {
  switch (op) {
    case UnaryOp::negate:
      return static_cast<int64_t>(-static_cast<uint64_t>(x));
    case UnaryOp::abs:
      return x < 0 && !is_unsigned(type) ? static_cast<int64_t>(-static_cast<uint64_t>(x)) : x;
    case UnaryOp::sign:
      return is_unsigned(type) ? x != 0 : (x > 0) - (x < 0);
    case UnaryOp::bit_not:
      return ~x;
    case UnaryOp::logical_not:
      return x == 0;
    case UnaryOp::is_nan:
    case UnaryOp::is_inf:
      return 0;
    default:
      return x;  // floor, ceil, round, trunc: nothing to do
  }
}

inline int64_t integer_power(int64_t base, int64_t exponent, bool is_unsigned) {
  if (exponent < 0 && !is_unsigned) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (uint64_t n = static_cast<uint64_t>(exponent); n != 0; n >>= 1) {
    if (n & 1) result *= square;
    square *= square;
  }
  return static_cast<int64_t>(result);
}

/// u64 operations that differ from i64's.
inline uint64_t apply_unsigned(BinaryOp op, uint64_t a, uint64_t b) {
  switch (op) {
    case BinaryOp::divide:
    case BinaryOp::floor_div:
      return b == 0 ? 0 : a / b;
    case BinaryOp::floor_mod:
    case BinaryOp::truncated_mod:
      return b == 0 ? 0 : a % b;
    case BinaryOp::minimum:
      return a < b ? a : b;
    case BinaryOp::maximum:
      return a > b ? a : b;
    case BinaryOp::less:
      return a < b;
    case BinaryOp::less_equal:
      return a <= b;
    case BinaryOp::greater:
      return a > b;
    default:
      return a >= b;
  }
}

inline bool sign_matters(BinaryOp op) {
  switch (op) {
    case BinaryOp::divide:
    case BinaryOp::floor_div:
    case BinaryOp::floor_mod:
    case BinaryOp::truncated_mod:
    case BinaryOp::minimum:
    case BinaryOp::maximum:
    case BinaryOp::less:
    case BinaryOp::less_equal:
    case BinaryOp::greater:
    case BinaryOp::greater_equal:
      return true;
    default:
      return false;
  }
}

inline int64_t divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(-static_cast<uint64_t>(a));
  return a / b;
}
inline int64_t truncated_mod(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
inline int64_t floor_div(int64_t a, int64_t b) {
  const int64_t r = truncated_mod(a, b);
  return divide(a, b) - (r != 0 && (r < 0) != (b < 0));
}
inline int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t r = truncated_mod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

inline int64_t shift(BinaryOp op, DType type, int64_t a, int64_t amount) {
  if (static_cast<uint64_t>(amount) >= static_cast<uint64_t>(bits(type))) return 0;
  if (op == BinaryOp::shift_left) return static_cast<int64_t>(static_cast<uint64_t>(a) << amount);
  if (type == DType::u64) return static_cast<int64_t>(static_cast<uint64_t>(a) >> amount);
  return a >> amount;
}

/// Integers and bools of type `type`, before wrapping; u64 by its bits.
inline int64_t apply(BinaryOp op, DType type, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  if (type == DType::u64 && sign_matters(op))
    return static_cast<int64_t>(apply_unsigned(op, ua, ub));
  switch (op) {
    case BinaryOp::add:
      return static_cast<int64_t>(ua + ub);
    case BinaryOp::subtract:
      return static_cast<int64_t>(ua - ub);
    case BinaryOp::multiply:
      return static_cast<int64_t>(ua * ub);
    case BinaryOp::divide:
      return divide(a, b);
    case BinaryOp::floor_div:
      return floor_div(a, b);
    case BinaryOp::floor_mod:
      return floor_mod(a, b);
    case BinaryOp::truncated_mod:
      return truncated_mod(a, b);
    case BinaryOp::power:
      return integer_power(a, b, is_unsigned(type));
    case BinaryOp::minimum:
      return a < b ? a : b;
    case BinaryOp::maximum:
      return a > b ? a : b;
    case BinaryOp::logical_and:
      return a != 0 && b != 0;
    case BinaryOp::logical_or:
      return a != 0 || b != 0;
    case BinaryOp::logical_xor:
      return (a != 0) != (b != 0);
    case BinaryOp::bit_and:
      return a & b;
    case BinaryOp::bit_or:
      return a | b;
    case BinaryOp::bit_xor:
      return a ^ b;
    case BinaryOp::shift_left:
    case BinaryOp::shift_right:
      return shift(op, type, a, b);
    case BinaryOp::equal:
      return a == b;
    case BinaryOp::not_equal:
      return a != b;
    case BinaryOp::less:
      return a < b;
    case BinaryOp::less_equal:
      return a <= b;
    case BinaryOp::greater:
      return a > b;
    case BinaryOp::greater_equal:
      return a >= b;
    case BinaryOp::atan2:
      break;
  }
  return a;
}

}  // namespace dlc::scalar
