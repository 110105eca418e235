// Nodes whose operands contradict each other: in the file, or only once a run tells the sizes.
#include <map>
#include <variant>

#include "tests/cli/bad_input.h"
#include "tools/dlc/npy.h"

namespace dlc::cli_test {
namespace {

using Proto = ::onnx::TensorProto;
using Attributes = std::map<std::string, std::variant<int64_t, Dims, std::string>>;

constexpr int invalid = 4;

void set_attributes(::onnx::NodeProto& node, const Attributes& attributes) {
  for (const auto& [name, value] : attributes)
    std::visit([&, key = name](const auto& v) { attribute(node, key, v); }, value);
}

struct Operand {
  Dims shape;
  int dtype = Proto::FLOAT;
};

/// y = OP(operands) in a node 'here'. An operand without a type is absent.
BadCase contradiction(std::string name, const std::string& op, std::vector<Operand> operands,
                      std::vector<std::string> words, const Attributes& attributes = {}) {
  words.insert(words.begin(), {"'here'", op});
  return model_case(std::move(name), invalid, std::move(words), [=](Model& m) {
    std::vector<std::string> inputs;
    for (size_t k = 0; k < operands.size(); ++k) {
      const bool given = operands[k].dtype != Proto::UNDEFINED;
      inputs.push_back(given ? "x" + std::to_string(k) : "");
      if (given) m.input(inputs.back(), operands[k].shape, operands[k].dtype);
    }
    m.output("y");
    set_attributes(m.node(op, inputs, {"y"}, "here"), attributes);
  });
}

const Operand absent = {{}, Proto::UNDEFINED};

/// y = OP(x, constant integers, last)
BadCase constant_case(std::string name, const std::string& op, Operand x, Dims constant,
                      Operand last, std::vector<std::string> words) {
  words.insert(words.begin(), {"'here'", op});
  return model_case(std::move(name), invalid, std::move(words), [=](Model& m) {
    m.input("x", x.shape, x.dtype).output("y");
    const Dims shape = constant.size() == 1 ? Dims{} : Dims{static_cast<int64_t>(constant.size())};
    m.ints("k", shape, constant);
    std::vector<std::string> inputs = {"x", "k"};
    if (last.dtype != Proto::UNDEFINED) {
      m.input("z", last.shape, last.dtype);
      inputs.emplace_back("z");
    }
    ::onnx::NodeProto& node = m.node(op, inputs, {"y"}, "here");
    if (op == "Split") node.add_output("rest");
  });
}

using Sizes = std::map<std::string, int64_t>;

/// The same with sizes that are symbols, which only the inputs' files say; 2 where `sizes` does
/// not.
BadCase late_contradiction(std::string name, const std::string& op,
                           const std::vector<std::vector<std::string>>& shapes, const Sizes& sizes,
                           std::vector<std::string> words, const Attributes& attributes = {}) {
  words.insert(words.begin(), {"'here'", op});
  return {std::move(name), invalid, std::move(words), [=](const std::filesystem::path& folder) {
            Model m;
            std::vector<std::string> inputs, arguments = {"run", ""};
            for (const std::vector<std::string>& symbols : shapes) {
              inputs.push_back("x" + std::to_string(inputs.size()));
              m.input(inputs.back(), Dims(symbols.size(), 1));
              auto& input = *m.graph().mutable_input()->rbegin();
              Dims shape;
              for (const std::string& symbol : symbols) {
                auto& dims = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
                dims.mutable_dim(static_cast<int>(shape.size()))->set_dim_param(symbol);
                shape.push_back(sizes.contains(symbol) ? sizes.at(symbol) : 2);
              }
              const std::string file = (folder / (inputs.back() + ".npy")).string();
              cli::write_npy(file, Tensor::allocate(DType::f32, shape));
              arguments.insert(arguments.end(), {"-i", inputs.back() + "=@" + file});
            }
            m.output("y");
            set_attributes(m.node(op, inputs, {"y"}, "here"), attributes);
            arguments[1] = m.save(folder);
            return arguments;
          }};
}

}  // namespace

std::vector<BadCase> operand_cases() {
  constexpr int i64 = Proto::INT64, i32 = Proto::INT32, u8 = Proto::UINT8;
  return {
      contradiction("ConvBiasOfWrongLength", "Conv", {{{1, 3, 8, 8}}, {{4, 3, 3, 3}}, {{3}}},
                    {"B"}),
      contradiction("ConvTransposeChannelsDiffer", "ConvTranspose", {{{1, 3, 8}}, {{4, 3, 3}}},
                    {"W"}),
      contradiction("ConvTransposeBiasOfWrongLength", "ConvTranspose",
                    {{{1, 3, 8}}, {{3, 2, 3}}, {{5}}}, {"B"}),
      constant_case("OneHotWithOneValue", "OneHot", {{3}, i64}, {4}, {{1}}, {"values"}),
      constant_case("PadWithAMatrixAsValue", "Pad", {{3}}, {1, 1}, {{2, 2}}, {"constant_value"}),
      constant_case("PadWithAnIntegerAsValue", "Pad", {{3}}, {1, 1}, {{}, i64}, {"constant_value"}),
      constant_case("SplitOfANegativePart", "Split", {{3}}, {-1, 4}, absent, {"-1"}),
      contradiction("TriluOfTwoDiagonals", "Trilu", {{{3, 3}}, {{2}, i64}}, {"k"}),
      contradiction("ReverseSequenceOfTooFewLengths", "ReverseSequence", {{{4, 3}}, {{2}, i64}},
                    {"sequence_lens"}),
      contradiction("ReverseSequenceOfOneAxis", "ReverseSequence", {{{4, 3}}, {{3}, i64}},
                    {"time_axis"}, {{"batch_axis", int64_t{0}}, {"time_axis", int64_t{0}}}),
      contradiction("GatherElementsReachesOutside", "GatherElements", {{{3, 2}}, {{2, 5}, i64}},
                    {"indices", "axis 1"}),
      contradiction("GatherNdBatchesDiffer", "GatherND", {{{2, 3}}, {{4, 1}, i64}}, {"indices"},
                    {{"batch_dims", int64_t{1}}}),
      contradiction("ScatterElementsUpdatesDiffer", "ScatterElements",
                    {{{3, 3}}, {{2, 3}, i64}, {{1, 3}}}, {}),
      contradiction("ConcatTypesDiffer", "Concat", {{{2}}, {{2}, i64}}, {}, {{"axis", int64_t{0}}}),
      contradiction("WhereDoesNotBroadcast", "Where", {{{2}, Proto::BOOL}, {{3}}, {{3}}}, {}),
      contradiction("GemmBiasTooLong", "Gemm", {{{2, 3}}, {{3, 4}}, {{5}}}, {"broadcast"}),
      contradiction("GemmBiasMakesItLarger", "Gemm", {{{1, 3}}, {{3, 4}}, {{2, 4}}}, {"C"}),
      contradiction("LstmWeightsOfAnotherInput", "LSTM", {{{3, 1, 4}}, {{1, 20, 5}}, {{1, 20, 5}}},
                    {"W"}, {{"hidden_size", int64_t{5}}}),
      contradiction("LstmBiasOfWrongLength", "LSTM",
                    {{{3, 1, 4}}, {{1, 20, 4}}, {{1, 20, 5}}, {{1, 20}}}, {"B"},
                    {{"hidden_size", int64_t{5}}}),
      contradiction("LstmHiddenSizeDiffers", "LSTM", {{{3, 1, 4}}, {{1, 20, 4}}, {{1, 20, 5}}},
                    {"hidden_size"}, {{"hidden_size", int64_t{6}}}),
      contradiction("GruStateOfWrongBatch", "GRU",
                    {{{3, 2, 4}}, {{1, 15, 4}}, {{1, 15, 5}}, absent, absent, {{1, 3, 5}}},
                    {"initial_h"}, {{"hidden_size", int64_t{5}}}),
      contradiction("RnnLengthsOfWrongBatch", "RNN",
                    {{{3, 2, 4}}, {{1, 5, 4}}, {{1, 5, 5}}, absent, {{3}, i32}}, {"sequence_lens"},
                    {{"hidden_size", int64_t{5}}}),
      contradiction("RnnOneDirectionOfTwo", "RNN", {{{3, 2, 4}}, {{1, 5, 4}}, {{1, 5, 5}}}, {"W"},
                    {{"hidden_size", int64_t{5}}, {"direction", std::string("bidirectional")}}),
      contradiction("BatchNormalizationScaleOfOne", "BatchNormalization",
                    {{{1, 3, 4}}, {{1}}, {{3}}, {{3}}, {{3}}}, {"scale"}),
      contradiction("LayerNormalizationScaleTooLong", "LayerNormalization", {{{2, 3}}, {{4}}},
                    {"broadcast"}),
      contradiction("LayerNormalizationScaleOfMoreAxes", "LayerNormalization",
                    {{{2, 3}}, {{2, 2, 3}}}, {"Scale"}),
      contradiction("GroupNormalizationScaleOfGroups", "GroupNormalization",
                    {{{1, 4, 2}}, {{2}}, {{2}}}, {"scale"}, {{"num_groups", int64_t{2}}}),
      contradiction("InstanceNormalizationScaleOfWrongLength", "InstanceNormalization",
                    {{{1, 4, 2}}, {{2}}, {{4}}}, {"scale"}),
      contradiction("EinsumSizesDiffer", "Einsum", {{{2, 3}}, {{4, 5}}}, {"broadcast"},
                    {{"equation", std::string("ij,jk->ik")}}),
      contradiction("AttentionHeadsDiffer", "Attention",
                    {{{1, 3, 2, 4}}, {{1, 2, 2, 4}}, {{1, 2, 2, 4}}}, {"heads"}),
      contradiction("AttentionKeysOfAnotherSize", "Attention",
                    {{{1, 2, 2, 4}}, {{1, 2, 2, 5}}, {{1, 2, 2, 4}}}, {}),
      contradiction("RotaryEmbeddingOfMoreThanAHead", "RotaryEmbedding",
                    {{{1, 1, 2, 4}}, {{1, 2, 3}}, {{1, 2, 3}}}, {},
                    {{"rotary_embedding_dim", int64_t{6}}}),
      contradiction("NmsScoresOfOtherBoxes", "NonMaxSuppression", {{{1, 6, 4}}, {{1, 2, 5}}}, {}),
      contradiction("NmsBoxesOfThreeNumbers", "NonMaxSuppression", {{{1, 6, 3}}, {{1, 2, 6}}}, {}),
      contradiction("RoiAlignOfThreeNumbers", "RoiAlign", {{{1, 1, 4, 4}}, {{2, 3}}, {{2}, i64}},
                    {"rois"}),
      contradiction("LossOfOtherTargets", "NegativeLogLikelihoodLoss", {{{3, 5}}, {{2}, i64}},
                    {"target"}),
      contradiction("LossWeightsOfOtherClasses", "NegativeLogLikelihoodLoss",
                    {{{3, 5}}, {{3}, i64}, {{4}}}, {"weight"}),
      contradiction("QuantizeScalesOfOtherLength", "QuantizeLinear", {{{2, 3}}, {{2}}, {{2}, u8}},
                    {}, {{"axis", int64_t{1}}}),
      contradiction("DequantizeZeroPointsOfOtherLength", "DequantizeLinear",
                    {{{2, 3}, u8}, {{3}}, {{2}, u8}}, {}, {{"axis", int64_t{1}}}),
      contradiction("GridOfAnotherBatch", "GridSample", {{{2, 1, 3, 3}}, {{3, 2, 2, 2}}}, {"grid"}),
      contradiction("MaxUnpoolOfOtherPlaces", "MaxUnpool", {{{1, 1, 2, 2}}, {{1, 1, 2, 3}, i64}},
                    {"size of I"}, {{"kernel_shape", Dims{2, 2}}}),
      late_contradiction("AddOfSizesThatDifferAtRunTime", "Add", {{"n"}, {"m"}},
                         {{"n", 3}, {"m", 4}}, {"3", "4", "broadcast"}),
      late_contradiction("ConcatOfSizesThatDifferAtRunTime", "Concat", {{"n", "a"}, {"m", "b"}},
                         {{"n", 3}, {"m", 4}}, {"axis 0", "4 instead of 3"},
                         {{"axis", int64_t{1}}}),
      late_contradiction("MatMulOfSizesThatDifferAtRunTime", "MatMul", {{"n", "k"}, {"l", "m"}},
                         {{"k", 3}, {"l", 4}}, {"rows of B", "4 instead of 3"}),
      late_contradiction("GemmOfSizesThatDifferAtRunTime", "Gemm", {{"n", "k"}, {"l", "m"}},
                         {{"k", 3}, {"l", 4}}, {"rows of B"}),
      late_contradiction("GemmBiasThatDiffersAtRunTime", "Gemm", {{"n", "k"}, {"k", "m"}, {"c"}},
                         {{"m", 3}, {"c", 4}}, {"3", "4"}),
      late_contradiction("MulOfAMatrixAndARowThatIsTooShort", "Mul", {{"n", "m"}, {"k"}},
                         {{"m", 3}, {"k", 2}}, {"broadcast"}),
      late_contradiction("BatchNormalizationOfOtherChannels", "BatchNormalization",
                         {{"n", "c", "w"}, {"d"}, {"d"}, {"d"}, {"d"}}, {{"c", 3}, {"d", 4}},
                         {"scale"}),
  };
}

}  // namespace dlc::cli_test
