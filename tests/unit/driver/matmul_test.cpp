// Matrix products of all kinds of sizes, against the interpreter at each vector width.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"
#include "tests/unit/driver/fused.h"

namespace dlc {
namespace {

using test::inputs_for;
using test::Sizes;

/// Makes the inputs from `first_constant` on constants.
Graph with_constants(const Graph& graph, size_t first_constant) {
  Graph result = graph;
  Sizes ones;  // of the inputs that stay
  for (Value input : graph.inputs())
    for (const Dim& dim : graph.type(input).shape)
      if (!dim.is_number()) ones[dim.to_string()] = 1;
  const std::vector<Datum> values = inputs_for(graph, ones);
  while (result.inputs().size() > first_constant) {
    const size_t last = result.inputs().size() - 1;
    const Value input = result.inputs()[last];
    result.replace_uses(input, result.add_constant(values[last].tensor, result.nodes().front()));
    result.erase_input(last);
  }
  return result;
}

void expect_as_interpreted(const Graph& graph, const std::vector<Sizes>& all_sizes = {{}},
                           const test::Tolerance& tolerance = {1e-4, 1e-4}) {
  for (const int bits : {128, 256, 512}) {
    ThreadPool pool(2);
    Session session(compile(graph, {.vector_bits = bits, .threads = 1}), pool);
    for (const Sizes& sizes : all_sizes) {
      const std::vector<Datum> inputs = inputs_for(graph, sizes);
      const std::vector<Datum> want = evaluate(graph, inputs);
      const std::vector<Datum> got = session.run(inputs);
      std::string what;
      for (const auto& [name, size] : sizes) what += " " + name + "=" + size.to_string();
      EXPECT_EQ(test::difference(got.at(0), want.at(0), tolerance), "")
          << print(graph) << bits << " bits," << what;
    }
  }
}

struct Extents {
  int m, n, k;
};
constexpr Extents odd_extents[] = {{1, 1, 1},    {1, 50, 7},  {2, 16, 33},  {3, 49, 8},
                                   {5, 100, 17}, {7, 5, 64},  {8, 48, 31},  {9, 64, 3},
                                   {17, 17, 40}, {49, 96, 5}, {97, 33, 12}, {200, 47, 16}};

TEST(Matmul, ConstantWeightsOfAnySize) {
  for (const auto& [m, n, k] : odd_extents) {
    const Graph graph = parse(fmt::format(R"(graph @g(%a: f32[{0},{2}], %b: f32[{2},{1}],
                                                       %c: f32[{1}]) -> (f32[{0},{1}]) {{
        %0 = MatMul(%a, %b) : f32[{0},{1}]
        %1 = Add(%0, %c) : f32[{0},{1}]
        return %1
      }})",
                                          m, n, k));
    expect_as_interpreted(with_constants(graph, 1));
  }
}

TEST(Matmul, DotProductsOfBytesAreExact) {
  for (const auto& [m, n, k] : odd_extents) {
    const std::string types = fmt::format("(%a: u8[{0},{2}], %b: i8[{2},{1}])", m, n, k);
    const Graph plain = parse(fmt::format(R"(graph @g{0} -> (i32[{1},{2}]) {{
        %0 = dlc.MultiplyBytes(%a, %b) : i32[{1},{2}]
        return %0
      }})",
                                          types, m, n));
    expect_as_interpreted(with_constants(plain, 1), {{}}, {0, 0});
    expect_as_interpreted(plain, {{}}, {0, 0});
    // Zero points that depend on rows and columns, and an epilogue.
    const Graph shifted = parse(fmt::format(R"(graph @g(%a: i8[{0},{2}], %z: i8[{0}], %s: f32[],
                                                          %b: u8[{2},{1}], %y: u8[{1}])
                                              -> (f32[{0},{1}]) {{
        %0 = MatMulInteger(%a, %b, %z, %y) : i32[{0},{1}]
        %1 = Cast(%0, to=1) : f32[{0},{1}]
        %2 = Mul(%1, %s) : f32[{0},{1}]
        return %2
      }})",
                                            m, n, k));
    expect_as_interpreted(with_constants(shifted, 3));
  }
}

