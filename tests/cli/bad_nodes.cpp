// Nodes whose inputs or attributes do not fit, and models that ask for too much.
#include "tests/cli/bad_input.h"
#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;
using Proto = ::onnx::TensorProto;
using Change = std::function<void(::onnx::NodeProto&)>;

constexpr int unsupported = 3, invalid = 4, limit = 6;
constexpr int64_t trillion = 1000000000000;

/// y = OP(inputs of the given shapes), f32, in a node 'here'.
BadCase op_case(std::string name, const std::string& op, std::vector<Dims> shapes,
                const Change& change = {}, std::vector<std::string> more_words = {},
                int exit_code = invalid) {
  std::vector<std::string> words = {"'here'", op};
  words.insert(words.end(), more_words.begin(), more_words.end());
  return model_case(std::move(name), exit_code, std::move(words), [=](Model& m) {
    std::vector<std::string> inputs;
    for (size_t i = 0; i < shapes.size(); ++i) {
      inputs.push_back("x" + std::to_string(i));
      m.input(inputs.back(), shapes[i]);
    }
    m.output("y");
    ::onnx::NodeProto& node = m.node(op, inputs, {"y"}, "here");
    if (change) change(node);
  });
}

/// The same with a second input of constant integers.
BadCase ints_case(std::string name, int exit_code, const std::string& op, Dims shape, Dims values,
                  const Change& change = {}) {
  // What is too large is found when the output is made, not in the node.
  const std::vector<std::string> words =
      exit_code == limit ? std::vector<std::string>{"'y'"} : std::vector<std::string>{"'here'", op};
  return model_case(std::move(name), exit_code, words, [=](Model& m) {
    m.input("x", shape).output("y");
    m.ints("k", {static_cast<int64_t>(values.size())}, values);
    ::onnx::NodeProto& node = m.node(op, {"x", "k"}, {"y"}, "here");
    if (change) change(node);
  });
}

Change with_int(std::string name, int64_t value) {
  return [=](::onnx::NodeProto& node) { attribute(node, name, value); };
}
Change with_ints(std::string name, Dims values) {
  return [=](::onnx::NodeProto& node) { attribute(node, name, values); };
}
Change with_text(std::string name, std::string text) {
  return [=](::onnx::NodeProto& node) { attribute(node, name, text); };
}

}  // namespace

BadCase model_case(std::string name, int exit_code, std::vector<std::string> words,
                   std::function<void(Model&)> change) {
  return {std::move(name), exit_code, std::move(words), [change](const fs::path& folder) {
            Model model;
            change(model);
            return std::vector<std::string>{"run", model.save(folder)};
          }};
}

BadCase bytes_case(std::string name, int exit_code, std::vector<std::string> words,
                   std::function<std::string()> bytes) {
  return {std::move(name), exit_code, std::move(words), [bytes](const fs::path& folder) {
            const fs::path path = folder / "model.onnx";
            cli::write_file(path, bytes());
            return std::vector<std::string>{"run", path.string()};
          }};
}

