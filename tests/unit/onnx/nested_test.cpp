// Nested graphs and local functions.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"
#include "compiler/ops/infer.h"
#include "tests/unit/onnx/model_builder.h"

namespace dlc::onnx {
namespace {

const Graph& nested_of(const Graph& graph, NodeId node, const char* attr) {
  return *std::get<std::shared_ptr<const Graph>>(graph.node(node).attrs.at(attr));
}

NodeId last_node(const Graph& graph) { return graph.nodes_backward()[0]; }

std::vector<double> run(const Graph& graph, std::initializer_list<Tensor> inputs, size_t k = 0) {
  check(graph);
  return evaluate(graph, std::vector<Datum>(inputs.begin(), inputs.end()))[k].tensor.to_reals();
}

Tensor floats_of(std::vector<double> values) {
  return Tensor::of(DType::f32, {static_cast<int64_t>(values.size())}, values);
}

TEST(Nested, BranchesGetTheSameCaptures) {
  ModelBuilder model;
  model.input("c", DType::boolean, {})
      .input("x", DType::f32, {2})
      .input("z", DType::f32, {2})
      .initializer(float_tensor("w", {2}, {1, 10}))
      .node("If", {"c"}, {"y"},
            {attr("then_branch", nested("t",
                                        [](GraphBuilder& g) {
                                          g.node("Mul", {"z", "w"}, {"p"}).output("p");
                                        })),
             attr("else_branch", nested("e",
                                        [](GraphBuilder& g) {
                                          g.node("Sub", {"x", "z"}, {"q"}).output("q");
                                        }))})
      .output("y");
  const Graph graph = model.import();
  const NodeId node = last_node(graph);
  EXPECT_EQ(graph.node(node).inputs,
            (std::vector<Value>{graph.inputs()[0], graph.inputs()[2], graph.inputs()[1]}));
  EXPECT_EQ(nested_of(graph, node, "then_branch").inputs().size(), 2u);
  EXPECT_EQ(nested_of(graph, node, "then_branch").node_count(), 2u) << "w is a constant there, too";
  const auto y = [&](double c) {
    return run(graph, {Tensor::scalar(DType::boolean, c), floats_of({5, 6}), floats_of({1, 2})});
  };
  EXPECT_EQ(y(1), (std::vector<double>{1, 20}));
  EXPECT_EQ(y(0), (std::vector<double>{4, 4}));
}

TEST(Nested, AKnownConditionTakesItsBranch) {
  ModelBuilder model;
  model.input("x", DType::f32, {1, 2})
      .initializer(int_tensor("one", {}, {1}))
      .initializer(int_tensor("zero", {}, {0}))
      .node("Shape", {"x"}, {"s"})
      .node("Gather", {"s", "zero"}, {"n"})
      .node("Equal", {"n", "one"}, {"c"})
      .node(
          "If", {"c"}, {"y"},
          {attr("then_branch",
                nested("t", [](GraphBuilder& g) { g.node("Squeeze", {"x"}, {"p"}).output("p"); })),
           attr(
               "else_branch",
               nested("e", [](GraphBuilder& g) { g.node("Identity", {"x"}, {"q"}).output("q"); }))})
      .output("y");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[2]");
  EXPECT_EQ(graph.name(graph.outputs()[0]), "y");
}

/// Adds x to a sum and appends it to a list, `trips` times.
ModelBuilder& counting_loop(ModelBuilder& model) {
  model.input("trips", DType::i64, {})
      .input("x", DType::f32, {2})
      .initializer(float_tensor("start", {0}, {}))
      .node("Loop", {"trips", "", "x", "start"}, {"sum", "list", "all"},
            {attr("body", nested("body",
                                 [](GraphBuilder& g) {
                                   g.input("i", DType::i64, {})
                                       .input("go", DType::boolean, {})
                                       .input("s", DType::f32, {2})
                                       .input("l", DType::f32, {""})
                                       .node("Add", {"s", "x"}, {"s2"})
                                       .node("Concat", {"l", "s2"}, {"l2"}, {attr("axis", 0)})
                                       .node("Identity", {"go"}, {"go2"})
                                       .output("go2")
                                       .output("s2")
                                       .output("l2")
                                       .output("s2");
                                 }))})
      .output("sum")
      .output("list")
      .output("all");
  return model;
}

TEST(Nested, LoopVariablesMayGrow) {
  ModelBuilder model;
  const Graph graph = counting_loop(model).import();
  const Graph& body = nested_of(graph, last_node(graph), "body");
  EXPECT_EQ(to_string(body.type(body.inputs()[2])), "f32[2]");
  EXPECT_EQ(to_string(body.type(body.inputs()[3])), "f32[iteration_d0]");
  EXPECT_EQ(body.inputs().size(), 5u);
  EXPECT_EQ(std::get<int64_t>(graph.node(last_node(graph)).attrs.at("captures")), 1);
  const auto result = [&](size_t k) {
    return run(graph, {Tensor::scalar(DType::i64, 2), floats_of({1, 2})}, k);
  };
  EXPECT_EQ(result(0), (std::vector<double>{3, 6}));
  EXPECT_EQ(result(1), (std::vector<double>{2, 4, 3, 6}));
  EXPECT_EQ(result(2), (std::vector<double>{2, 4, 3, 6}));
}

TEST(Nested, ASliceMayEndWhereTheIterationSays) {
  ModelBuilder model;
  model.input("n", DType::i64, {})
      .input("x", DType::f32, {3})
      .initializer(float_tensor("start", {0}, {}))
      .initializer(int_tensor("zero", {1}, {0}))
      .node("Loop", {"n", "", "start"}, {"y"},
            {attr("body", nested("body",
                                 [](GraphBuilder& g) {
                                   g.input("i", DType::i64, {})
                                       .input("go", DType::boolean, {})
                                       .input("s", DType::f32, {""})
                                       .node("Unsqueeze", {"i", "zero"}, {"end"})
                                       .node("Slice", {"x", "zero", "end"}, {"part"})
                                       .node("Concat", {"s", "part"}, {"t"}, {attr("axis", 0)})
                                       .output("go")
                                       .output("t");
                                 }))})
      .output("y");
  EXPECT_EQ(run(model.import(), {Tensor::scalar(DType::i64, 3), floats_of({1, 2, 3})}),
            (std::vector<double>{1, 1, 2}));
}

TEST(Nested, SequenceMapAppliesItsBodyToEachElement) {
  ModelBuilder model;
  model.input("a", DType::f32, {2})
      .input("b", DType::f32, {3})
      .node("SequenceConstruct", {"a", "b"}, {"s"})
      .initializer(float_tensor("one", {}, {1}))
      .node(
          "SequenceMap", {"s"}, {"t"},
          {attr(
              "body",
              nested("body",
                     [](GraphBuilder& g) {
                       g.input("x", DType::f32, {"n"}).node("Add", {"x", "one"}, {"y"}).output("y");
                     }))})
      .node("ConcatFromSequence", {"t"}, {"y"}, {attr("axis", 0)})
      .output("y");
  EXPECT_EQ(run(model.import(), {floats_of({1, 2}), floats_of({3, 4, 5})}),
            (std::vector<double>{2, 3, 4, 5, 6}));
}

TEST(Nested, LoopVariablesKeepTheirElementType) {
  ModelBuilder model;
  model.input("n", DType::i64, {})
      .input("x", DType::f32, {2})
      .node("Loop", {"n", "", "x"}, {"y"},
            {attr("body", nested("body",
                                 [](GraphBuilder& g) {
                                   g.input("i", DType::i64, {})
                                       .input("go", DType::boolean, {})
                                       .input("s", DType::f32, {2})
                                       .node("Cast", {"s"}, {"t"}, {attr("to", 7)})
                                       .output("go")
                                       .output("t");
                                 }))})
      .output("y");
  EXPECT_NE(model.error().find("begins as f32[2] but goes on as i64[2]"), std::string::npos)
      << model.error();
}

messages::GraphProto adding_body() {
  return nested("body", [](GraphBuilder& g) {
    g.input("s", DType::f32, {})
        .input("x", DType::f32, {})
        .node("Add", {"s", "x"}, {"s2"})
        .node("Identity", {"s2"}, {"o"})
        .output("s2")
        .output("o");
  });
}

TEST(Nested, ScansSeeSlices) {
  ModelBuilder model;
  model.input("s", DType::f32, {})
      .input("xs", DType::f32, {3})
      .node("Scan", {"s", "xs"}, {"last", "sums"},
            {attr("num_scan_inputs", 1), attr("body", adding_body())})
      .output("last")
      .output("sums");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[1])), "f32[3]");
  EXPECT_EQ(run(graph, {Tensor::scalar(DType::f32, 1), floats_of({1, 2, 3})}, 1),
            (std::vector<double>{2, 4, 7}));
}

