// Older forms of ops: what a node of an old opset becomes.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"
#include "tests/unit/onnx/model_builder.h"

namespace dlc::onnx {
namespace {

/// The nodes of a graph that are no constants, one a line, without types.
std::string nodes_of(const Graph& graph) {
  PrintOptions options{.types = false};
  std::string text = print(graph, options);
  std::string result;
  for (size_t at = text.find('\n') + 1, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    if (end == std::string::npos) break;
    const std::string line = text.substr(at, end - at);
    if (line.find("return") != std::string::npos) break;
    if (line.find("Constant(") == std::string::npos) result += line.substr(2) + "\n";
  }
  return result;
}

/// The only output of a graph on float inputs.
std::vector<double> run(const Graph& graph, const std::vector<Tensor>& inputs) {
  const std::vector<Datum> data(inputs.begin(), inputs.end());
  return evaluate(graph, data)[0].tensor.to_reals();
}

Tensor counted(Shape shape) {
  Tensor tensor = Tensor::allocate(DType::f32, std::move(shape));
  for (int64_t k = 0; k < tensor.size(); ++k) tensor.as_mutable<float>()[k] = static_cast<float>(k);
  return tensor;
}

TEST(Upgrade, AttributesBecomeInputs) {
  ModelBuilder model(9);
  model.input("x", DType::f32, {2, 3, 1})
      .node("Squeeze", {"x"}, {"a"}, {ints("axes", {2})})
      .node("Unsqueeze", {"a"}, {"b"}, {ints("axes", {0})})
      .node("ReduceSum", {"b"}, {"c"}, {ints("axes", {0}), attr("keepdims", 0)})
      .node("Slice", {"c"}, {"d"}, {ints("starts", {1}), ints("ends", {3}), ints("axes", {1})})
      .node("Pad", {"d"}, {"e"}, {ints("pads", {0, 1, 0, 0}), attr("value", 9.f)})
      .output("e");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[2,3]");
  EXPECT_EQ(run(graph, {counted({2, 3, 1})}), (std::vector<double>{9, 1, 2, 9, 4, 5}));
}

TEST(Upgrade, ClipHadBoundsAsAttributes) {
  ModelBuilder model(6);
  model.input("x", DType::f32, {4}).node("Clip", {"x"}, {"y"}, {attr("max", 2.f)}).output("y");
  EXPECT_EQ(run(model.import(), {counted({4})}), (std::vector<double>{0, 1, 2, 2}));
}

TEST(Upgrade, TopKHadItsCountAsAttribute) {
  ModelBuilder model(9);
  model.input("x", DType::f32, {1, 4}).node("TopK", {"x"}, {"y", "i"}, {attr("k", 2)}).output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 4})}), (std::vector<double>{3, 2}));
}

TEST(Upgrade, ReshapeHadItsShapeAsAttribute) {
  ModelBuilder model(1, 3);
  model.input("x", DType::f32, {2, 3})
      .node("Reshape", {"x"}, {"y"}, {ints("shape", {3, -1}), ints("consumed_inputs", {0})})
      .output("y");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[3,2]");
}

TEST(Upgrade, SplitCountsItsOutputs) {
  ModelBuilder model(13);
  model.input("x", DType::f32, {4, 2})
      .node("Split", {"x"}, {"a", "b"}, {attr("axis", 0)})
      .output("a")
      .output("b");
  EXPECT_EQ(nodes_of(model.import()), "%a, %b = Split(%x, axis=0, num_outputs=2)\n");
}

TEST(Upgrade, CastNamedItsType) {
  ModelBuilder model(1, 3);
  model.input("x", DType::f32, {2}).node("Cast", {"x"}, {"y"}, {attr("to", "INT64")}).output("y");
  EXPECT_EQ(nodes_of(model.import()), "%y = Cast(%x, to=7)\n");
  ModelBuilder wrong(1, 3);
  wrong.input("x", DType::f32, {2}).node("Cast", {"x"}, {"y"}, {attr("to", "INT99")}).output("y");
  EXPECT_NE(wrong.error().find("no element type INT99"), std::string::npos);
}

TEST(Upgrade, TileHadOneAxis) {
  ModelBuilder model(1, 4);
  model.input("x", DType::f32, {1, 2})
      .initializer(int_tensor("n", {1}, {2}))
      .initializer(int_tensor("axis", {1}, {1}))
      .node("Tile", {"x", "n", "axis"}, {"y"})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 2})}), (std::vector<double>{0, 1, 0, 1}));
}

TEST(Upgrade, BroadcastingFollowedAnAxis) {
  ModelBuilder model(6);
  model.input("a", DType::f32, {2, 3, 2})
      .input("b", DType::f32, {3})
      .node("Add", {"a", "b"}, {"y"}, {attr("broadcast", 1), attr("axis", 1)})
      .output("y");
  EXPECT_EQ(run(model.import(), {Tensor::allocate(DType::f32, {2, 3, 2}), counted({3})}),
            (std::vector<double>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
}

TEST(Upgrade, SoftmaxTookRowsOfAllThatFollows) {
  ModelBuilder model(11);
  model.input("x", DType::f32, {2, 2, 2}).node("Softmax", {"x"}, {"y"}).output("y");
  for (double value : run(model.import(), {Tensor::allocate(DType::f32, {2, 2, 2})})) {
    EXPECT_DOUBLE_EQ(value, 0.25);
  }
  ModelBuilder last(11);
  last.input("x", DType::f32, {2, 2}).node("Softmax", {"x"}, {"y"}).output("y");
  EXPECT_EQ(nodes_of(last.import()), "%y = Softmax(%x, axis=-1)\n");
}

TEST(Upgrade, SlopesWereForChannels) {
  ModelBuilder model(6);
  model.input("x", DType::f32, {1, 2, 2})
      .initializer(float_tensor("slope", {2}, {0.5f, 2.f}))
      .node("Neg", {"x"}, {"n"})
      .node("PRelu", {"n", "slope"}, {"y"})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 2, 2})}), (std::vector<double>{0, -0.5, -4, -6}));
}

