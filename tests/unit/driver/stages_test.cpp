// Stages in one kernel: results against the interpreter at each vector width, and what is one
// kernel.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/driver/fused.h"

namespace dlc {
namespace {

using test::check;
using test::compare;
using test::inputs_for;
using test::Sizes;

/// Row lengths around those of vectors, one and none.
std::vector<Sizes> lengths(const std::string& symbol) {
  std::vector<Sizes> result;
  for (const int n : {0, 1, 2, 7, 16, 33, 64, 131, 500}) result.push_back({{symbol, n}, {"b", 3}});
  return result;
}

TEST(Stages, SoftmaxIsOneKernelForAnyRowLength) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,n]) -> (f32[b,n]) {
    %0 = Softmax(%x) : f32[b,n]
    return %0
  })",
                  lengths("n")),
            "stages");
}

TEST(Stages, SoftmaxOfKnownOddRows) {
  for (const char* n : {"1", "5", "17", "64", "77", "129"}) {
    const std::string type = fmt::format("f32[4,{}]", n);
    const std::string text =
        fmt::format("graph @g(%x: {0}) -> ({0}) {{\n%0 = Softmax(%x) : {0}\nreturn %0\n}}", type);
    check(text);
  }
}

TEST(Stages, LogSoftmaxOfHalves) {
  EXPECT_EQ(check(R"(graph @g(%x: f16[b,n]) -> (f16[b,n]) {
    %0 = LogSoftmax(%x) : f16[b,n]
    return %0
  })",
                  lengths("n")),
            "stages");
}

TEST(Stages, SingleValuesOfAPointChooseWhereItsRowReads) {
  check(R"(graph @g(%i: u8[7,7], %t: f32[256,17], %s: f32[17]) -> (i64[7,7], f32[7,7,17]) {
    %0 = Cast(%i, to=7) : i64[7,7]
    %1 = Gather(%t, %0) : f32[7,7,17]
    %2 = LayerNormalization(%1, %s) : f32[7,7,17]
    return %0, %2
  })");
  check(R"(graph @g(%x: f16[32,32]) -> (f32[1,1,3]) {
    %values = Constant(value=f32[2]{1.5, 1.25}) : f32[2]
    %axes = Constant(value=i64[2]{-2, -1}) : i64[2]
    %depth = Constant(value=i64[1]{3}) : i64[1]
    %0 = ReduceMin(%x, %axes) : f16[1,1]
    %1 = OneHot(%0, %depth, %values) : f32[1,1,3]
    return %1
  })");
}

TEST(Stages, ScaleAndMaskGoAheadOfSoftmax) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,4,n,n], %m: f32[b,1,1,n]) -> (f32[b,4,n,n]) {
    %c = Constant(value=f32[]{0.125}) : f32[]
    %0 = Mul(%x, %c) : f32[b,4,n,n]
    %1 = Add(%0, %m) : f32[b,4,n,n]
    %2 = Softmax(%1) : f32[b,4,n,n]
    return %2
  })",
                  {{{"b", 2}, {"n", 9}}, {{"b", 1}, {"n", 70}}}),
            "stages");
}

TEST(Stages, SpelledOutLayerNormWithResidualHasTwoOutputs) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,n,24], %y: f32[b,n,24], %s: f32[24], %t: f32[24])
                     -> (f32[b,n,24], f32[b,n,24]) {
    %eps = Constant(value=f32[]{1e-5}) : f32[]
    %two = Constant(value=f32[]{2}) : f32[]
    %axes = Constant(value=i64[1]{-1}) : i64[1]
    %0 = Add(%x, %y) : f32[b,n,24]
    %1 = ReduceMean(%0, %axes) : f32[b,n,1]
    %2 = Sub(%0, %1) : f32[b,n,24]
    %3 = Pow(%2, %two) : f32[b,n,24]
    %4 = ReduceMean(%3, %axes) : f32[b,n,1]
    %5 = Add(%4, %eps) : f32[b,n,1]
    %6 = Sqrt(%5) : f32[b,n,1]
    %7 = Div(%2, %6) : f32[b,n,24]
    %8 = Mul(%7, %s) : f32[b,n,24]
    %9 = Add(%8, %t) : f32[b,n,24]
    return %0, %9
  })",
                  {{{"b", 2}, {"n", 5}}, {{"b", 1}, {"n", 1}}, {{"b", 0}, {"n", 3}}}),
            "stages");
}

