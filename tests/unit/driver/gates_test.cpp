// Gates: what is made of several columns of a product is part of its kernel.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/driver/fused.h"

namespace dlc {
namespace {

using test::check;
using test::Sizes;

std::vector<Sizes> batches() {
  std::vector<Sizes> result;
  for (const int b : {0, 1, 3, 6, 8, 13, 40}) result.push_back({{"b", b}, {"s", 3}});
  return result;
}

/// A step of an LSTM with `units` units; weights that are given or constant, as Gemm wants them.
std::string lstm(int units, bool constant) {
  const std::string weights = fmt::format("%r: f32[{},{}], ", 4 * units, units);
  const std::string sines = fmt::format(R"(
    %begin = Constant(value=f32[]{{0}}) : f32[]
    %end = Constant(value=f32[]{{{0}}}) : f32[]
    %step = Constant(value=f32[]{{1}}) : f32[]
    %shape = Constant(value=i64[2]{{{1},{2}}}) : i64[2]
    %range = Range(%begin, %end, %step) : f32[{0}]
    %sines = Sin(%range) : f32[{0}]
    %r = Reshape(%sines, %shape) : f32[{1},{2}])",
                                        4 * units * units, 4 * units, units);
  return fmt::format(R"(graph @g(%h: f32[b,{0}], %c: f32[b,{0}], {2}%x: f32[b,{1}])
                           -> (f32[b,{0}], f32[b,{0}]) {{{3}
    %gates = Gemm(%h, %r, %x, transB=1) : f32[b,{1}]
    %0, %1, %2, %3 = Split(%gates, axis=1, num_outputs=4) : f32[b,{0}], f32[b,{0}], f32[b,{0}], f32[b,{0}]
    %i = Sigmoid(%0) : f32[b,{0}]
    %o = Sigmoid(%1) : f32[b,{0}]
    %f = Sigmoid(%2) : f32[b,{0}]
    %n = Tanh(%3) : f32[b,{0}]
    %4 = Mul(%f, %c) : f32[b,{0}]
    %5 = Mul(%i, %n) : f32[b,{0}]
    %state = Add(%4, %5) : f32[b,{0}]
    %6 = Tanh(%state) : f32[b,{0}]
    %7 = Mul(%o, %6) : f32[b,{0}]
    return %state, %7
  }})",
                     units, 4 * units, constant ? "" : weights, constant ? sines : "");
}

TEST(Gates, OfAnLstmAreTheEpilogueOfTheRecurrentProduct) {
  for (const int units : {8, 20, 33, 48})
    for (const bool constant : {false, true})
      EXPECT_EQ(check(lstm(units, constant), batches()), "matmul") << units;
}

TEST(Gates, OfFewColumnsAreAKernelOfTheirOwn) {
  EXPECT_EQ(check(lstm(7, true), {{{"b", 3}}}), "matmul | loops");
}

TEST(Gates, OfLinearUnitsOverRowsOfBatches) {
  for (const int units : {16, 39, 96}) {
    const std::string text = fmt::format(
        R"(graph @g(%x: f32[b,s,24], %w: f32[24,{0}], %d: f32[{0}]) -> (f32[b,s,{1}]) {{
    %0 = MatMul(%x, %w) : f32[b,s,{0}]
    %1 = Add(%0, %d) : f32[b,s,{0}]
    %u, %g = Split(%1, axis=-1, num_outputs=2) : f32[b,s,{1}], f32[b,s,{1}]
    %2 = Sigmoid(%g) : f32[b,s,{1}]
    %3 = Mul(%g, %2) : f32[b,s,{1}]
    %4 = Mul(%3, %u) : f32[b,s,{1}]
    return %4
  }})",
        2 * units, units);
    EXPECT_EQ(check(text, batches()), "matmul") << units;
  }
}

TEST(Gates, ThreeOfEachElementAndOtherTypes) {
  for (const char* type : {"f16", "f64"}) {
    std::string text = R"(graph @g(%x: T[b,8], %w: T[8,48]) -> (T[b,16]) {
    %0 = MatMul(%x, %w) : T[b,48]
    %1, %2, %3 = Split(%0, axis=-1, num_outputs=3) : T[b,16], T[b,16], T[b,16]
    %4 = Sigmoid(%1) : T[b,16]
    %5 = Mul(%4, %2) : T[b,16]
    %6 = Sub(%5, %3) : T[b,16]
    return %6
  })";
    for (size_t at = 0; (at = text.find("T[", at)) != std::string::npos;) text.replace(at, 1, type);
    EXPECT_EQ(check(text, batches()), "matmul") << type;
  }
}

TEST(Gates, AreMadeWithValuesThatDoNotReadTheProduct) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,8], %w: f32[8,32], %y: f32[b,16])
                     -> (f32[b,16], f32[b,16]) {
    %e = Exp(%y) : f32[b,16]
    %0 = MatMul(%x, %w) : f32[b,32]
    %1, %2 = Split(%0, axis=-1, num_outputs=2) : f32[b,16], f32[b,16]
    %3 = Mul(%1, %e) : f32[b,16]
    %4 = Add(%3, %2) : f32[b,16]
    return %e, %4
  })",
                  batches()),
            "matmul");
}

TEST(Gates, OfAProductThatIsReadElsewhereOrAcrossStayApart) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,8], %w: f32[8,32]) -> (f32[b,16], f32[b,32]) {
    %0 = MatMul(%x, %w) : f32[b,32]
    %1, %2 = Split(%0, axis=-1, num_outputs=2) : f32[b,16], f32[b,16]
    %3 = Sigmoid(%1) : f32[b,16]
    %4 = Mul(%3, %2) : f32[b,16]
    return %4, %0
  })",
                  batches()),
            "matmul | loops");
  EXPECT_EQ(check(R"(graph @g(%x: f32[16,8], %w: f32[8,32]) -> (f32[16,16]) {
    %0 = MatMul(%x, %w) : f32[16,32]
    %1, %2 = Split(%0, axis=-1, num_outputs=2) : f32[16,16], f32[16,16]
    %3 = Transpose(%1, perm=[1,0]) : f32[16,16]
    %4 = Mul(%3, %2) : f32[16,16]
    return %4
  })"),
            "matmul | loops");
}

}  // namespace
}  // namespace dlc