TEST(Upgrade, BatchNormalizationTrainedWhereItHadMoreOutputs) {
  const auto model_with = [](const std::vector<std::string>& outputs, int64_t opset) {
    auto model = std::make_unique<ModelBuilder>(opset);
    model->input("x", DType::f32, {1, 2, 2});
    for (const char* name : {"s", "b", "m", "v"}) {
      model->initializer(float_tensor(name, {2}, {1.f, 1.f}));
    }
    model->node("BatchNormalization", {"x", "s", "b", "m", "v"}, outputs, {attr("spatial", 1)});
    model->output("y");
    return model;
  };
  EXPECT_EQ(nodes_of(model_with({"y"}, 7)->import()),
            "%y = BatchNormalization(%x, %s, %b, %m, %v)\n");
  EXPECT_NE(nodes_of(model_with({"y", "m2", "v2"}, 7)->import()).find("training_mode=1"),
            std::string::npos);
  EXPECT_NE(model_with({"y", "m2", "v2", "m3", "v3"}, 7)->error().find("saved_mean"),
            std::string::npos);
}

TEST(Upgrade, StatisticsCouldBeForElements) {
  ModelBuilder model(7);
  model.input("x", DType::f32, {1, 2, 1});
  for (const char* name : {"s", "b", "m", "v"}) {
    model.initializer(float_tensor(name, {2, 1}, {1.f, 1.f}));
  }
  model.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"},
             {attr("spatial", 0), attr("epsilon", 0.f)});
  model.output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 2, 1})}), (std::vector<double>{0, 1}));
}

TEST(Upgrade, GroupsSharedScaleAndBias) {
  ModelBuilder model(18);
  model.input("x", DType::f32, {1, 4, 2})
      .initializer(float_tensor("s", {2}, {0.f, 0.f}))
      .initializer(float_tensor("b", {2}, {3.f, 5.f}))
      .node("GroupNormalization", {"x", "s", "b"}, {"y"}, {attr("num_groups", 2)})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 4, 2})}),
            (std::vector<double>{3, 3, 3, 3, 5, 5, 5, 5}));
}

TEST(Upgrade, UpsampleIsResize) {
  ModelBuilder model(7);
  model.input("x", DType::f32, {1, 1, 1, 2})
      .node("Upsample", {"x"}, {"y"}, {floats("scales", {1, 1, 2, 2})})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 1, 1, 2})}),
            (std::vector<double>{0, 0, 1, 1, 0, 0, 1, 1}));
  ModelBuilder first(1, 3);
  first.input("x", DType::f32, {1, 1, 1, 2})
      .node("Upsample", {"x"}, {"y"}, {attr("height_scale", 1.f), attr("width_scale", 2.f)})
      .output("y");
  EXPECT_EQ(run(first.import(), {counted({1, 1, 1, 2})}), (std::vector<double>{0, 0, 1, 1}));
}

TEST(Upgrade, ResizeOf10TookTheNextPixelWhenShrinking) {
  ModelBuilder model(10);
  model.input("x", DType::f32, {1, 1, 2, 4})
      .initializer(float_tensor("scales", {4}, {1, 1, 0.6f, 0.6f}))
      .node("Resize", {"x", "scales"}, {"y"})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 1, 2, 4})}), (std::vector<double>{0, 2}));
}

TEST(Upgrade, EmptyInputsOfResizeAreAbsent) {
  ModelBuilder model(11);
  model.input("x", DType::f32, {1, 1, 1, 2})
      .initializer(float_tensor("none", {0}, {}))
      .initializer(int_tensor("sizes", {4}, {1, 1, 1, 4}))
      .node("Resize", {"x", "none", "none", "sizes"}, {"y"},
            {attr("coordinate_transformation_mode", "asymmetric"), attr("nearest_mode", "floor")})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({1, 1, 1, 2})}), (std::vector<double>{0, 0, 1, 1}));
}

TEST(Upgrade, DropoutOfModelsDoesNothing) {
  for (int64_t opset : {6, 7, 10}) {
    ModelBuilder model(opset);
    model.input("x", DType::f32, {2})
        .node("Dropout", {"x"}, {"y", "mask"}, {attr("ratio", 0.5f)})
        .output("y")
        .output("mask");
    const Graph graph = model.import();
    EXPECT_EQ(run(graph, {counted({2})}), (std::vector<double>{0, 1}));
    EXPECT_EQ(graph.type(graph.outputs()[1]).dtype, opset < 10 ? DType::f32 : DType::boolean);
  }
}

TEST(Upgrade, ScatterIsCalledScatterElements) {
  ModelBuilder model(9);
  model.input("x", DType::f32, {3})
      .initializer(int_tensor("i", {1}, {1}))
      .initializer(float_tensor("u", {1}, {8}))
      .node("Scatter", {"x", "i", "u"}, {"y"})
      .output("y");
  EXPECT_EQ(run(model.import(), {counted({3})}), (std::vector<double>{0, 8, 2}));
}

TEST(Upgrade, NewestFormsStay) {
  ModelBuilder model(28);
  model.input("x", DType::f32, {2, 3}).node("Softmax", {"x"}, {"y"}, {attr("axis", 0)}).output("y");
  EXPECT_EQ(nodes_of(model.import()), "%y = Softmax(%x, axis=0)\n");
}

}  // namespace
}  // namespace dlc::onnx
