// Error of the float functions in units of the last place, over all magnitudes and special values.
#include <bit>
#include <cmath>
#include <limits>

#include "support.h"

namespace dlc::llvm_backend {
namespace {

using Reference = double (*)(double);

/// Floats spread evenly over all bit patterns: every magnitude, both signs, infinities, NaNs.
Tensor all_magnitudes() {
  constexpr uint32_t step = 104729;  // a prime, so that low bits vary
  std::vector<double> values = {0.0,  -0.0,     1,     -1,    INFINITY, -INFINITY,
                                NAN,  88.72283, 88.73, -87.3, -103.9,   -104.1,
                                0.55, 4,        -4,    1e-45, -1e-45};
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += step)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  const auto n = static_cast<int64_t>(values.size());
  return Tensor::of(DType::f32, {n}, values);
}

/// Distance in steps between floats around `want`; a huge number for a wrong kind (NaN, infinity).
double error_in_ulp(float got, double want) {
  const auto rounded = static_cast<float>(want);
  if (std::isnan(rounded)) return std::isnan(got) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(got)) {
    // Where the exact result is at the limit, either side of it is right.
    const float limit = std::numeric_limits<float>::max();
    return got == rounded || std::abs(std::abs(want) / limit - 1) < 1e-6 ? 0 : 1e9;
  }
  const float magnitude = std::max(std::abs(rounded), std::numeric_limits<float>::min());
  const double step = std::nextafter(magnitude, INFINITY) - magnitude;
  return std::abs(got - want) / step;
}

void expect_within(UnaryOp op, Reference reference, double most) {
  const Tensor x = all_magnitudes();
  const Case c{.operands = {x}, .outputs = {tensor({x.size()}, [&](const Indices& i) {
                                  return unary(op, load(0, DType::f32, i));
                                })}};
  for (int bits = 128; bits <= host_target().vector_bits; bits *= 2) {
    const Tensor y = run_compiled(c, bits)[0];
    double worst = 0;
    int64_t where = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      const double error = error_in_ulp(y.as<float>()[i], reference(x.as<float>()[i]));
      if (error > worst) {
        worst = error;
        where = i;
      }
    }
    EXPECT_LE(worst, most) << bits << " bits, f(" << x.as<float>()[where]
                           << ") = " << y.as<float>()[where] << ", expected "
                           << reference(x.as<float>()[where]);
  }
}

TEST(Math, ExpKeepsItsErrorBound) { expect_within(UnaryOp::exp, std::exp, 1.5); }
TEST(Math, LogKeepsItsErrorBound) { expect_within(UnaryOp::log, std::log, 1.5); }
TEST(Math, Expm1KeepsItsErrorBound) { expect_within(UnaryOp::expm1, std::expm1, 2.5); }
TEST(Math, Log1pKeepsItsErrorBound) { expect_within(UnaryOp::log1p, std::log1p, 2); }
TEST(Math, TanhKeepsItsErrorBound) { expect_within(UnaryOp::tanh, std::tanh, 2.5); }
TEST(Math, ErfKeepsItsErrorBound) { expect_within(UnaryOp::erf, std::erf, 3); }

TEST(Math, LibraryFunctionsKeepTheirErrorBound) {
  expect_within(UnaryOp::sin, std::sin, 4);
  expect_within(UnaryOp::cos, std::cos, 4);
  expect_within(UnaryOp::tan, std::tan, 4);
  expect_within(UnaryOp::atan, std::atan, 4);
  expect_within(UnaryOp::asin, std::asin, 4);
  expect_within(UnaryOp::acos, std::acos, 4);
  expect_within(UnaryOp::sinh, std::sinh, 4);
  expect_within(UnaryOp::cosh, std::cosh, 4);
  expect_within(UnaryOp::asinh, std::asinh, 4);
  expect_within(UnaryOp::acosh, std::acosh, 4);
  expect_within(UnaryOp::atanh, std::atanh, 4);
  expect_within(UnaryOp::sqrt, std::sqrt, 0.5);
  expect_within(UnaryOp::floor, std::floor, 0);
  expect_within(UnaryOp::round, std::nearbyint, 0);
}

TEST(Math, TinyArgumentsKeepTheirSign) {
  const Tensor x = Tensor::of(DType::f32, {4}, std::vector<double>{-0.0, 0.0, -1e-30, 1e-30});
  for (const UnaryOp op :
       {UnaryOp::tanh, UnaryOp::erf, UnaryOp::sin, UnaryOp::expm1, UnaryOp::log1p}) {
    const Case c{.operands = {x}, .outputs = {tensor({4}, [&](const Indices& i) {
                                    return unary(op, load(0, DType::f32, i));
                                  })}};
    const Tensor y = run_compiled(c, 0)[0];
    for (int64_t i = 0; i < 4; ++i)
      EXPECT_EQ(std::signbit(y.as<float>()[i]), std::signbit(x.as<float>()[i]));
  }
}

TEST(Math, PowersAndRemaindersOfFloats) {
  const Tensor a = random_tensor(DType::f32, {77}, {-9, 9}),
               b = random_tensor(DType::f32, {77}, {-3, 3}, 2);
  using enum BinaryOp;
  for (const BinaryOp op : {power, floor_div, floor_mod, truncated_mod, atan2})
    for (const DType type : {DType::f32, DType::f64})
      expect_same({.operands = {a, b}, .outputs = {tensor({77}, [&](const Indices& i) {
                                         return binary(op, cast(type, load(0, DType::f32, i)),
                                                       cast(type, load(1, DType::f32, i)));
                                       })}});
}

TEST(Math, DoublesAreComputedAsDoubles) {
  const Tensor x = random_tensor(DType::f64, {55}, {0.1, 0.9});
  for (const UnaryOp op : {UnaryOp::exp, UnaryOp::log, UnaryOp::tanh, UnaryOp::erf, UnaryOp::sin,
                           UnaryOp::acos, UnaryOp::sqrt})
    expect_same({.operands = {x},
                 .outputs = {tensor(
                     {55}, [&](const Indices& i) { return unary(op, load(0, DType::f64, i)); })},
                 .tolerance = 1e-14});
}

}  // namespace
}  // namespace dlc::llvm_backend