/// A tensor of random slices along the first axis, each all over the others.
Tensor repeated(const Shape& shape, size_t along, unsigned seed) {
  std::mt19937 random(seed);
  const Tensor one = test::random_tensor(DType::f32, {shape[along]}, random);
  Tensor all = Tensor::allocate(DType::f32, shape);
  int64_t inner = 1;
  for (size_t axis = along + 1; axis < shape.size(); ++axis) inner *= shape[axis];
  for (int64_t i = 0; i < all.size(); ++i)
    all.as_mutable<float>()[i] = one.as<float>()[i / inner % shape[along]];
  return all;
}

/// Sums of the same numbers are the same to the bit, wherever they are: tiles at the edges, with
/// fewer rows and columns, add up in the order of the others.
void expect_all_equal(const Graph& graph, const std::vector<Tensor>& inputs) {
  for (const int bits : {128, 256, 512}) {
    ThreadPool pool(2);
    const CompileOptions options = {.vector_bits = bits, .winograd = false, .threads = 1};
    Session session(compile(graph, options), pool);
    for (const Tensor& input : inputs) {
      const auto got = session.run(std::vector<Datum>{input});
      const auto sums = got[0].tensor.as<float>();
      EXPECT_TRUE(std::ranges::all_of(sums, [&](float x) { return x == sums[0]; }))
          << bits << " bits, of " << to_string(input.shape()) << "\n"
          << print(graph);
    }
  }
}

/// Rows by columns that are all equal; `rows` as in the graph's text.
Graph equal_columns(const std::string& rows, int64_t columns) {
  Graph graph = parse(fmt::format(R"(graph @g(%a: f32[{0},37], %b: f32[37,{1}]) -> (f32[{0},{1}]) {{
      %0 = MatMul(%a, %b) : f32[{0},{1}]
      return %0
    }})",
                                  rows, columns));
  graph.replace_uses(graph.inputs()[1],
                     graph.add_constant(repeated({37, columns}, 0, 3), graph.nodes().front()));
  graph.erase_input(1);
  return graph;
}

TEST(Matmul, EqualRowsAndColumnsHaveEqualBits) {
  std::vector<Tensor> open_rows;
  for (int64_t m = 1; m < 20; ++m) open_rows.push_back(repeated({m, 37}, 1, 4));
  for (const int64_t n : {4, 20, 52, 100}) expect_all_equal(equal_columns("m", n), open_rows);
  for (const int64_t m : {1, 2, 5, 11})
    for (const int64_t n : {20, 52})
      expect_all_equal(equal_columns(std::to_string(m), n), {repeated({m, 37}, 1, 4)});
}

TEST(Matmul, EqualPixelsAndChannelsHaveEqualBits) {
  for (const int side : {3, 4, 6, 9}) {
    for (const int maps : {4, 20, 52, 100}) {
      Graph graph = parse(fmt::format(R"(graph @g(%x: f32[1,7,{0},{0}], %w: f32[{1},7,3,3])
                                           -> (f32[1,{1},{2},{2}]) {{
        %0 = Conv(%x, %w) : f32[1,{1},{2},{2}]
        return %0
      }})",
                                      side, maps, side - 2));
      graph.replace_uses(graph.inputs()[1], graph.add_constant(repeated({maps, 7, 3, 3}, 1, 3),
                                                               graph.nodes().front()));
      graph.erase_input(1);
      expect_all_equal(graph, {repeated({1, 7, side, side}, 1, 4)});
    }
  }
}

TEST(Matmul, ExtremeBytesDoNotSaturate) {
  Graph graph = parse(R"(graph @g(%a: u8[3,64]) -> (i32[3,16]) {
    %c = Constant(value=i8[]{-128}) : i8[]
    %s = Constant(value=i64[2]{64, 16}) : i64[2]
    %b = Expand(%c, %s) : i8[64,16]
    %0 = dlc.MultiplyBytes(%a, %b) : i32[3,16]
    return %0
  })");
  const std::vector<Datum> inputs = {Tensor::of(DType::u8, {3, 64}, std::vector<double>(192, 255))};
  for (const int bits : {128, 256, 512}) {
    ThreadPool pool(1);
    const auto got = Session(compile(graph, {.vector_bits = bits}), pool).run(inputs);
    for (const int32_t sum : got[0].tensor.as<int32_t>()) EXPECT_EQ(sum, -64 * 255 * 128);
  }
}

