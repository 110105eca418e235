// What the scalar operations mean, on one double or 64-bit integer.
// Next: interpret.cpp, which runs them over lanes; expr.cpp, which folds constants.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "compiler/expr/scalar_integer.h"
#include "runtime/numeric.h"

namespace dlc::scalar {

/// Float functions; is_nan and is_inf give 0 or 1.
inline double apply(UnaryOp op, double x) {
  switch (op) {
    case UnaryOp::negate:
      return -x;
    case UnaryOp::abs:
      return std::fabs(x);
    case UnaryOp::sign:
      return x > 0 ? 1 : x < 0 ? -1 : x + 0.0;  // 0 for -0 too
    case UnaryOp::floor:
      return std::floor(x);
    case UnaryOp::ceil:
      return std::ceil(x);
    case UnaryOp::round:
      return std::nearbyint(x);
    case UnaryOp::trunc:
      return std::trunc(x);
    case UnaryOp::sqrt:
      return std::sqrt(x);
    case UnaryOp::exp:
      return std::exp(x);
    case UnaryOp::expm1:
      return std::expm1(x);
    case UnaryOp::log:
      return std::log(x);
    case UnaryOp::log1p:
      return std::log1p(x);
    case UnaryOp::sin:
      return std::sin(x);
    case UnaryOp::cos:
      return std::cos(x);
    case UnaryOp::tan:
      return std::tan(x);
    case UnaryOp::asin:
      return std::asin(x);
    case UnaryOp::acos:
      return std::acos(x);
    case UnaryOp::atan:
      return std::atan(x);
    case UnaryOp::sinh:
      return std::sinh(x);
    case UnaryOp::cosh:
      return std::cosh(x);
    case UnaryOp::tanh:
      return std::tanh(x);
    case UnaryOp::asinh:
      return std::asinh(x);
    case UnaryOp::acosh:
      return std::acosh(x);
    case UnaryOp::atanh:
      return std::atanh(x);
    case UnaryOp::erf:
      return std::erf(x);
    case UnaryOp::logical_not:
      return x == 0;
    case UnaryOp::is_nan:
      return std::isnan(x);
    case UnaryOp::is_inf:
      return std::isinf(x);
    case UnaryOp::bit_not:
      break;
  }
  return x;
}

inline double floor_mod(double a, double b) {
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);  // as Python and NumPy do
  if ((r < 0) != (b < 0)) return r + b;
  return r;
}

/// Comparisons and logic give 0 or 1.
inline double apply(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::subtract:
      return a - b;
    case BinaryOp::multiply:
      return a * b;
    case BinaryOp::divide:
      return a / b;
    case BinaryOp::floor_div:
      return std::floor(a / b);
    case BinaryOp::floor_mod:
      return floor_mod(a, b);
    case BinaryOp::truncated_mod:
      return std::fmod(a, b);
    case BinaryOp::power:
      return std::pow(a, b);
    case BinaryOp::minimum:
      return std::isnan(a) || a < b ? a : b;
    case BinaryOp::maximum:
      return std::isnan(a) || a > b ? a : b;
    case BinaryOp::atan2:
      return std::atan2(a, b);
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
    case BinaryOp::logical_and:
      return a != 0 && b != 0;
    case BinaryOp::logical_or:
      return a != 0 || b != 0;
    case BinaryOp::logical_xor:
      return (a != 0) != (b != 0);
    default:
      return a;  // bit operations: integers only
  }
}

constexpr bool is_comparison(BinaryOp op) { return op >= BinaryOp::equal; }
constexpr bool gives_bool(UnaryOp op) {
  return op == UnaryOp::logical_not || op == UnaryOp::is_nan || op == UnaryOp::is_inf;
}

/// A double as an integer, before wrapping: towards zero, 0 for NaN, and the greatest or lowest i32
/// where that does not hold it; for u32, i64 and u64 the greatest or lowest of 64 bits.
inline int64_t to_integer(DType type, double x) {
  if (type == DType::boolean) return x != 0;
  if (std::isnan(x)) return 0;
  if (type == DType::u64 && x >= 0x1p63)
    return static_cast<int64_t>(x >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(x));
  const bool in_words = bits(type) <= 32 && type != DType::u32;
  using Words = std::numeric_limits<int32_t>;
  using Wide = std::numeric_limits<int64_t>;
  if (x >= (in_words ? 0x1p31 : 0x1p63)) return in_words ? Words::max() : Wide::max();
  if (x <= (in_words ? -0x1p31 : -0x1p63)) return in_words ? Words::min() : Wide::min();
  return static_cast<int64_t>(x);
}

inline double to_real(DType type, int64_t x) {
  return type == DType::u64 ? static_cast<double>(static_cast<uint64_t>(x))
                            : static_cast<double>(x);
}

}  // namespace dlc::scalar
