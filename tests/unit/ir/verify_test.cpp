// The verifier: graphs that break a rule are refused, and the message names the node.
#include "compiler/ir/verify.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "runtime/error.h"

namespace dlc {
namespace {

std::string error_of(const Graph& graph) {
  try {
    verify(graph);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Graph chain() {
  return parse(R"(graph @f(%x: f32[2]) -> f32[2] {
    %a = Relu(%x) : f32[2] from "first"
    %b = Neg(%a) : f32[2] from "second"
    return %b
  })");
}

TEST(Verify, AWellFormedGraphPasses) { EXPECT_EQ(error_of(chain()), ""); }

TEST(Verify, AUseBeforeItsDefinitionIsFound) {
  Graph g = chain();
  g.set_input(g.nodes()[0], 0, g.node(g.nodes()[1]).outputs[0]);
  EXPECT_NE(error_of(g).find("used before its definition"), std::string::npos) << error_of(g);
  EXPECT_NE(error_of(g).find("first"), std::string::npos) << error_of(g);
}

TEST(Verify, TwoValuesOfOneNameAreFound) {
  Graph g = chain();
  g.set_name(g.node(g.nodes()[1]).outputs[0], "a");
  EXPECT_NE(error_of(g).find("two values are named 'a'"), std::string::npos) << error_of(g);
}

TEST(Verify, OutputsOfErasedNodesAreFound) {
  Graph g = chain();
  const Value b = g.outputs()[0];
  g.set_outputs({g.inputs()[0]});
  g.erase(g.nodes()[1]);
  g.set_outputs({b});
  EXPECT_NE(error_of(g).find("not defined"), std::string::npos) << error_of(g);
}

TEST(Verify, NestedGraphsMustFitTheirNode) {
  const char* text = R"(graph @f(%c: bool[], %x: f32[2]) -> f32[2] {{
    %y = If(%c{}, then_branch=graph @t(%a: f32[2]) -> f32[2] {{ return %a }},
            else_branch=graph @e(%a: f32[2]) -> {} {{ return {} }}) : f32[2]
    return %y
  }})";
  const auto with = [&](auto... args) {
    return error_of(parse(fmt::format(fmt::runtime(text), args...)));
  };
  EXPECT_EQ(with(", %x", "f32[2]", "%a"), "");
  EXPECT_NE(with("", "f32[2]", "%a").find("takes 1 inputs"), std::string::npos);
  EXPECT_NE(with(", %x", "(f32[2], f32[2])", "%a, %a").find("returns 2 values"), std::string::npos);
}

}  // namespace
}  // namespace dlc
