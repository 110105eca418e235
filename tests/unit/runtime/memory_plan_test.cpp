// The arena's plan, and size expressions.
#include "runtime/memory_plan.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "runtime/error.h"
#include "runtime/program.h"

namespace dlc {
namespace {

TEST(MemoryPlan, ValuesThatDoNotMeetShareMemory) {
  const Block blocks[] = {{100, 0, 1}, {100, 2, 3}, {100, 4, 5}};
  const MemoryPlan plan = plan_memory(blocks);
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(plan.bytes, 128);
  EXPECT_EQ(plan.lower_bound, 128);
}

TEST(MemoryPlan, TheSmallestGapThatFitsIsTaken) {
  // Two long-lived blocks at 0 and 640 leave gaps; the short one fits the gap at 128..640.
  const Block blocks[] = {{1024, 0, 9}, {512, 0, 3}, {256, 0, 9}, {192, 4, 9}};
  const MemoryPlan plan = plan_memory(blocks);
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 1024, 1536, 1024}));
  EXPECT_EQ(plan.bytes, plan.lower_bound);
}

TEST(MemoryPlan, RandomPlansAreAlignedAndFreeOfOverlap) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<Block> blocks(60);
    for (Block& block : blocks) {
      block.bytes = random() % 5 == 0 ? 0 : random() % 5000;
      block.first = static_cast<int>(random() % 50);
      block.last = block.first + static_cast<int>(random() % 10);
    }
    const MemoryPlan plan = plan_memory(blocks);
    EXPECT_GE(plan.bytes, plan.lower_bound);
    for (size_t a = 0; a < blocks.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % 64, 0);
      EXPECT_LE(plan.offsets[a] + blocks[a].bytes, plan.bytes);
      for (size_t b = 0; b < a; ++b) {
        const bool meet = blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
        const bool apart = plan.offsets[a] + blocks[a].bytes <= plan.offsets[b] ||
                           plan.offsets[b] + blocks[b].bytes <= plan.offsets[a];
        ASSERT_TRUE(!meet || apart || blocks[a].bytes == 0 || blocks[b].bytes == 0);
      }
    }
  }
}

TEST(MemoryPlan, SumsBeyond63BitsAreALimit) {
  const Block blocks[] = {{INT64_MAX / 2, 0, 1}, {INT64_MAX / 2, 0, 1}, {INT64_MAX / 2, 0, 1}};
  EXPECT_THROW(plan_memory(blocks), Error);
}

int64_t value_of(DimCode::Op op, int64_t a, int64_t b) {
  const int64_t symbols[] = {a};
  return evaluate({{{DimCode::Op::symbol, 0}, {DimCode::Op::constant, b}, {op}}}, symbols);
}

TEST(DimCode, DividesAndRoundsTowardsMinusInfinity) {
  EXPECT_EQ(value_of(DimCode::Op::floor_div, 7, 2), 3);
  EXPECT_EQ(value_of(DimCode::Op::floor_div, -7, 2), -4);
  EXPECT_EQ(value_of(DimCode::Op::floor_div, 7, -2), -4);
  EXPECT_EQ(value_of(DimCode::Op::floor_div, -7, -2), 3);
  EXPECT_EQ(value_of(DimCode::Op::modulo, -7, 2), 1);
  EXPECT_EQ(value_of(DimCode::Op::modulo, 7, -2), -1);
  EXPECT_EQ(value_of(DimCode::Op::modulo, INT64_MIN, -1), 0);
  EXPECT_EQ(value_of(DimCode::Op::minimum, 3, -5), -5);
  EXPECT_EQ(value_of(DimCode::Op::maximum, 3, -5), 3);
}

TEST(DimCode, OverflowIsALimitAndDivisionByZeroInvalid) {
  const auto code_of = [](DimCode::Op op, int64_t a, int64_t b) {
    try {
      value_of(op, a, b);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::failed;
  };
  EXPECT_EQ(code_of(DimCode::Op::add, INT64_MAX, 1), ErrorCode::limit);
  EXPECT_EQ(code_of(DimCode::Op::multiply, INT64_MAX, 2), ErrorCode::limit);
  EXPECT_EQ(code_of(DimCode::Op::floor_div, INT64_MIN, -1), ErrorCode::limit);
  EXPECT_EQ(code_of(DimCode::Op::floor_div, 1, 0), ErrorCode::invalid);
  EXPECT_EQ(code_of(DimCode::Op::modulo, 1, 0), ErrorCode::invalid);
}

TEST(DimCode, LongExpressionsNeedNoFixedStack) {
  DimCode code;
  for (int i = 0; i < 100; ++i) code.code.push_back({DimCode::Op::constant, i});
  for (int i = 1; i < 100; ++i) code.code.push_back({DimCode::Op::add});
  EXPECT_EQ(evaluate(code, {}), 4950);
}

}  // namespace
}  // namespace dlc