TEST(Matmul, AnEpilogueMayChooseByWhatHasNoLanes) {
  // The column is the only one: no variable in the epilogue says that sums have lanes.
  test::check(R"(graph @g(%a: f32[31,1], %b: f32[1,1], %c: f32[1], %x: bool[31,1]) -> (f32[31,1]) {
    %0 = Gemm(%a, %b, %c, transB=1) : f32[31,1]
    %1 = Constant(value=f32[]{1}) : f32[]
    %2 = Where(%x, %0, %1) : f32[31,1]
    return %2
  })");
}

TEST(Matmul, IntegersOfAnySizeAndOpenOnes) {
  const Graph graph = parse(R"(graph @g(%a: i32[b,m,k], %b: i32[k,7]) -> (i32[b,m,7]) {
    %0 = MatMul(%a, %b) : i32[b,m,7]
    return %0
  })");
  expect_as_interpreted(graph, {{{"b", 2}, {"m", 3}, {"k", 5}}, {{"b", 1}, {"m", 17}, {"k", 33}}},
                        {0, 0});
}

TEST(Matmul, DotProductsOfShortFloats) {
  for (const auto& [m, n, k] : odd_extents) {
    const Graph graph = parse(fmt::format(R"(graph @g(%a: bf16[{0},{2}], %b: bf16[{2},{1}])
                                              -> (bf16[{0},{1}]) {{
        %0 = MatMul(%a, %b) : bf16[{0},{1}]
        return %0
      }})",
                                          m, n, k));
    expect_as_interpreted(with_constants(graph, 1), {{}}, {1e-2, 1e-2});
  }
}

TEST(Matmul, BothOperandsComputedAndTransposed) {
  for (const auto& [m, n, k] : odd_extents) {
    expect_as_interpreted(
        parse(fmt::format(R"(graph @g(%a: f32[{0},{2}], %b: f32[{1},{2}]) -> (f32[{0},{1}]) {{
        %0 = Gemm(%a, %b, transB=1) : f32[{0},{1}]
        return %0
      }})",
                          m, n, k)));
    expect_as_interpreted(
        parse(fmt::format(R"(graph @g(%a: f64[{2},{0}], %b: f64[{2},{1}]) -> (f64[{0},{1}]) {{
        %0 = Gemm(%a, %b, transA=1) : f64[{0},{1}]
        return %0
      }})",
                          m, n, k)));
  }
}

TEST(Matmul, OpenRowsWithAnEpilogueOfManyOperations) {
  const Graph graph = parse(R"(graph @g(%a: f32[m,24], %r: f32[m,77], %b: f32[24,77], %c: f32[77])
                               -> (f32[m,77]) {
    %0 = MatMul(%a, %b) : f32[m,77]
    %1 = Add(%0, %c) : f32[m,77]
    %2 = Gelu(%1) : f32[m,77]
    %3 = Add(%2, %r) : f32[m,77]
    return %3
  })");
  std::vector<Sizes> sizes;
  for (int m = 0; m < 20; ++m) sizes.push_back({{"m", m}});
  for (const int m : {96, 97, 100, 193}) sizes.push_back({{"m", m}});
  expect_as_interpreted(with_constants(graph, 2), sizes);
}

TEST(Matmul, OpenRowsWithASmallEpilogue) {
  const Graph graph = parse(R"(graph @g(%a: f32[m,9], %r: f32[m,96], %b: f32[9,96])
                               -> (f32[m,96]) {
    %0 = MatMul(%a, %b) : f32[m,96]
    %1 = Relu(%0) : f32[m,96]
    %2 = Add(%1, %r) : f32[m,96]
    return %2
  })");
  std::vector<Sizes> sizes;
  for (const int m : {1, 2, 4, 7, 8, 9, 15, 33, 97, 200}) sizes.push_back({{"m", m}});
  expect_as_interpreted(with_constants(graph, 2), sizes);
}

