// The pipeline: its list, nested graphs, and that it gives the same text on every run.
#include "passes/pipeline.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"

namespace dlc {
namespace {

TEST(Pipeline, EveryPassIsFoundByItsName) {
  for (const Pass* pass : pipeline()) {
    EXPECT_EQ(find_pass(pass->name), pass);
    EXPECT_FALSE(pass->purpose.empty()) << pass->name;
    EXPECT_NE(pass->run, nullptr) << pass->name;
  }
  EXPECT_EQ(find_pass("no-such-pass"), nullptr);
}

TEST(Pipeline, NestedGraphsAreChangedToo) {
  Graph graph = parse(R"(graph @f(%c: bool[], %x: f32[2]) -> f32[2] {
    %y = If(%c, %x,
            then_branch=graph @t(%a: f32[2]) -> f32[2] {
              %0 = Relu(%a) : f32[2]
              %1 = Relu(%0) : f32[2]
              return %1 },
            else_branch=graph @e(%a: f32[2]) -> f32[2] { return %a }) : f32[2]
    return %y
  })");
  const Graph before = graph;
  PassContext context;
  run_pass(simplify_graph, graph, context);
  EXPECT_EQ(context.counts().at("relu-of-relu"), 1);
  // Graphs are values: the copy has kept its own branches.
  EXPECT_NE(print(before), print(graph));
}

TEST(Pipeline, AConstantThatCannotBeComputedStaysForTheRunToSay) {
  Graph graph = parse(R"(graph @f() -> i64[1] {
    %a = Constant(value=str[1]{"2?5"}) : str[1]
    %0 = dlc.CastStrings(%a, to=7) : i64[1]
    return %0
  })");
  const std::string before = print(graph);
  PassContext context;
  run_pass(fold_constants, graph, context);
  EXPECT_EQ(print(graph), before);
}

TEST(Pipeline, TheSameGraphGivesTheSameText) {
  const std::string text = R"(graph @f(%x: f32[n,3,1,1]) -> f32[n,6] {
    %w = Constant(value=f32[2,3,1,1]{1, 2, 3, 4, 5, 6}) : f32[2,3,1,1]
    %k = Constant(value=f32[]{3}) : f32[]
    %0 = Conv(%x, %w) : f32[n,2,1,1]
    %1 = Mul(%0, %k) : f32[n,2,1,1]
    %2 = Softmax(%1, axis=1) : f32[n,2,1,1]
    %3 = Flatten(%2) : f32[n,2]
    %4 = Concat(%3, %3, %3, axis=1) : f32[n,6]
    return %4
  })";
  const auto through = [&] {
    Graph graph = parse(text);
    PassContext context;
    for (const Pass* pass : pipeline()) run_pass(*pass, graph, context);
    return print(graph);
  };
  EXPECT_EQ(through(), through());
}

}  // namespace
}  // namespace dlc
