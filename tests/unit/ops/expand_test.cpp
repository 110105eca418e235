// Composites as bodies of formulas, and samples as graphs.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/instantiate.h"

namespace dlc {
namespace {

std::string sample(std::string_view op_name, std::string_view text) {
  return print(sample_graph(op(op_name), text));
}

/// The graph that a formula over %x: f32[2,3] gives.
std::string built(std::string_view formula, size_t results = 1) {
  Graph graph("f");
  FormulaScope scope;
  scope.values["x"] = graph.add_input(Type::tensor(DType::f32, {2, 3}), "x");
  scope.attribute = [](std::string_view name) -> std::optional<Attr> {
    if (name == "axis") return int64_t{1};
    return std::nullopt;
  };
  Builder build(graph);
  graph.set_outputs(instantiate(parse_formula(formula), scope, build, results));
  return print(graph);
}

TEST(Instantiate, NumbersTakeTheTypeBesideThem) {
  EXPECT_EQ(built("Mul(2, Add(%x, 1.5))"), R"(graph @f(%x: f32[2,3]) -> f32[2,3] {
  %0 = Constant(value=f32[]{1.5}) : f32[]
  %1 = Add(%x, %0) : f32[2,3]
  %2 = Constant(value=f32[]{2}) : f32[]
  %3 = Mul(%2, %1) : f32[2,3]
  return %3
}
)");
}

TEST(Instantiate, ListsBecomeVectorsAndAttributesAreSubstituted) {
  EXPECT_EQ(built("ReduceSum(%x, [$axis], keepdims=0, noop_with_empty_axes=$missing)"),
            R"(graph @f(%x: f32[2,3]) -> f32[2] {
  %0 = Constant(value=i64[1]{1}) : i64[1]
  %1 = ReduceSum(%x, %0, keepdims=0) : f32[2]
  return %1
}
)");
}

TEST(Expand, ABodyOfFormulasReplacesTheNode) {
  const OpDef scaled = {.name = "Scaled",
                        .inputs = {{"X"}, {"bias", types::all, Presence::optional}},
                        .outputs = {"Y"},
                        .attrs = {{"k", 2.0}},
                        .body = "%t = Mul(%X, $k)   # the default is 2\n%Y = Relu(%t)"};
  Graph graph("f");
  const Value x = graph.add_input(Type::tensor(DType::f32, {2}), "x");
  const NodeId node =
      graph.add_node("Scaled", {x}, {{"k", 3.0}}, {Type::tensor(DType::f32, {2})}, {"origin"});
  const std::vector<Value> outputs = expand_composite(graph, node, scaled);
  graph.set_outputs(outputs);
  graph.erase(node);
  EXPECT_EQ(print(graph), R"(graph @f(%x: f32[2]) -> f32[2] {
  %0 = Constant(value=f32[]{3}) : f32[]
  %1 = Mul(%x, %0) : f32[2]
  %2 = Relu(%1) : f32[2]
  return %2
}
)");
  EXPECT_EQ(graph.node(graph.nodes().back()).origins, Origins{"origin"});
}

TEST(Sample, InputsAndAttributesAreToldApart) {
  EXPECT_EQ(sample("ReduceSum", "data: f32[2,n], axes=[1], keepdims=0"),
            R"(graph @sample(%data: f32[2,n]) -> f32[2] {
  %0 = Constant(value=i64[1]{1}) : i64[1]
  %1 = ReduceSum(%data, %0, keepdims=0) : f32[2]
  return %1
}
)");
}

TEST(Sample, TypesAloneContinueAVariadicInput) {
  EXPECT_EQ(sample("Max", "data_0: f32[2,3], f32[3]"),
            R"(graph @sample(%data_0: f32[2,3], %data_0_1: f32[3]) -> f32[2,3] {
  %0 = Max(%data_0, %data_0_1) : f32[2,3]
  return %0
}
)");
}

TEST(Sample, InputsCanHaveValues) {
  EXPECT_EQ(sample("Add", "A: i64[n], B: i64[2]{0, -1}"), R"(graph @sample(%A: i64[n]) -> i64[2] {
  %0 = Constant(value=i64[2]{0, -1}) : i64[2]
  %1 = Add(%A, %0) : i64[2]
  return %1
}
)");
}

TEST(Sample, MistakesNameTheSample) {
  for (const char* text :
       {"Q: f32[2]", "A: f32[2", "A: f32[2], A: f32[2]", "A: f32[2]; B: f32[2]"}) {
    try {
      sample("Add", text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
}

TEST(Sample, EverySampleOfEveryRowIsAGraph) {
  for (const OpDef* def : all_ops()) {
    for (const std::string_view text : def->samples) {
      EXPECT_NO_THROW(check(sample_graph(*def, text))) << def->name << ": " << text;
    }
  }
}

}  // namespace
}  // namespace dlc