TEST(Nested, ScanOf8HadBatches) {
  ModelBuilder model(8, 3);
  model.input("s", DType::f32, {2})
      .input("xs", DType::f32, {2, 3})
      .node("Scan", {"", "s", "xs"}, {"last", "sums"},
            {attr("num_scan_inputs", 1), attr("body", adding_body())})
      .output("last")
      .output("sums");
  const Graph graph = model.import();
  const Tensor xs = floats_of({1, 2, 3, 10, 20, 30}).reshaped({2, 3});
  EXPECT_EQ(run(graph, {floats_of({0, 1}), xs}, 0), (std::vector<double>{6, 61}));
  EXPECT_EQ(run(graph, {floats_of({0, 1}), xs}, 1), (std::vector<double>{1, 3, 6, 11, 31, 61}));
}

TEST(Nested, SizesOfTheGraphAroundAreKnownInside) {
  ModelBuilder model;
  model.input("c", DType::boolean, {})
      .input("x", DType::f32, {"n", 4})
      .input("v", DType::f32, {"n", 2, 2})
      .node("Shape", {"x"}, {"s"})
      .node("If", {"c"}, {"y"},
            {attr("then_branch", nested("t",
                                        [](GraphBuilder& g) {
                                          g.node("Reshape", {"v", "s"}, {"p"}).output("p");
                                        })),
             attr("else_branch",
                  nested("e", [](GraphBuilder& g) { g.node("Neg", {"x"}, {"q"}).output("q"); }))})
      .output("y");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[n,4]");
}

