// A result has the same bits on any number of threads: work is cut at places that depend on sizes
// only, and nothing is added up across the cuts.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "runtime/session.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

void expect_same_bits(std::string_view text, int64_t size) {
  const Graph graph = parse(text);
  std::mt19937 random(3);
  std::vector<Datum> inputs;
  for (Value input : graph.inputs()) {
    Shape shape;
    for (const Dim& dim : graph.type(input).shape)
      shape.push_back(dim.substitute({{"n", size}}).number());
    inputs.push_back(test::random_tensor(graph.type(input).dtype, shape, random));
  }
  for (const int bits : {128, 256, 512}) {
    const auto program = compile(graph, {.vector_bits = bits, .threads = 1});
    std::vector<Datum> want;
    for (const int threads : {1, 2, 3, 7}) {
      ThreadPool pool(threads);
      Session session(program, pool);
      const std::vector<Datum> got = session.run(inputs);
      if (threads == 1) want = got;
      for (size_t k = 0; k < want.size(); ++k) {
        EXPECT_TRUE(identical(got[k].tensor, want[k].tensor))
            << text << bits << " bits, " << threads << " threads, output " << k;
      }
    }
  }
}

TEST(Threads, ProductsAndFunctionsHaveTheSameBits) {
  expect_same_bits(R"(graph @g(%x: f32[n,96], %w: f32[96,200]) -> (f32[n,200]) {
    %0 = MatMul(%x, %w) : f32[n,200]
    %1 = Gelu(%0) : f32[n,200]
    %2 = Tanh(%1) : f32[n,200]
    return %2
  })",
                   211);
}

TEST(Threads, PointwiseWorkOfAnOddSizeHasTheSameBits) {
  for (const int64_t size : {7, 30'011, 100'003}) {
    expect_same_bits(R"(graph @g(%x: f32[n]) -> (f32[n], f32[n]) {
      %0 = Erf(%x) : f32[n]
      %1 = Exp(%0) : f32[n]
      %2 = Softplus(%x) : f32[n]
      return %1, %2
    })",
                     size);
  }
}

TEST(Threads, ReductionsHaveTheSameBits) {
  expect_same_bits(R"(graph @g(%x: f32[n,33]) -> (f32[n,33], f32[1,33], f32[1,1]) {
    %axis = Constant(value=i64[1]{0}) : i64[1]
    %0 = Softmax(%x) : f32[n,33]
    %1 = ReduceSum(%x, %axis) : f32[1,33]
    %2 = ReduceMean(%x) : f32[1,1]
    return %0, %1, %2
  })",
                   5'003);
}

TEST(Threads, ConvolutionsHaveTheSameBits) {
  expect_same_bits(R"(graph @g(%x: f32[1,16,n,61], %w: f32[40,16,3,3]) -> (f32[1,40,n,61]) {
    %0 = Conv(%x, %w, pads=[1,1,1,1]) : f32[1,40,n,61]
    %1 = Sigmoid(%0) : f32[1,40,n,61]
    return %1
  })",
                   57);
}

TEST(Threads, AttentionAndNormalizationHaveTheSameBits) {
  expect_same_bits(R"(graph @g(%x: f32[2,n,48], %w: f32[48,144], %o: f32[48,48], %g: f32[48])
                     -> (f32[2,n,48]) {
    %p = MatMul(%x, %w) : f32[2,n,144]
    %q, %k, %v = Split(%p, axis=-1, num_outputs=3) : f32[2,n,48], f32[2,n,48], f32[2,n,48]
    %t = Transpose(%k, perm=[0, 2, 1]) : f32[2,48,n]
    %0 = MatMul(%q, %t) : f32[2,n,n]
    %1 = Softmax(%0) : f32[2,n,n]
    %2 = MatMul(%1, %v) : f32[2,n,48]
    %3 = MatMul(%2, %o) : f32[2,n,48]
    %4 = Add(%3, %x) : f32[2,n,48]
    %5 = LayerNormalization(%4, %g) : f32[2,n,48]
    return %5
  })",
                   67);
}

TEST(Threads, RecurrencesHaveTheSameBits) {
  expect_same_bits(R"(graph @g(%x: f32[9,n,16], %w: f32[1,96,16], %r: f32[1,96,24])
                     -> (f32[9,1,n,24]) {
    %0 = LSTM(%x, %w, %r, hidden_size=24) : f32[9,1,n,24]
    return %0
  })",
                   13);
}

}  // namespace
}  // namespace dlc
