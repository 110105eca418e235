// The driver of rewrites: what it sees to besides the rows.
#include "passes/rewrite.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"

namespace dlc {
namespace {

const Rewrite relu_of_relu = {
    .name = "relu-of-relu", .match = "Relu(Relu(%x))", .replace = "Relu(%x)"};

std::string rewritten(std::string_view text, std::vector<Rewrite> rows,
                      PassContext* context = nullptr) {
  Graph graph = parse(text);
  PassContext unused;
  apply_rewrites(graph, rows, context != nullptr ? *context : unused);
  verify(graph);
  return print(graph, {.origins = true});
}

TEST(Rewrite, NewNodesCarryTheOriginsOfAllMatched) {
  PassContext context;
  EXPECT_EQ(rewritten(R"(graph @f(%x: f32[2]) -> f32[2] {
    %a = Relu(%x) : f32[2] from "first"
    %y = Relu(%a) : f32[2] from "second"
    return %y
  })",
                      {relu_of_relu}, &context),
            R"(graph @f(%x: f32[2]) -> f32[2] {
  %y = Relu(%x) : f32[2] from "first", "second"
  return %y
}
)");
  EXPECT_EQ(context.counts().at("relu-of-relu"), 1);
  EXPECT_TRUE(context.near_misses().empty());
}

TEST(Rewrite, AnInnerValueWithAnotherUserIsANearMiss) {
  PassContext context;
  const std::string text = rewritten(R"(graph @f(%x: f32[2]) -> (f32[2], f32[2]) {
    %a = Relu(%x) : f32[2] from "first"
    %y = Relu(%a) : f32[2] from "second"
    return %y, %a
  })",
                                     {relu_of_relu}, &context);
  EXPECT_NE(text.find("%y = Relu(%a)"), std::string::npos) << text;
  ASSERT_EQ(context.near_misses().size(), 1u);
  EXPECT_EQ(context.near_misses()[0].condition, "inner values have no other user");
  EXPECT_NE(context.near_misses()[0].node.find("second"), std::string::npos);
}

TEST(Rewrite, AFailedConditionIsNamed) {
  PassContext context;
  Rewrite row = relu_of_relu;
  row.where = {{"x is a matrix", [](const Match& m) { return m.rank("x") == 2; }}};
  rewritten(R"(graph @f(%x: f32[2]) -> f32[2] {
    %a = Relu(%x) : f32[2]
    %y = Relu(%a) : f32[2]
    return %y
  })",
            {row}, &context);
  ASSERT_EQ(context.near_misses().size(), 1u);
  EXPECT_EQ(context.near_misses()[0].condition, "x is a matrix");
}

TEST(Rewrite, AChangeOfTypeIsRefusedAndLeavesNothingBehind) {
  const std::string text = R"(graph @f(%x: f32[2], %z: f32[3,1]) -> f32[3,2] {
  %y = Add(%x, %z) : f32[3,2]
  return %y
}
)";
  EXPECT_EQ(rewritten(text, {{.name = "wrong", .match = "Add(%x, %z)", .replace = "Relu(%x)"}}),
            text);
}

TEST(Rewrite, CommutativeOpsMatchBothWays) {
  const Rewrite row = {.name = "mul-by-one", .match = "Mul(%x, 1)", .replace = "%x"};
  EXPECT_EQ(rewritten(R"(graph @f(%x: f32[2]) -> f32[2] {
    %one = Constant(value=f32[]{1}) : f32[]
    %y = Mul(%one, %x) : f32[2]
    %z = Relu(%y) : f32[2]
    return %z
  })",
                      {row}),
            R"(graph @f(%x: f32[2]) -> f32[2] {
  %z = Relu(%x) : f32[2]
  return %z
}
)");
}

TEST(Rewrite, OneNameIsOneValueAndAttributesMustAgree) {
  const Rewrite row = {
      .name = "test", .match = "Sub(Softmax(%x, axis=0), %x)", .replace = "Neg(%x)"};
  const auto graph = [](std::string_view axis, std::string_view second) {
    return fmt::format(
        "graph @f(%x: f32[2,2], %y: f32[2,2]) -> f32[2,2] {{ %a = Softmax(%x, axis={}) : f32[2,2] "
        "%b = Sub(%a, %{}) : f32[2,2] return %b }}",
        axis, second);
  };
  const auto fires = [&](const std::string& text) {
    return rewritten(text, {row}).find("Neg") != std::string::npos;
  };
  EXPECT_TRUE(fires(graph("0", "x")));
  EXPECT_FALSE(fires(graph("1", "x")));
  EXPECT_FALSE(fires(graph("0", "y")));
}

}  // namespace
}  // namespace dlc
