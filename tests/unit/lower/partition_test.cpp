// What is fused into which kernel.
#include "compiler/lower/partition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/ir/text.h"
#include "runtime/error.h"

namespace dlc {
namespace {

struct Cut {
  std::vector<Kernel> kernels;
  std::unique_ptr<Partition> parts;

  explicit Cut(std::string_view text, bool fuse = true)
      : parts(partition(parse(text), {.fuse = fuse}, kernels)) {}

  std::string names() const {
    std::string all;
    for (const Kernel& kernel : kernels) all += (all.empty() ? "" : " | ") + base(kernel).name;
    return all;
  }
};

TEST(Partition, PointwiseChainsAreOneKernel) {
  const Cut cut(R"(graph @g(%x: f32[b,8], %y: f32[8]) -> (f32[b,8]) {
    %0 = Add(%x, %y) : f32[b,8]
    %1 = Relu(%0) : f32[b,8]
    %2 = Exp(%1) : f32[b,8]
    return %2
  })");
  EXPECT_EQ(cut.names(), "Add+Relu+Exp");
}

TEST(Partition, WhatDoesNotJoinStagesIsToldWhy) {
  std::vector<Kernel> kernels;
  FusionNotes notes;
  partition(parse(R"(graph @g(%x: f32[8,16]) -> (f32[8,16], f32[1,16]) {
    %rows = Constant(value=i64[1]{1}) : i64[1]
    %columns = Constant(value=i64[1]{0}) : i64[1]
    %0 = ReduceMax(%x, %rows) : f32[8,1]
    %1 = Sub(%x, %0) : f32[8,16]
    %sum = ReduceSum(%1, %columns) : f32[1,16]
    return %1, %sum
  })"),
            {.notes = &notes}, kernels);
  const auto miss =
      std::find_if(notes.near_misses.begin(), notes.near_misses.end(),
                   [](const NearMiss& m) { return m.rewrite == "join the stages beside it"; });
  ASSERT_NE(miss, notes.near_misses.end());
  EXPECT_EQ(miss->node, "node (ReduceSum)");
  EXPECT_EQ(miss->condition, "it reads the stages' values along its own axes");
}

TEST(Partition, WithoutFusionEachNodeIsAKernel) {
  const Cut cut(R"(graph @g(%x: f32[8]) -> (f32[8]) {
    %0 = Relu(%x) : f32[8]
    %1 = Exp(%0) : f32[8]
    return %1
  })",
                false);
  EXPECT_EQ(cut.names(), "Relu | Exp");
}

TEST(Partition, AnOutputThatOthersUseElementByElementIsMadeWithThem) {
  const Cut cut(R"(graph @g(%x: f32[8]) -> (f32[8], f32[8]) {
    %0 = Relu(%x) : f32[8]
    %1 = Exp(%0) : f32[8]
    return %0, %1
  })");
  EXPECT_EQ(cut.names(), "Relu+Exp");
  EXPECT_EQ(std::get<LoopKernel>(cut.kernels[0]).outputs.size(), 2u);
}

TEST(Partition, WhatIsReadInAnotherOrderOrWaitsForAnotherKernelIsMadeAlone) {
  EXPECT_EQ(Cut(R"(graph @g(%x: f32[8,8]) -> (f32[8,8], f32[8,8]) {
    %0 = Relu(%x) : f32[8,8]
    %1 = Transpose(%0, perm=[1,0]) : f32[8,8]
    %2 = Exp(%1) : f32[8,8]
    return %0, %2
  })")
                .names(),
            "Relu | Transpose+Exp");
  EXPECT_EQ(Cut(R"(graph @g(%x: f32[8,8]) -> (f32[8,8], f32[8,8], f32[8,8]) {
    %0 = Relu(%x) : f32[8,8]
    %1 = MatMul(%0, %0) : f32[8,8]
    %2 = Add(%0, %1) : f32[8,8]
    return %0, %1, %2
  })")
                .names(),
            "Relu | MatMul | Add");
}

TEST(Partition, CostlyValuesWithTwoUsersAreStoredAndCheapOnesAreNot) {
  const char* text = R"(graph @g(%x: f32[8], %y: f32[8]) -> (f32[8], f32[8]) {{
    %0 = {}(%x) : f32[8]
    %1 = Add(%0, %y) : f32[8]
    %2 = Mul(%0, %y) : f32[8]
    return %1, %2
  }})";
  const Cut costly(fmt::format(fmt::runtime(text), "Exp"));
  EXPECT_EQ(costly.names(), "Exp+Add+Mul");
  EXPECT_EQ(std::get<LoopKernel>(costly.kernels[0]).outputs.size(), 2u) << "Exp is in registers";
  EXPECT_EQ(Cut(fmt::format(fmt::runtime(text), "Neg")).names(), "Neg+Add | Neg+Mul");
}