TEST(Nested, NodesInsideAreNamedInErrors) {
  ModelBuilder model;
  model.input("c", DType::boolean, {})
      .input("x", DType::f32, {2})
      .node(
          "If", {"c"}, {"y"},
          {attr("then_branch", nested("t",
                                      [](GraphBuilder& g) {
                                        g.node("Frobnicate", {"x"}, {"p"}, {}, "inner").output("p");
                                      })),
           attr("else_branch",
                nested("e", [](GraphBuilder& g) { g.node("Neg", {"x"}, {"q"}).output("q"); }))},
          "outer")
      .output("y");
  EXPECT_NE(model.error().find("node 'outer' (If, opset 28): node 'inner' (Frobnicate"),
            std::string::npos);
}

/// f(a, b) = Elu(a * alpha?, b): named `name` in domain "local".
messages::FunctionProto& add_function(ModelBuilder& model, const std::string& name,
                                      const std::vector<std::string>& inputs,
                                      const std::vector<std::string>& outputs) {
  if (model.model.opset_import_size() == 1) {
    auto& local = *model.model.add_opset_import();
    local.set_domain("local");
    local.set_version(1);
  }
  messages::FunctionProto& function = *model.model.add_functions();
  function.set_domain("local");
  function.set_name(name);
  for (const std::string& input : inputs) function.add_input(input);
  for (const std::string& output : outputs) function.add_output(output);
  for (const char* domain : {"", "local"}) {
    auto& opset = *function.add_opset_import();
    opset.set_domain(domain);
    opset.set_version(*domain ? 1 : 28);
  }
  return function;
}

