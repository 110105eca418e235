// Draws expressions so that every load fits, and keeps book of how exact each value is.
// Next: random_index.h (index expressions).
#include "tests/support/random_expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/numeric.h"
#include "tests/support/random_index.h"

namespace dlc::testing {
namespace {

/// A value with what is known of it: |value| <= magnitude. Floats are multiples of 2^-fraction if
/// `error` is 0, and else off by at most `error` when computed in their own type.
struct Drawn {
  Expr e;
  double magnitude = 0;
  int fraction = 0;
  double error = 0;
};

/// A generous bound of what an operation or a function may be off by, relative to its result.
double epsilon(DType type) { return type == DType::f64 ? 0x1p-44 : 0x1p-19; }
int mantissa(DType type) { return type == DType::f64 ? 50 : 22; }
bool is_computed_as_float(DType type) { return is_float(type); }

class Generator {
 public:
  Generator(uint64_t seed, const RandomOptions& options, RandomCase& result)
      : options_(options), random_(seed), indices_(random_, result), case_(result) {}

  void outputs() {
    const Dims shape = indices_.shape(options_.symbolic);
    const int count = random_.chance(4) ? 2 : 1;
    for (int i = 0; i < count; ++i) {
      Drawn drawn;
      case_.outputs.push_back(tensor(shape, [&](const Indices& axes) {
        indices_.enter(axes, shape);
        drawn = stored_value(random_.pick(options_.types));
        indices_.leave(axes.size());
        return drawn.e;
      }));
      case_.tolerances.push_back(drawn.error);
    }
  }

 private:
  /// A value of any element type, narrow floats included.
  Drawn stored_value(DType type) {
    if (random_.chance(6)) return plain_load(type);
    const DType computed = arithmetic_type(type);
    Drawn x = value(computed, options_.depth);
    if (computed == type) return x;
    x.e = cast(type, x.e);
    // One step of rounding more, if the value before was not the exact one.
    if (x.error > 0)
      x.error += std::max(x.magnitude, 0x1p-14) * (type == DType::f16 ? 0x1p-10 : 0x1p-7);
    return x;
  }

  Drawn plain_load(DType type) {
    const auto [e, magnitude] = indices_.load(type);
    return {e, magnitude, is_float(type) ? 3 : 0, 0};
  }

  Drawn value(DType type, int depth) {
    if (depth == 0 || random_.chance(8)) return leaf(type);
    if (options_.reductions && random_.chance(8)) return reduction(type, depth);
    if (random_.chance(6)) return selection(type, depth);
    if (random_.chance(7)) return conversion(type, depth);
    if (type == DType::boolean) return logic(depth);
    return is_computed_as_float(type) ? real(type, depth) : integer(type, depth);
  }

  Drawn leaf(DType type) {
    if (type == DType::i64 && random_.chance(3)) return indices_value();
    if (random_.chance(5)) {
      const double number = type == DType::boolean ? random_.below(2) : random_.below(9);
      return {constant(type, number), number, 0, 0};
    }
    if (type != DType::f32) return plain_load(type);
    const DType stored = random_.pick(std::vector{DType::f32, DType::f32, DType::f16, DType::bf16});
    Drawn x = plain_load(stored);
    x.e = cast(DType::f32, x.e);
    return x;
  }

  Drawn indices_value() {
    const auto [e, extent] = indices_.any_index();
    return {e, static_cast<double>(extent), 0, 0};
  }

  /// Notes what rounding adds, once the value has too many bits to be exact.
  Drawn rounded(DType type, Drawn x) {
    const double bits = std::log2(std::max(x.magnitude, 1.0)) + x.fraction;
    if (x.error > 0 || bits > mantissa(type)) x.error += x.magnitude * epsilon(type);
    return x;
  }
  Drawn inexact(DType type, Expr e, double magnitude, double error) {
    return {std::move(e), magnitude, 0, error + magnitude * epsilon(type)};
  }
  /// |x| + 1, which one can divide by.
  Drawn divisor(const Drawn& x) { return {abs(x.e) + 1, x.magnitude + 1, x.fraction, x.error}; }

  Drawn real(DType type, int depth) {
    const Drawn a = value(type, depth - 1);
    switch (random_.below(3)) {
      case 0:
        return real_function(type, a);
      case 1:
        return real_pair(type, a, value(type, depth - 1));
      default: {
        const Drawn b = random_.chance(3) ? a : value(type, depth - 1);
        return rounded(type, {a.e + b.e, a.magnitude + b.magnitude,
                              std::max(a.fraction, b.fraction), a.error + b.error});
      }
    }
  }

