// Loads inside their operands: what is proven, required or guarded. On every row with contradicting
// shapes: tests/unit/driver/hostile_test.cpp.
#include "compiler/ops/guard_loads.h"

#include <gtest/gtest.h>

#include <set>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"

namespace dlc {
namespace {

std::string requirements_of(std::string_view text) {
  std::string all;
  for (const NodeRequirement& found : requirements(parse(text))) {
    constexpr const char* signs[] = {"==", "~", "<=", "!="};
    const auto& [rule, a, b, what] = found.rule;
    all += fmt::format("{}{} {} {}", all.empty() ? "" : ", ", a.to_string(),
                       signs[static_cast<int>(rule)], b.to_string());
  }
  return all;
}

TEST(GuardLoads, FormulasOfSamplesNeedNoGuard) {
  // Indices that fold back, that data says, or that several conditions bound together.
  const std::set<std::string_view> guarded = {"Pad", "ReverseSequence", "RotaryEmbedding",
                                              "Col2Im"};
  for (const OpDef* def : all_ops()) {
    if (guarded.contains(def->name)) continue;
    if (def->kind() != OpKind::elementwise && def->kind() != OpKind::loops) continue;
    for (std::string_view sample : def->samples) {
      const Graph graph = sample_graph(*def, sample);
      const NodeId node = graph.producer(graph.outputs()[0]);
      EXPECT_FALSE(compute(graph, node).requirements.clamped) << def->name << ": " << sample;
    }
  }
}

TEST(GuardLoads, SizesThatMustBeEqualAreRequired) {
  EXPECT_EQ(requirements_of(R"(graph @g(%a: f32[n,2], %b: f32[m,3]) -> (f32[n,5]) {
    %0 = Concat(%a, %b, axis=1) : f32[n,5]
    return %0
  })"),
            "m == n");
  EXPECT_EQ(requirements_of(R"(graph @g(%a: f32[n,k], %b: f32[l,m]) -> (f32[n,m]) {
    %0 = MatMul(%a, %b) : f32[n,m]
    return %0
  })"),
            "l == k");
}

TEST(GuardLoads, BroadcastingSizesMustFitAtRunTime) {
  const std::string found = requirements_of(R"(graph @g(%a: f32[n], %b: f32[5]) -> (f32[5]) {
    %0 = Add(%a, %b) : f32[5]
    return %0
  })");
  EXPECT_TRUE(found.starts_with("n ~ 5")) << found;
}

TEST(GuardLoads, EqualSizesRequireNothing) {
  EXPECT_EQ(requirements_of(R"(graph @g(%a: f32[n,k], %b: f32[k,m]) -> (f32[n,m]) {
    %0 = MatMul(%a, %b) : f32[n,m]
    %1 = Relu(%0) : f32[n,m]
    return %1
  })"),
            "");
}

TEST(GuardLoads, WhatTheRowOfACompositeRequiresIsNotedToo) {
  EXPECT_EQ(requirements_of(R"(graph @g(%x: f32[1,c,4], %s: f32[d], %b: f32[c]) -> (f32[1,c,4]) {
    %0 = InstanceNormalization(%x, %s, %b) : f32[1,c,4]
    return %0
  })"),
            "d == c");
}

TEST(GuardLoads, ABroadcastOfNoneAndOneIsNone) {
  const Graph graph = parse(R"(graph @g(%a: f32[n], %b: f32[m]) -> (f32[*]) {
    %0 = Add(%a, %b) : f32[*]
    return %0
  })");
  const Node& node = graph.node(graph.producer(graph.outputs()[0]));
  const Dim size = infer(graph, node.op, node.inputs, {}, 1)[0].shape[0];
  const auto with = [&](int64_t n, int64_t m) {
    return size.substitute({{"n", n}, {"m", m}}).number();
  };
  EXPECT_EQ(with(0, 1), 0);
  EXPECT_EQ(with(1, 0), 0);
  EXPECT_EQ(with(0, 0), 0);
  EXPECT_EQ(with(1, 1), 1);
  EXPECT_EQ(with(1, 7), 7);
  EXPECT_EQ(with(7, 7), 7);
}

}  // namespace
}  // namespace dlc
