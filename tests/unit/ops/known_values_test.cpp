// Values that sizes and constants determine, through composites as well.
#include <gtest/gtest.h>

#include "compiler/ops/builder.h"

namespace dlc {
namespace {

TEST(KnownValues, PassThroughComposites) {
  Graph graph;
  Builder build(graph);
  const Value three = build("Identity", {build.scalar(DType::i64, 3)});
  const std::optional<Dims> number = known_values(graph, three);
  ASSERT_TRUE(number);
  EXPECT_EQ(*number, Dims{3});

  const Dim n = Dim::symbol("n");
  const Value x = graph.add_input(Type::tensor(DType::f32, {n, 4}));
  const std::optional<Dims> shape = known_values(graph, build("Identity", {build("Shape", {x})}));
  ASSERT_TRUE(shape);
  EXPECT_EQ(*shape, (Dims{n, 4}));
}

TEST(KnownValues, AreUnknownForInputs) {
  Graph graph;
  const Value x = graph.add_input(Type::tensor(DType::i64, {2}));
  EXPECT_FALSE(known_values(graph, x));
  EXPECT_FALSE(known_values(graph, Builder(graph)("Identity", {x})));
}

TEST(Infer, NamesTheInputThatACompositeMustKnow) {
  Graph graph;
  Builder build(graph);
  const Value x = graph.add_input(Type::tensor(DType::f32, {2, 3, 4}));
  const Value axes = graph.add_input(Type::tensor(DType::i64, {1}));
  try {
    build("ReduceL2", {x, axes});
    FAIL() << "the axes are not known";
  } catch (const NeedsValue& error) {
    EXPECT_EQ(error.value, axes);
  }
}

}  // namespace
}  // namespace dlc