  Drawn real_pair(DType type, const Drawn& a, const Drawn& b) {
    const double magnitude = std::max(a.magnitude, b.magnitude);
    const int fraction = std::max(a.fraction, b.fraction);
    switch (random_.below(5)) {
      case 0:
        return rounded(type, {a.e - b.e, a.magnitude + b.magnitude, fraction, a.error + b.error});
      case 1:
        if (a.magnitude * b.magnitude > 1e6) return a;
        return rounded(type, {a.e * b.e, a.magnitude * b.magnitude, a.fraction + b.fraction,
                              a.error * b.magnitude + b.error * a.magnitude + a.error * b.error});
      case 2:
        return {minimum(a.e, b.e), magnitude, fraction, std::max(a.error, b.error)};
      case 3:
        return {maximum(a.e, b.e), magnitude, fraction, std::max(a.error, b.error)};
      default: {
        const Drawn d = divisor(b);
        return inexact(type, a.e / d.e, a.magnitude, a.error + d.error * a.magnitude);
      }
    }
  }

  Drawn real_function(DType type, const Drawn& x) {
    switch (random_.below(9)) {
      case 0:
        return {-x.e, x.magnitude, x.fraction, x.error};
      case 1:
        return {abs(x.e), x.magnitude, x.fraction, x.error};
      case 2:
        return inexact(type, tanh(x.e), 1, x.error);
      case 3:
        return inexact(type, sigmoid(x.e), 1, x.error);
      case 4:
        return inexact(type, erf(x.e), 1, 1.2 * x.error);
      case 5:
        return inexact(type, exp(clamp(x.e, -3, 3)), 21, 21 * x.error);
      case 6:
        return inexact(type, sqrt(divisor(x).e), std::sqrt(x.magnitude + 1), x.error);
      case 7:
        return inexact(type, log(divisor(x).e), std::log(x.magnitude + 1) + 1, x.error);
      default: {
        // Rounding is not continuous: only where the value is exact.
        if (x.error > 0) return x;
        const auto op = static_cast<UnaryOp>(static_cast<int>(UnaryOp::floor) + random_.below(4));
        return {unary(op, x.e), x.magnitude + 1, 0, 0};
      }
    }
  }

  Drawn integer(DType type, int depth) {
    constexpr BinaryOp ops[] = {BinaryOp::add,        BinaryOp::subtract,      BinaryOp::multiply,
                                BinaryOp::divide,     BinaryOp::minimum,       BinaryOp::floor_div,
                                BinaryOp::floor_mod,  BinaryOp::truncated_mod, BinaryOp::maximum,
                                BinaryOp::bit_and,    BinaryOp::bit_or,        BinaryOp::bit_xor,
                                BinaryOp::shift_left, BinaryOp::shift_right};
    const Drawn a = value(type, depth - 1);
    if (random_.chance(5)) {
      constexpr UnaryOp unaries[] = {UnaryOp::negate, UnaryOp::abs, UnaryOp::sign,
                                     UnaryOp::bit_not};
      return whole(type, unary(unaries[random_.below(4)], a.e));
    }
    const Drawn b = value(type, depth - 1);
    return whole(type, binary(ops[random_.below(14)], a.e, b.e));
  }
  Drawn whole(DType type, Expr e) { return {std::move(e), std::ldexp(1.0, bits(type)), 0, 0}; }

  Drawn logic(int depth) {
    const DType type = random_.pick(options_.types);
    const DType compared = arithmetic_type(type);
    const Drawn a = value(compared, depth - 1), b = value(compared, depth - 1);
    if (compared == DType::boolean) {
      const auto op =
          static_cast<BinaryOp>(static_cast<int>(BinaryOp::logical_and) + random_.below(3));
      return {binary(op, a.e, random_.chance(2) ? b.e : !b.e), 1, 0, 0};
    }
    const auto op = static_cast<BinaryOp>(static_cast<int>(BinaryOp::equal) + random_.below(6));
    if (a.error > 0 || b.error > 0) return leaf(DType::boolean);
    return {binary(op, a.e, b.e), 1, 0, 0};
  }

  Drawn selection(DType type, int depth) {
    const Drawn c = logic(1), a = value(type, depth - 1), b = value(type, depth - 1);
    return {select(c.e, a.e, b.e), std::max(a.magnitude, b.magnitude),
            std::max(a.fraction, b.fraction), std::max(a.error, b.error)};
  }