messages::NodeProto& add_call(messages::NodeProto& node, const std::string& op,
                              const std::vector<std::string>& inputs,
                              const std::vector<std::string>& outputs,
                              const std::string& domain = "local") {
  node.set_op_type(op);
  node.set_domain(domain);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

void refer(messages::NodeProto& node, const std::string& attr, const std::string& to) {
  auto& reference = *node.add_attribute();
  reference.set_name(attr);
  reference.set_type(messages::AttributeProto::FLOAT);
  reference.set_ref_attr_name(to);
}

TEST(Functions, CallsBecomeTheirBodies) {
  ModelBuilder model;
  messages::FunctionProto& inner = add_function(model, "Inner", {"a"}, {"r"});
  inner.add_attribute("slope");
  refer(add_call(*inner.add_node(), "LeakyRelu", {"a"}, {"r"}, ""), "alpha", "slope");
  messages::FunctionProto& outer = add_function(model, "Outer", {"a", "b"}, {"r", "t"});
  messages::AttributeProto& standard = *outer.add_attribute_proto();
  standard.set_name("k");
  standard.set_type(messages::AttributeProto::FLOAT);
  standard.set_f(0.5f);
  refer(add_call(*outer.add_node(), "Inner", {"a"}, {"t"}), "slope", "k");
  add_call(*outer.add_node(), "Clip", {"t", "b"}, {"r"}, "");

  model.input("x", DType::f32, {2});
  add_call(*model.graph.add_node(), "Outer", {"x"}, {"y", "y2"}).set_name("call");
  messages::NodeProto& again = add_call(*model.graph.add_node(), "Outer", {"y"}, {"z"});
  set_attr(again, attr("k", 0.25f));
  model.output("z").output("y2");
  const Graph graph = model.import();
  EXPECT_EQ(print(graph, {.types = false}),
            "graph @main(%x: f32[2]) -> (f32[2], f32[2]) {\n"
            "  %y2 = LeakyRelu(%x, alpha=0.5)\n"
            "  %y = Clip(%y2)\n"
            "  %0 = LeakyRelu(%y, alpha=0.25)\n"
            "  %z = Clip(%0)\n"
            "  return %z, %y2\n"
            "}\n");
  EXPECT_EQ(graph.node(graph.nodes()[0]).origins, Origins{"call"});
  EXPECT_EQ(graph.node(graph.nodes()[2]).origins, Origins{"Outer_1"});
}

TEST(Functions, OverloadsHaveTheSameName) {
  ModelBuilder model;
  for (const char* overload : {"", "second"}) {
    messages::FunctionProto& function = add_function(model, "F", {"a"}, {"r"});
    function.set_overload(overload);
    add_call(*function.add_node(), *overload ? "Exp" : "Neg", {"a"}, {"r"}, "");
  }
  model.input("x", DType::f32, {2});
  add_call(*model.graph.add_node(), "F", {"x"}, {"y"}).set_overload("second");
  model.output("y");
  const Graph graph = model.import();
  EXPECT_EQ(graph.node(graph.nodes()[0]).op, "Exp");
}

TEST(Functions, MustNotCallThemselves) {
  ModelBuilder model;
  messages::FunctionProto& function = add_function(model, "F", {"a"}, {"r"});
  add_call(*function.add_node(), "F", {"a"}, {"r"});
  model.input("x", DType::f32, {2});
  add_call(*model.graph.add_node(), "F", {"x"}, {"y"});
  model.output("y");
  EXPECT_NE(model.error().find("must not call itself"), std::string::npos);
}

TEST(Functions, CannotAskForAnyNumberOfNodes) {
  ModelBuilder model;
  for (int k = 0; k < 40; ++k) {
    messages::FunctionProto& f = add_function(model, "F" + std::to_string(k), {"a"}, {"r"});
    const std::string next = "F" + std::to_string(k + 1);
    add_call(*f.add_node(), next, {"a"}, {"b"});
    add_call(*f.add_node(), next, {"b"}, {"r"});
  }
  messages::FunctionProto& last = add_function(model, "F40", {"a"}, {"r"});
  last.add_node()->CopyFrom(add_call(*last.add_node(), "Identity", {"a"}, {"r"}, ""));
  last.mutable_node()->RemoveLast();
  model.input("x", DType::f32, {2});
  add_call(*model.graph.add_node(), "F0", {"x"}, {"y"});
  model.output("y");
  EXPECT_NE(model.error().find("local functions expanded"), std::string::npos);
}

TEST(Functions, ArgumentsMustFit) {
  ModelBuilder model;
  messages::FunctionProto& function = add_function(model, "F", {"a"}, {"r"});
  function.add_attribute("k");
  add_call(*function.add_node(), "Neg", {"a"}, {"r"}, "");
  model.input("x", DType::f32, {2});
  messages::NodeProto& call = add_call(*model.graph.add_node(), "F", {"x", "x"}, {"y"});
  model.output("y");
  EXPECT_NE(model.error().find("the call 2 and 1"), std::string::npos);
  call.mutable_input()->RemoveLast();
  EXPECT_NE(model.error().find("attribute k of the function is missing"), std::string::npos);
}

}  // namespace
}  // namespace dlc::onnx
