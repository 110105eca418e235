// Graphs to models and back.
#include "frontends/onnx/export.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/error.h"
#include "tests/unit/onnx/model_builder.h"

namespace dlc::onnx {
namespace {

namespace fs = std::filesystem;

Graph round_trip(const Graph& graph) { return import_bytes(export_bytes(graph)); }

TEST(Export, KeepsTheTextOfGraphs) {
  const char* texts[] = {
      "graph @main(%x: f32[batch,8], %c: bool[]) -> (f32[batch,8]) {\n"
      "  %w = Constant(value=f32[2]{1.5, -2}) : f32[2]\n"
      "  %0 = Relu(%x) : f32[batch,8]\n"
      "  %1 = LeakyRelu(%0, alpha=0.5) : f32[batch,8]\n"
      "  %k = Constant(value=i64[1]{3}) : i64[1]\n"
      "  _, %i = TopK(%1, %k, axis=1, largest=0) : _, i64[batch,3]\n"
      "  %2 = Cast(%i, to=1) : f32[batch,3]\n"
      "  %3 = ReduceSum(%2, keepdims=0) : f32[]\n"
      "  %y = Mul(%1, %3) : f32[batch,8]\n"
      "  return %y\n"
      "}\n",
      "graph @empty(%a: i64[2*n,n,n+1]) -> (i64[2*n,n,n+1], i64[2*n,n,n+1]) {\n"
      "  %b = Neg(%a) : i64[2*n,n,n+1]\n"
      "  return %a, %b\n"
      "}\n",
      "graph @g() -> (str[2]) {\n"
      "  %0 = Constant(value=str[2]{\"a\", \"\"}) : str[2]\n"
      "  return %0\n"
      "}\n",
      "graph @choice(%c: bool[], %x: f32[n], %z: f32[n]) -> (f32[n]) {\n"
      "  %y = If(%c, %z, %x, else_branch=graph @e(%z: f32[n], %x: f32[n]) -> (f32[n]) {\n"
      "    %0 = Sub(%x, %z) : f32[n]\n"
      "    return %0\n"
      "  }, then_branch=graph @t(%z: f32[n], %0: f32[n]) -> (f32[n]) {\n"
      "    %1 = Exp(%z) : f32[n]\n"
      "    return %1\n"
      "  }) : f32[n]\n"
      "  return %y\n"
      "}\n",
      "graph @count(%n: i64[], %x: f32[2]) -> (f32[2]) {\n"
      "  %y = Loop(%n, _, %x, %x, body=graph @b(%i: i64[], %go: bool[], %s: f32[2], %x: f32[2]) -> "
      "(bool[], f32[2]) {\n"
      "    %0 = Add(%s, %x) : f32[2]\n"
      "    return %go, %0\n"
      "  }, captures=1) : f32[2]\n"
      "  return %y\n"
      "}\n",
  };
  for (const char* text : texts) {
    const std::string before = print(parse(text));
    EXPECT_EQ(print(round_trip(parse(text))), before);
  }
}

/// "opset of ai.onnx, version of the format" of a model with one node.
std::string labels(const char* op, const char* type) {
  Graph graph = parse(fmt::format("graph @main(%x: {}) -> ({}) {{ return %x }}", type, type));
  Builder build(graph);
  graph.set_outputs({build(op, {graph.inputs()[0]})});
  const std::vector<uint8_t> bytes = export_bytes(graph);
  messages::ModelProto model;
  EXPECT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  EXPECT_EQ(model.opset_import(0).domain(), "");
  return fmt::format("{}, {}", model.opset_import(0).version(), model.ir_version());
}

TEST(Export, TheOpsetIsTheFirstThatHasTheForms) {
  EXPECT_EQ(labels("Relu", "f32[2]"), "21, 10");
  EXPECT_EQ(labels("HardSwish", "f32[2]"), "22, 10");
  EXPECT_EQ(labels("Identity", "f32[2]"), "25, 13");
  // Only for types that came later.
  EXPECT_EQ(labels("Celu", "f32[2]"), "21, 10");
  EXPECT_EQ(labels("Celu", "bf16[2]"), "28, 14");
}

TEST(Export, OriginsBecomeNamesOfNodes) {
  Graph graph =
      parse("graph @g(%x: f32[2]) -> (f32[2]) {\n  %y = Relu(%x) : f32[2]\n  return %y\n}");
  graph.add_origins(graph.nodes()[0], {"relu/1"});
  const Graph back = round_trip(graph);
  EXPECT_EQ(back.node(back.nodes()[0]).origins, Origins{"relu/1"});
}

TEST(Export, AnOutputTwiceIsCopied) {
  const Graph graph = parse(
      "graph @g(%x: f32[2]) -> (f32[2], f32[2]) {\n  %y = Relu(%x) : f32[2]\n"
      "  return %y, %y\n}");
  const Graph back = round_trip(graph);
  EXPECT_EQ(back.outputs().size(), 2u);
  EXPECT_EQ(back.node(back.nodes()[1]).op, "Identity");
}

TEST(Export, SizesBecomeArithmeticOnShapes) {
  Graph graph;
  const Dim n = Dim::symbol("n"), m = Dim::symbol("m");
  const Value x = graph.add_input(Type::tensor(DType::f32, {n, m}), "x");
  Builder build(graph);
  const Value sizes = build.sizes({2 * n + 3, floor_div(m, 2), modulo(n, 3), minimum(n, m), 7});
  graph.set_outputs({sizes, x});
  const Graph back = round_trip(graph);
  const std::vector<Datum> inputs = {Tensor::allocate(DType::f32, {4, 9})};
  EXPECT_EQ(evaluate(back, inputs)[0].tensor.to_ints(), (std::vector<int64_t>{11, 4, 1, 4, 7}));
  EXPECT_EQ(known_values(back, back.outputs()[0])->at(0), 2 * n + 3);
}

TEST(Export, OwnOpsAreRefused) {
  Graph graph;
  const Value x = graph.add_input(Type::tensor(DType::f32, {2}), "x");
  graph.set_outputs({Builder(graph)("dlc.StopGradient", {x})});
  try {
    export_bytes(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("dlc.StopGradient"), std::string::npos);
  }
}

TEST(Export, LargeWeightsGoIntoAFileBeside) {
  Graph graph;
  const Value x = graph.add_input(Type::tensor(DType::f32, {1024}), "x");
  const Value small = graph.add_constant(Tensor::scalar(DType::f32, 2), {}, "small");
  Tensor weights = Tensor::allocate(DType::f32, {1024});
  for (int k = 0; k < 1024; ++k) weights.as_mutable<float>()[k] = static_cast<float>(k);
  const Value w = graph.add_constant(weights, {}, "w");
  const Value u = graph.add_constant(weights, {}, "u");
  Builder build(graph);
  graph.set_outputs({build("Add", {build("Mul", {x, small}), build("Sub", {w, u})})});

  const fs::path folder = fs::temp_directory_path() / ("dlc_export_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  write_file(graph, folder / "m.onnx", {.external_above = 4096});
  EXPECT_LT(fs::file_size(folder / "m.onnx"), 1000u);
  EXPECT_EQ(fs::file_size(folder / "m.onnx.data"), 2 * 4096u);
  EXPECT_EQ(print(import_file(folder / "m.onnx")), print(graph));
  write_file(graph, folder / "one.onnx");
  EXPECT_FALSE(fs::exists(folder / "one.onnx.data"));
  EXPECT_EQ(print(import_file(folder / "one.onnx")), print(graph));
  EXPECT_THROW(write_file(graph, folder / "none" / "m.onnx"), Error);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace dlc::onnx