  /// A cast from another type whose result is the same however it is done.
  Drawn conversion(DType type, int depth) {
    const DType from = arithmetic_type(random_.pick(options_.types));
    const Drawn x = value(from, depth - 1);
    const bool to_float = is_computed_as_float(type), from_float = is_computed_as_float(from);
    if (from == type) return x;
    if (to_float && from_float)
      return rounded(type, {cast(type, x.e), x.magnitude, x.fraction, x.error});
    if (to_float) return rounded(type, {cast(type, x.e), x.magnitude, 0, 0});
    if (!from_float) return {cast(type, x.e), std::ldexp(1.0, bits(type)), 0, 0};
    const double limit = type == DType::boolean ? 1e9 : std::ldexp(1.0, bits(type) - 1);
    if (x.error > 0 || x.magnitude >= limit) return leaf(type);
    const bool negative_fits = is_signed(type) || type == DType::boolean;
    return {cast(type, negative_fits ? x.e : abs(x.e)), x.magnitude, 0, 0};
  }

  Drawn reduction(DType type, int depth) {
    const Dims extents = indices_.reduced_extents();
    double count = 1;
    for (const Dim& extent : extents) count *= static_cast<double>(indices_.number(extent));
    Drawn body;
    const auto over = [&](ReduceOp op, DType of, const Dims& axes) {
      return reduce(op, axes, [&](const Indices& k) {
        indices_.enter(k, axes);
        body = value(of, std::min(depth - 1, 2));
        indices_.leave(k.size());
        return body.e;
      });
    };
    if (type == DType::boolean)
      return {over(random_.chance(2) ? ReduceOp::any : ReduceOp::all, type, extents), 1, 0, 0};
    if (type == DType::i64 && random_.chance(2)) {
      const auto op =
          static_cast<ReduceOp>(static_cast<int>(ReduceOp::argmin_first) + random_.below(4));
      const Expr e = over(op, DType::i32, {extents[0]});
      return {e, count, 0, 0};
    }
    if (!is_computed_as_float(type)) {
      const auto op = static_cast<ReduceOp>(random_.below(4));
      return whole(type, over(op, type, extents));
    }
    if (random_.chance(2)) {
      const Expr e = over(random_.chance(2) ? ReduceOp::minimum : ReduceOp::maximum, type, extents);
      // Of nothing it is an infinity: not a number to compute with further.
      if (count > 0) return {e, body.magnitude, body.fraction, body.error};
    }
    const Expr e = over(ReduceOp::sum, type, extents);
    Drawn total = rounded(type, {e, count * body.magnitude, body.fraction, count * body.error});
    if (total.error > 0) total.error += count * total.magnitude * epsilon(type);
    return total;
  }

  const RandomOptions& options_;
  Random random_;
  RandomIndices indices_;
  RandomCase& case_;
};

}  // namespace

RandomCase random_case(uint64_t seed, const RandomOptions& options) {
  RandomCase result;
  result.seed = seed;
  Generator(seed, options, result).outputs();
  return result;
}

std::string to_string(const RandomCase& c) {
  std::string text = fmt::format("seed {}\n", c.seed);
  for (const auto& [name, value] : c.symbols) text += fmt::format("  {} = {}\n", name, value);
  for (size_t i = 0; i < c.types.size(); ++i)
    text += fmt::format("  operand {}: {}\n", i, to_string(c.types[i]));
  for (const TensorExpr& output : c.outputs)
    text += fmt::format("  {} = {}\n", to_string(output.type()), to_string(output.body));
  return text;
}

std::string difference(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape())
    return "another type or shape";
  for (int64_t i = 0; i < expected.size(); ++i) {
    if (!is_float(expected.dtype())) {
      const int64_t a = load_integer(actual.dtype(), actual.data(), i);
      const int64_t b = load_integer(expected.dtype(), expected.data(), i);
      if (a != b) return fmt::format("element {}: {} instead of {}", i, a, b);
      continue;
    }
    const double a = load_real(actual.dtype(), actual.data(), i);
    const double b = load_real(expected.dtype(), expected.data(), i);
    const bool alike = a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= tolerance;
    if (!alike) return fmt::format("element {}: {} instead of {} +- {}", i, a, b, tolerance);
  }
  return "";
}

}  // namespace dlc::testing