TEST(Stages, NormalizationOpsAreOneKernelEach) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[3,n,40], %s: f32[40]) -> (f32[3,n,40]) {
    %0 = RMSNormalization(%x, %s) : f32[3,n,40]
    return %0
  })",
                  {{{"n", 5}}}),
            "stages");
  EXPECT_EQ(check(R"(graph @g(%x: f32[2,6,5,5], %s: f32[6], %t: f32[6]) -> (f32[2,6,5,5]) {
    %0 = GroupNormalization(%x, %s, %t, num_groups=3) : f32[2,6,5,5]
    return %0
  })"),
            "stages");
  EXPECT_EQ(check(R"(graph @g(%x: f32[2,6,h,5], %s: f32[6], %t: f32[6]) -> (f32[2,6,h,5]) {
    %0 = InstanceNormalization(%x, %s, %t) : f32[2,6,h,5]
    return %0
  })",
                  {{{"h", 7}}, {{"h", 1}}}),
            "stages");
  EXPECT_EQ(check(R"(graph @g(%x: f32[9,n]) -> (f32[9,n]) {
    %0 = LpNormalization(%x) : f32[9,n]
    return %0
  })",
                  {{{"n", 19}}, {{"n", 1}}}),
            "stages");
  EXPECT_EQ(check(R"(graph @g(%x: f32[7,33]) -> (f32[7,33]) {
    %0 = MeanVarianceNormalization(%x, axes=[-1]) : f32[7,33]
    return %0
  })"),
            "stages");
}

TEST(Stages, RowsWithNothingAllowedGiveNaNAsTheDefinitionSays) {
  const Graph graph = parse(R"(graph @g(%x: f32[3,20]) -> (f32[3,20]) {
    %0 = Softmax(%x) : f32[3,20]
    return %0
  })");
  std::vector<Datum> inputs = inputs_for(graph, {});
  const auto x = inputs[0].tensor.as_mutable<float>();
  const float inf = std::numeric_limits<float>::infinity();
  for (int i = 0; i < 20; ++i) x[i] = -inf;
  x[25] = -inf;
  x[43] = std::nanf("");
  compare(graph, inputs, "masked");
}

TEST(Stages, AnEmbeddingIsSummedAndNormalizedInOneKernel) {
  EXPECT_EQ(check(R"(graph @g(%ids: i64[b,n], %w: f32[30,32], %p: f32[64,32], %s: f32[32],
                             %t: f32[32]) -> (f32[b,n,32], f32[b,n,32]) {
    %places = dlc.Sizes(dims=["n"]) : i64[1]
    %zero = Constant(value=i64[1]{0}) : i64[1]
    %ax = Constant(value=i64[1]{0}) : i64[1]
    %four = Constant(value=i64[]{4}) : i64[]
    %safe = Abs(%ids) : i64[b,n]
    %0 = Gather(%w, %safe) : f32[b,n,32]
    %1 = Slice(%p, %zero, %places, %ax) : f32[n,32]
    %2 = Add(%0, %1) : f32[b,n,32]
    %3 = LayerNormalization(%2, %s, %t) : f32[b,n,32]
    %4 = Sigmoid(%3) : f32[b,n,32]
    return %4, %2
  })",
                  {{{"b", 2}, {"n", 5}}}),
            "stages");
}

TEST(Stages, AValueThatIsNeededInBetweenLeavesEarly) {
  // The matmul needs the sum that the first stage makes, and the last stage needs the matmul.
  check(R"(graph @g(%x: f32[6,8], %w: f32[8,8]) -> (f32[6,8]) {
    %axes = Constant(value=i64[1]{-1}) : i64[1]
    %0 = Exp(%x) : f32[6,8]
    %1 = ReduceMax(%0, %axes) : f32[6,1]
    %2 = Div(%0, %1) : f32[6,8]
    %3 = MatMul(%2, %w) : f32[6,8]
    %4 = Sub(%2, %3) : f32[6,8]
    %5 = ReduceSum(%4, %axes) : f32[6,1]
    %6 = Sub(%0, %5) : f32[6,8]
    return %6
  })");
}

TEST(Stages, ReductionsOverOtherAxesStayApart) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[5,6,8]) -> (f32[5,6,8]) {
    %a = Constant(value=i64[1]{2}) : i64[1]
    %b = Constant(value=i64[1]{1}) : i64[1]
    %0 = Exp(%x) : f32[5,6,8]
    %1 = ReduceSum(%0, %a) : f32[5,6,1]
    %2 = ReduceSum(%0, %b) : f32[5,1,8]
    %3 = Div(%0, %1) : f32[5,6,8]
    %4 = Sub(%3, %2) : f32[5,6,8]
    return %4
  })"),
            "stages | loops | loops");
}

}  // namespace
}  // namespace dlc