std::vector<BadCase> node_cases() {
  return {
      op_case("MissingInput", "Conv", {{1, 3, 8, 8}}),
      op_case("TooManyInputs", "Relu", {{2}, {2}}),
      op_case("TooManyOutputs", "Relu", {{2}},
              [](::onnx::NodeProto& node) { node.add_output("z"); }),
      op_case("ConvOfAMatrix", "Conv", {{3, 8}, {4, 3, 3, 3}}),
      op_case("ConvChannelsDiffer", "Conv", {{1, 3, 8, 8}, {4, 5, 3, 3}}),
      op_case("ConvKernelTooLarge", "Conv", {{1, 3, 2, 2}, {4, 3, 5, 5}}),
      op_case("ConvStrideZero", "Conv", {{1, 3, 8, 8}, {4, 3, 3, 3}},
              with_ints("strides", Dims{0, 1})),
      op_case("ConvStridesOfWrongLength", "Conv", {{1, 3, 8, 8}, {4, 3, 3, 3}},
              with_ints("strides", Dims{1, 1, 1})),
      op_case("ConvGroupDoesNotDivide", "Conv", {{1, 4, 8, 8}, {5, 2, 3, 3}}, with_int("group", 2)),
      op_case("ConvGroupZero", "Conv", {{1, 4, 8, 8}, {4, 4, 3, 3}}, with_int("group", 0)),
      op_case("MatMulSizesDiffer", "MatMul", {{2, 3}, {4, 5}}),
      op_case("MatMulOfAScalar", "MatMul", {{}, {4, 5}}),
      op_case("GemmOfACube", "Gemm", {{2, 3, 4}, {4, 5}}),
      op_case("AddNotBroadcastable", "Add", {{2, 3}, {2, 4}}),
      op_case("TransposeWrongPermutation", "Transpose", {{2, 3}}, with_ints("perm", Dims{0, 0})),
      op_case("TransposeShortPermutation", "Transpose", {{2, 3}}, with_ints("perm", Dims{0})),
      op_case("ConcatWithoutAxis", "Concat", {{2}, {2}}, {}, {"axis"}),
      op_case("ConcatAxisOutside", "Concat", {{2}, {2}}, with_int("axis", 3)),
      op_case("ConcatRanksDiffer", "Concat", {{2}, {2, 2}}, with_int("axis", 0)),
      op_case("ConcatSizesDiffer", "Concat", {{2, 3}, {2, 4}}, with_int("axis", 0)),
      op_case("SoftmaxAxisOutside", "Softmax", {{2, 3}}, with_int("axis", 2)),
      op_case("SoftmaxAxisAsText", "Softmax", {{2, 3}}, with_text("axis", "last"), {"axis"}),
      op_case("FlattenAxisOutside", "Flatten", {{2, 3}}, with_int("axis", 7)),
      op_case("UnknownAttribute", "Relu", {{2, 3}}, with_text("colour", "red"), {"colour"},
              unsupported),
      op_case("CastWithoutType", "Cast", {{2}}, {}, {"to"}),
      op_case("CastToUnknownType", "Cast", {{2}}, with_int("to", 77), {"77"}),
      op_case("GatherIndicesAsReals", "Gather", {{4}, {2}}, {}, {"indices", "f32"}, unsupported),
      op_case("WhereConditionAsReals", "Where", {{2}, {2}, {2}}, {}, {"condition", "f32"},
              unsupported),
      op_case("PoolWithoutKernel", "MaxPool", {{1, 1, 4, 4}}, {}, {"kernel_shape"}),
      op_case("BatchNormalizationSizesDiffer", "BatchNormalization",
              {{1, 3, 4}, {3}, {3}, {2}, {3}}),
      op_case("EinsumWithoutEquation", "Einsum", {{2}, {2}}, {}, {"equation"}),
      ints_case("ReshapeOfOtherSize", invalid, "Reshape", {2, 3}, {4, 2}),
      ints_case("ReshapeTwoUnknowns", invalid, "Reshape", {2, 3}, {-1, -1}),
      ints_case("ReshapeNegative", invalid, "Reshape", {2, 3}, {-7, 2}),
      ints_case("ExpandDoesNotFit", invalid, "Expand", {2, 3}, {2, 4}),
      ints_case("SqueezeOfALargeAxis", invalid, "Squeeze", {2, 3}, {0}),
      ints_case("UnsqueezeTwice", invalid, "Unsqueeze", {2}, {0, 0}),
      ints_case("SplitSumDiffers", invalid, "Split", {6}, {2, 2},
                [](::onnx::NodeProto& node) { node.add_output("z"); }),
      ints_case("TileOfWrongLength", invalid, "Tile", {2, 3}, {2}),
      ints_case("PadOfWrongLength", invalid, "Pad", {2, 3}, {1, 1, 1}),
      ints_case("ReduceAxisOutside", invalid, "ReduceSum", {2, 3}, {5}),
      model_case("AddOfDifferentTypes", invalid, {"'here'", "Add"},
                 [](Model& m) {
                   m.input("a", {2}).input("b", {2}, Proto::INT64).output("y");
                   m.node("Add", {"a", "b"}, {"y"}, "here");
                 }),
      model_case("ReluOfText", unsupported, {"'here'", "Relu"},
                 [](Model& m) {
                   m.input("x", {2}, Proto::STRING).output("y");
                   m.node("Relu", {"x"}, {"y"}, "here");
                 }),
  };
}

std::vector<BadCase> size_cases() {
  return {
      op_case("SumOfTooManyInputs", "Sum", std::vector<Dims>(1025, Dims{1}), {}, {"1025"}, limit),
      op_case("GridOfManyAxes", "GridSample", {{1, 1, 2, 2, 2, 2, 2}, {1, 2, 2, 2, 2, 2, 5}},
              with_text("mode", "cubic"), {}, unsupported),
      model_case("TrillionConstants", limit, {"'y'"},
                 [](Model& m) {
                   m.ints("n", {1}, {trillion});
                   m.output("y").node("ConstantOfShape", {"n"}, {"y"}, "here");
                 }),
      model_case("TrillionInputs", limit, {"'x'"},
                 [](Model& m) { m.input("x", {trillion}).output("y").node("Relu", {"x"}, {"y"}); }),
      model_case("InputSizeOverflows", limit, {"'x'"},
                 [](Model& m) {
                   m.input("x", {int64_t{1} << 62, 64}).output("y").node("Relu", {"x"}, {"y"});
                 }),
      model_case("TrillionByRange", limit, {"'y'"},
                 [](Model& m) {
                   m.ints("a", {}, {0});
                   m.ints("b", {}, {trillion});
                   m.ints("c", {}, {1});
                   m.output("y", Proto::INT64).node("Range", {"a", "b", "c"}, {"y"}, "here");
                 }),
      ints_case("TrillionByExpand", limit, "Expand", {1}, {trillion}),
      ints_case("TrillionByTile", limit, "Tile", {1}, {trillion}),
      ints_case("TrillionByPad", limit, "Pad", {1}, {0, trillion}),
      model_case("ExpandOverflows", limit, {"63 bits"},
                 [](Model& m) {
                   m.ints("n", {2}, {int64_t{1} << 40, int64_t{1} << 40});
                   m.input("x", {1}).output("y").node("Expand", {"x", "n"}, {"y"}, "here");
                 }),
  };
}

}  // namespace dlc::cli_test
