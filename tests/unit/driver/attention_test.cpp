// Attention from its pieces and as an op, as one kernel: results against the interpreter.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/driver/fused.h"

namespace dlc {
namespace {

using test::check;
using test::Sizes;

/// Numbers of queries and keys around those of vectors and tiles.
std::vector<Sizes> lengths() {
  std::vector<Sizes> result;
  for (const auto& [m, n] : std::initializer_list<std::pair<int, int>>{
           {1, 1}, {3, 9}, {4, 0}, {17, 0}, {8, 12}, {16, 16}, {19, 30}, {37, 5}, {0, 4}})
    result.push_back({{"m", m}, {"n", n}, {"b", 2}});
  return result;
}

TEST(Attention, PiecesWithScaleAndMaskAreOneKernel) {
  EXPECT_EQ(
      check(R"(graph @g(%q: f32[b,m,24], %k: f32[b,n,24], %v: f32[b,n,48], %mask: f32[b,1,1,n])
                     -> (f32[b,m,48]) {
    %qs = dlc.Sizes(dims=["b", "m", "3", "8"]) : i64[4]
    %ks = dlc.Sizes(dims=["b", "n", "3", "8"]) : i64[4]
    %vs = dlc.Sizes(dims=["b", "n", "3", "16"]) : i64[4]
    %ys = dlc.Sizes(dims=["b", "m", "48"]) : i64[3]
    %c = Constant(value=f32[]{2.5}) : f32[]
    %0 = Reshape(%q, %qs) : f32[b,m,3,8]
    %1 = Transpose(%0, perm=[0, 2, 1, 3]) : f32[b,3,m,8]
    %2 = Reshape(%k, %ks) : f32[b,n,3,8]
    %3 = Transpose(%2, perm=[0, 2, 3, 1]) : f32[b,3,8,n]
    %4 = Reshape(%v, %vs) : f32[b,n,3,16]
    %5 = Transpose(%4, perm=[0, 2, 1, 3]) : f32[b,3,n,16]
    %6 = MatMul(%1, %3) : f32[b,3,m,n]
    %7 = Div(%6, %c) : f32[b,3,m,n]
    %8 = Add(%7, %mask) : f32[b,3,m,n]
    %9 = Softmax(%8) : f32[b,3,m,n]
    %10 = MatMul(%9, %5) : f32[b,3,m,16]
    %11 = Transpose(%10, perm=[0, 2, 1, 3]) : f32[b,m,3,16]
    %12 = Reshape(%11, %ys) : f32[b,m,48]
    return %12
  })",
            lengths()),
      "attention | loops");
}

TEST(Attention, HeadsAreStoredAsTheProductBehindReadsThem) {
  EXPECT_EQ(check(R"(graph @g(%q: f32[b,3,m,8], %k: f32[b,3,8,n], %v: f32[b,3,n,16], %w: f32[48,20])
                     -> (f32[b,m,20]) {
    %s = dlc.Sizes(dims=["b", "m", "48"]) : i64[3]
    %0 = MatMul(%q, %k) : f32[b,3,m,n]
    %1 = Softmax(%0) : f32[b,3,m,n]
    %2 = MatMul(%1, %v) : f32[b,3,m,16]
    %3 = Transpose(%2, perm=[0, 2, 1, 3]) : f32[b,m,3,16]
    %4 = Reshape(%3, %s) : f32[b,m,48]
    %5 = MatMul(%4, %w) : f32[b,m,20]
    return %5
  })",
                  lengths()),
            "attention | matmul");
}

TEST(Attention, OddDepthsAndColumnsArePacked) {
  EXPECT_EQ(check(R"(graph @g(%q: f32[2,3,m,5], %k: f32[2,3,5,n], %v: f32[2,3,n,7])
                     -> (f32[2,3,m,7]) {
    %0 = MatMul(%q, %k) : f32[2,3,m,n]
    %1 = Softmax(%0) : f32[2,3,m,n]
    %2 = MatMul(%1, %v) : f32[2,3,m,7]
    %3 = Relu(%2) : f32[2,3,m,7]
    return %3
  })",
                  lengths()),
            "attention");
}