TEST(Partition, ALongChainIsCutEvenWhereEachPartIsPointwise) {
  std::string text = "graph @g(%v0: f32[8]) -> (f32[8]) {\n";
  constexpr int count = 2000;
  for (int k = 0; k < count; ++k)
    text += fmt::format("%v{} = {}(%v{}) : f32[8]\n", k + 1, k % 2 ? "Sqrt" : "Abs", k);
  const Cut cut(text + fmt::format("return %v{}\n}}", count));
  EXPECT_GE(cut.kernels.size(), 4u);
  for (const Kernel& kernel : cut.kernels)
    EXPECT_LE(expression_count(std::get<LoopKernel>(kernel).outputs.back().body), 520u);
}

TEST(Partition, ExactConvolutionsAreDirectSums) {
  for (const bool exact : {false, true}) {
    const Cut cut(fmt::format(
        R"(graph @g(%x: f32[1,16,9,9], %w: f32[16,16,3,3]) -> (f32[1,16,7,7]) {{
    %0 = {}(%x, %w) : f32[1,16,7,7]
    return %0
  }})",
        exact ? "dlc.ConvExact" : "Conv"));
    EXPECT_EQ(std::get<ConvolutionKernel>(cut.kernels[0]).winograd, !exact);
  }
}

TEST(Partition, AMatmulTakesItsWholePointwiseTail) {
  const Cut cut(R"(graph @g(%x: f32[b,s,4], %w: f32[4,8], %c: f32[8]) -> (f32[b,s,8]) {
    %0 = MatMul(%x, %w) : f32[b,s,8]
    %1 = Add(%0, %c) : f32[b,s,8]
    %2 = Sigmoid(%1) : f32[b,s,8]
    %3 = Mul(%1, %2) : f32[b,s,8]
    return %3
  })");
  EXPECT_EQ(cut.names(), "MatMul+Add+Sigmoid+Mul");
  const auto& kernel = std::get<MatmulKernel>(cut.kernels[0]);
  EXPECT_EQ(to_string(kernel.outputs[0].shape()), "b*s,8") << "batches that only A has become rows";
}

TEST(Partition, ATailEndsWhereTheSumIsUsedElsewhere) {
  const Cut cut(R"(graph @g(%x: f32[4,4], %w: f32[4,4]) -> (f32[4,4], f32[]) {
    %0 = MatMul(%x, %w) : f32[4,4]
    %1 = Relu(%0) : f32[4,4]
    %2 = ReduceMax(%0, keepdims=0) : f32[]
    %3 = Add(%1, %2) : f32[4,4]
    %4 = Neg(%2) : f32[]
    return %3, %4
  })");
  EXPECT_EQ(cut.names().substr(0, 9), "MatMul | ");
}

TEST(Partition, HeadsAreSplitWithoutCopies) {
  const Cut cut(R"(graph @g(%x: f32[b,s,8], %y: f32[b,s,8]) -> (f32[b,2,s,s]) {
    %h = dlc.Sizes(dims=["b", "s", "2", "4"]) : i64[4]
    %0 = Reshape(%x, %h) : f32[b,s,2,4]
    %1 = Transpose(%0, perm=[0, 2, 1, 3]) : f32[b,2,s,4]
    %2 = Reshape(%y, %h) : f32[b,s,2,4]
    %3 = Transpose(%2, perm=[0, 2, 3, 1]) : f32[b,2,4,s]
    %4 = MatMul(%1, %3) : f32[b,2,s,s]
    return %4
  })");
  ASSERT_EQ(cut.kernels.size(), 1u) << cut.names();
}

TEST(Partition, ARenamedShapeIsAnAlias) {
  const Cut cut(R"(graph @g(%x: f32[b,8]) -> (f32[b,8], i64[2,n]) {
    %s = dlc.Sizes(dims=["4*b", "2"]) : i64[2]
    %0 = Relu(%x) : f32[b,8]
    %1 = Reshape(%0, %s) : f32[4*b,2]
    %2 = NonZero(%1) : i64[2,n]
    return %0, %2
  })");
  EXPECT_EQ(cut.names(), "Relu");
  EXPECT_TRUE(std::holds_alternative<AliasItem>(cut.parts->items.at(1)));
}

}  // namespace
}  // namespace dlc