TEST(Matmul, EvaluatedRowsServeSeveralPanels) {
  const Graph graph = parse(R"(graph @g(%i: i64[m], %t: f32[11,20], %b: f32[20,1000])
                               -> (f32[m,1000]) {
    %0 = Gather(%t, %i) : f32[m,20]
    %1 = MatMul(%0, %b) : f32[m,1000]
    return %1
  })");
  expect_as_interpreted(with_constants(graph, 1),
                        {{{"m", 1}}, {{"m", 6}}, {{"m", 13}}, {{"m", 110}}});
}

TEST(Matmul, EverySizeOpenInBatches) {
  std::vector<Sizes> sizes;
  for (const auto& [m, n, k] : odd_extents) {
    sizes.push_back({{"b", 3}, {"m", m}, {"n", n}, {"k", k}});
  }
  sizes.push_back({{"b", 0}, {"m", 2}, {"n", 3}, {"k", 4}});
  sizes.push_back({{"b", 2}, {"m", 4}, {"n", 9}, {"k", 0}});
  expect_as_interpreted(parse(R"(graph @g(%a: f32[b,m,k], %b: f32[b,k,n]) -> (f32[b,m,n]) {
    %0 = MatMul(%a, %b) : f32[b,m,n]
    return %0
  })"),
                        sizes);
  expect_as_interpreted(parse(R"(graph @g(%a: f32[b,m,k], %b: f32[b,n,k]) -> (f32[b,m,n]) {
    %t = Transpose(%b, perm=[0,2,1]) : f32[b,k,n]
    %0 = MatMul(%a, %t) : f32[b,m,n]
    return %0
  })"),
                        sizes);
}

TEST(Matmul, BatchesAreStoredAsTheirReaderPermutesThem) {
  const std::vector<Sizes> sizes = {
      {{"b", 1}, {"m", 1}}, {{"b", 2}, {"m", 1}}, {{"b", 3}, {"m", 7}}, {{"b", 2}, {"m", 0}}};
  // Otherwise the second product would copy its rows, batch by batch.
  EXPECT_EQ(test::check(
                R"(graph @g(%a: f32[b,3,m,5], %v: f32[b,3,5,16], %w: f32[48,20]) -> (f32[b,m,20]) {
    %s = dlc.Sizes(dims=["b", "m", "48"]) : i64[3]
    %0 = MatMul(%a, %v) : f32[b,3,m,16]
    %1 = Relu(%0) : f32[b,3,m,16]
    %2 = Transpose(%1, perm=[0, 2, 1, 3]) : f32[b,m,3,16]
    %3 = Reshape(%2, %s) : f32[b,m,48]
    %4 = MatMul(%3, %w) : f32[b,m,20]
    return %4
  })",
                sizes),
            "matmul | matmul");
  // Users that do not agree, and rows that would be taken apart.
  test::check(
      R"(graph @g(%a: f32[2,3,m,5], %v: f32[2,3,5,8]) -> (f32[2,m,8], f32[3,m,2], f32[2,3,8,m]) {
    %0 = MatMul(%a, %v) : f32[2,3,m,8]
    %1 = Transpose(%0, perm=[0, 2, 1, 3]) : f32[2,m,3,8]
    %2 = Transpose(%0, perm=[1, 2, 0, 3]) : f32[3,m,2,8]
    %3 = Transpose(%0, perm=[0, 1, 3, 2]) : f32[2,3,8,m]
    %ax = Constant(value=i64[1]{2}) : i64[1]
    %4 = ReduceSum(%1, %ax, keepdims=0) : f32[2,m,8]
    %ay = Constant(value=i64[1]{3}) : i64[1]
    %5 = ReduceMax(%2, %ay, keepdims=0) : f32[3,m,2]
    %6 = Exp(%3) : f32[2,3,8,m]
    return %4, %5, %6
  })",
      {{{"m", 1}}, {{"m", 9}}});
}

TEST(Matmul, AResultThatAConditionNeverTakesIsNotComputed) {
  EXPECT_EQ(test::check(R"(graph @g(%x: f32[b,8], %w: f32[8,16]) -> (f32[b,16]) {
    %never = Constant(value=bool[]{0}) : bool[]
    %other = Constant(value=f32[]{-50}) : f32[]
    %0 = MatMul(%x, %w) : f32[b,16]
    %1 = Where(%never, %0, %other) : f32[b,16]
    return %1
  })",
                        {{{"b", 3}}}),
            "loops");
}

}  // namespace
}  // namespace dlc