TEST(Attention, NarrowKeysMayBeShorterThanAVector) {
  EXPECT_EQ(check(R"(graph @g(%q: f16[2,3,m,3], %k: f16[2,3,3,n], %v: f16[2,3,n,7])
                     -> (f16[2,3,m,7]) {
    %0 = MatMul(%q, %k) : f16[2,3,m,n]
    %1 = Softmax(%0) : f16[2,3,m,n]
    %2 = MatMul(%1, %v) : f16[2,3,m,7]
    return %2
  })",
                  lengths()),
            "loops | attention");
}

TEST(Attention, KnownSizes) {
  for (const auto& [m, n] : std::initializer_list<std::pair<int, int>>{
           {2, 3}, {16, 12}, {16, 13}, {21, 64}, {40, 197}, {64, 1}}) {
    const std::string text = fmt::format(R"(
      graph @g(%q: f32[2,{0},32], %k: f32[2,{1},32], %v: f32[2,{1},64]) -> (f32[2,{0},64]) {{
        %0 = Transpose(%k, perm=[0, 2, 1]) : f32[2,32,{1}]
        %1 = MatMul(%q, %0) : f32[2,{0},{1}]
        %2 = Softmax(%1) : f32[2,{0},{1}]
        %3 = MatMul(%2, %v) : f32[2,{0},64]
        return %3
      }})",
                                         m, n);
    EXPECT_EQ(check(text).substr(0, 9), n == 1 ? "matmul | " : "attention") << m << " x " << n;
  }
}

TEST(Attention, TheOpWithCausalMaskPastAndSharedHeads) {
  EXPECT_EQ(check(R"(graph @g(%q: f32[b,m,32], %k: f32[b,m,16], %v: f32[b,m,16],
                             %pk: f32[b,2,n,8], %pv: f32[b,2,n,8])
                     -> (f32[b,m,32], f32[b,2,m+n,8], f32[b,2,m+n,8]) {
    %y, %nk, %nv = Attention(%q, %k, %v, _, %pk, %pv, q_num_heads=4, kv_num_heads=2, is_causal=1)
        : f32[b,m,32], f32[b,2,m+n,8], f32[b,2,m+n,8]
    return %y, %nk, %nv
  })",
                  lengths())
                    .find("attention") != std::string::npos,
            true);
}

TEST(Attention, ABooleanMaskCanForbidAll) {
  const Graph graph = parse(R"(graph @g(%q: f32[1,2,20,8], %k: f32[1,2,15,8], %v: f32[1,2,15,16],
                                       %mask: bool[20,15]) -> (f32[1,2,20,16]) {
    %y = Attention(%q, %k, %v, %mask) : f32[1,2,20,16]
    return %y
  })");
  std::vector<Datum> inputs = test::inputs_for(graph, {});
  const auto mask = inputs[3].tensor.as_mutable<bool>();
  for (int key = 0; key < 15; ++key) mask[key] = false;
  test::compare(graph, inputs, "masked");
}

TEST(Attention, MinusInfinityInEveryPlaceGivesNaN) {
  const Graph graph = parse(R"(graph @g(%q: f32[2,18,8], %k: f32[2,8,14], %v: f32[2,14,16],
                                       %mask: f32[18,14]) -> (f32[2,18,16]) {
    %0 = MatMul(%q, %k) : f32[2,18,14]
    %1 = Add(%0, %mask) : f32[2,18,14]
    %2 = Softmax(%1) : f32[2,18,14]
    %3 = MatMul(%2, %v) : f32[2,18,16]
    return %3
  })");
  std::vector<Datum> inputs = test::inputs_for(graph, {});
  const auto mask = inputs[3].tensor.as_mutable<float>();
  for (int key = 0; key < 14; ++key) mask[key] = -std::numeric_limits<float>::infinity();
  mask[30] = -std::numeric_limits<float>::infinity();
  test::compare(graph, inputs, "masked");
}

TEST(Attention, WeightsThatAreAnOutputAreStored) {
  EXPECT_EQ(check(R"(graph @g(%q: f32[2,m,8], %k: f32[2,8,n], %v: f32[2,n,16])
                     -> (f32[2,m,16], f32[2,m,n]) {
    %0 = MatMul(%q, %k) : f32[2,m,n]
    %1 = Softmax(%0) : f32[2,m,n]
    %2 = MatMul(%1, %v) : f32[2,m,16]
    return %2, %1
  })",
                  {{{"m", 18}, {"n", 7}}}),
            "matmul | stages | matmul");
}

}  // namespace
}  // namespace dlc
