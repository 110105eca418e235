// Known numbers of single ops: what is easily wrong about signs, ties, empty sets, types and axes.
// Expected values come from the definitions, worked out with NumPy.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "tests/support/compare.h"

namespace dlc {
namespace {

/// One node on constants in text form ("_": absent); what differs from the expected outputs.
std::string wrong(std::string_view op, const std::vector<std::string>& inputs, AttrMap attrs,
                  const std::vector<std::string>& expected) {
  Graph graph;
  Builder build(graph);
  std::vector<Value> values;
  for (const std::string& input : inputs) {
    values.push_back(input == "_" ? Value() : build.constant(parse_tensor(input)));
  }
  graph.set_outputs(build.node(op, values, std::move(attrs), expected.size()));
  const std::vector<Datum> outputs = evaluate(graph, {});
  for (size_t k = 0; k < expected.size(); ++k) {
    if (expected[k] == "_") continue;
    const std::string text =
        test::difference(outputs[k].tensor, parse_tensor(expected[k]), {1e-5, 1e-6});
    if (!text.empty()) return fmt::format("output {}: {}", k, text);
  }
  return "";
}

std::string wrong(std::string_view op, const std::vector<std::string>& inputs, AttrMap attrs,
                  const std::string& expected) {
  return wrong(op, inputs, std::move(attrs), std::vector<std::string>{expected});
}

TEST(Arithmetic, IntegerDivisionGoesTowardsZeroAndSurvivesZero) {
  EXPECT_EQ(wrong("Div", {"i32[5]{7, -7, 7, -7, 5}", "i32[5]{2, 2, -2, -2, 0}"}, {},
                  "i32[5]{3, -3, -3, 3, 0}"),
            "");
  EXPECT_EQ(wrong("Div", {"i8[1]{-128}", "i8[1]{-1}"}, {}, "i8[1]{-128}"), "");
}

TEST(Arithmetic, ModTakesTheSignOfTheDivisorAndFmodOfTheDividend) {
  const std::vector<std::string> reals = {"f32[4]{-7, 7, -7, 5.5}", "f32[4]{3, -3, -3, 2}"};
  EXPECT_EQ(wrong("Mod", reals, {}, "f32[4]{2, -2, -1, 1.5}"), "");
  EXPECT_EQ(wrong("Mod", reals, {{"fmod", int64_t{1}}}, "f32[4]{-1, 1, -1, 1.5}"), "");
  const std::vector<std::string> integers = {"i64[4]{-7, 7, -7, 5}", "i64[4]{3, -3, -3, 0}"};
  EXPECT_EQ(wrong("Mod", integers, {}, "i64[4]{2, -2, -1, 0}"), "");
  EXPECT_EQ(wrong("Mod", integers, {{"fmod", int64_t{1}}}, "i64[4]{-1, 1, -1, 0}"), "");
}

TEST(Arithmetic, PowHasTheTypeOfItsBase) {
  EXPECT_EQ(wrong("Pow", {"i32[3]{1, 2, 3}", "f32[3]{0.5, 2.5, 3}"}, {}, "i32[3]{1, 5, 27}"), "");
  EXPECT_EQ(wrong("Pow", {"f32[2]{3, 0.5}", "f16[2]{0.5, 2}"}, {}, "f32[2]{1.7320508, 0.25}"), "");
  EXPECT_EQ(wrong("Pow", {"f16[2]{3, 0.5}", "i64[2]{2, 3}"}, {}, "f16[2]{9, 0.125}"), "");
}

TEST(Arithmetic, ClipLetsTheUpperBoundWin) {
  EXPECT_EQ(wrong("Clip", {"f32[3]{-2, 0, 6}", "f32[]{2}", "f32[]{1}"}, {}, "f32[3]{1, 1, 1}"), "");
  EXPECT_EQ(wrong("Clip", {"i8[3]{-2, 0, 6}", "_", "i8[]{3}"}, {}, "i8[3]{-2, 0, 3}"), "");
}

TEST(Arithmetic, MixedElementTypesAreAnError) {
  EXPECT_THROW(wrong("Add", {"f32[1]{1}", "f64[1]{1}"}, {}, "f32[1]{2}"), Error);
}

TEST(Arithmetic, NarrowSumsAreRoundedOnce) {
  // 2048 + 1 is 2048 in f16 (ties to even), so that rounding twice would lose both ones.
  EXPECT_EQ(wrong("Sum", {"f16[1]{2048}", "f16[1]{1}", "f16[1]{1}"}, {}, "f16[1]{2050}"), "");
}

TEST(Activation, KnownValues) {
  const std::vector<std::string> x = {"f32[4]{0.5, -1, 2, 0.25}"};
  EXPECT_EQ(wrong("Gelu", x, {}, "f32[4]{0.34573123, -0.15865526, 1.9544997, 0.14967658}"), "");
  EXPECT_EQ(wrong("Gelu", x, {{"approximate", std::string("tanh")}},
                  "f32[4]{0.345714008, -0.158807999, 1.954597688, 0.149675352}"),
            "");
  EXPECT_EQ(wrong("Mish", x, {}, "f32[4]{0.37524518, -0.30340147, 1.9439589, 0.16957243}"), "");
  EXPECT_EQ(wrong("Selu", x, {}, "f32[4]{0.5253505, -1.1113307, 2.101402, 0.26267526}"), "");
  EXPECT_EQ(wrong("Softplus", {"f32[2]{1000, -1000}"}, {}, "f32[2]{1000, 0}"), "");
  EXPECT_EQ(wrong("Shrink", {"i32[5]{-2, -1, 0, 1, 2}"}, {{"lambd", 1.5}, {"bias", 1.5}},
                  "i32[5]{0, 0, 0, 0, 0}"),
            "");
}

TEST(Logic, ShiftsByNegativeOrLargeAmountsShiftAllOut) {
  const std::vector<std::string> inputs = {"i8[4]{-128, 64, -1, 5}", "i8[4]{1, 8, -1, 1}"};
  EXPECT_EQ(
      wrong("BitShift", inputs, {{"direction", std::string("RIGHT")}}, "i8[4]{-64, 0, -1, 2}"), "");
  EXPECT_EQ(wrong("BitShift", inputs, {{"direction", std::string("LEFT")}}, "i8[4]{0, 0, 0, 10}"),
            "");
}

TEST(Logic, ComparisonsWithNaNAreFalse) {
  EXPECT_EQ(wrong("Equal", {"f32[1]{nan}", "f32[1]{nan}"}, {}, "bool[1]{0}"), "");
  EXPECT_EQ(wrong("GreaterOrEqual", {"f32[1]{nan}", "f32[1]{1}"}, {}, "bool[1]{0}"), "");
}

TEST(Logic, UnsignedComparisonsUseAllBits) {
  EXPECT_EQ(wrong("Less", {"u64[1]{1}", "u64[1]{18446744073709551615}"}, {}, "bool[1]{1}"), "");
}

TEST(Logic, InfinitiesAreDetectedBySign) {
  const std::vector<std::string> x = {"f32[3]{inf, -inf, nan}"};
  EXPECT_EQ(wrong("IsInf", x, {}, "bool[3]{1, 1, 0}"), "");
  EXPECT_EQ(wrong("IsInf", x, {{"detect_negative", int64_t{0}}}, "bool[3]{1, 0, 0}"), "");
  EXPECT_EQ(wrong("IsInf", x, {{"detect_positive", int64_t{0}}}, "bool[3]{0, 1, 0}"), "");
}

TEST(Cast, IntegersWrapAndFloatsAreCut) {
  EXPECT_EQ(wrong("Cast", {"i32[3]{300, -1, 128}"}, {{"to", int64_t{2}}}, "u8[3]{44, 255, 128}"),
            "");
  EXPECT_EQ(wrong("Cast", {"f32[3]{-1.9, 1.9, 0.5}"}, {{"to", int64_t{7}}}, "i64[3]{-1, 1, 0}"),
            "");
  EXPECT_EQ(wrong("Cast", {"f32[3]{0.1, 0, nan}"}, {{"to", int64_t{9}}}, "bool[3]{1, 0, 1}"), "");
}

TEST(Cast, SmallFloatsSaturateUnlessToldNotTo) {
  const std::vector<std::string> x = {"f32[4]{1e6, -1e6, 464, 465}"};
  AttrMap attrs = {{"to", static_cast<int64_t>(DType::f8e4m3fn)}};
  EXPECT_EQ(wrong("Cast", x, attrs, "f8e4m3fn[4]{448, -448, 448, 448}"), "");
  attrs["saturate"] = int64_t{0};
  EXPECT_EQ(wrong("Cast", x, attrs, "f8e4m3fn[4]{nan, nan, 448, nan}"), "");
}

TEST(Reduce, EmptySetsGiveTheNeutralElement) {
  const std::vector<std::string> x = {"f32[2,0]{}", "i64[1]{1}"};
  const AttrMap flat = {{"keepdims", int64_t{0}}};
  EXPECT_EQ(wrong("ReduceSum", x, flat, "f32[2]{0, 0}"), "");
  EXPECT_EQ(wrong("ReduceProd", x, flat, "f32[2]{1, 1}"), "");
  EXPECT_EQ(wrong("ReduceMax", x, flat, "f32[2]{-inf, -inf}"), "");
  EXPECT_EQ(wrong("ReduceMin", x, flat, "f32[2]{inf, inf}"), "");
  EXPECT_EQ(wrong("ReduceLogSum", x, flat, "f32[2]{-inf, -inf}"), "");
  EXPECT_EQ(wrong("ReduceLogSumExp", x, flat, "f32[2]{-inf, -inf}"), "");
  EXPECT_EQ(wrong("ReduceMax", {"i8[0]{}"}, flat, "i8[]{-128}"), "");
}

TEST(Reduce, NoAxesMeanAllOrNone) {
  EXPECT_EQ(wrong("ReduceSumSquare", {"f32[2,2]{1, 2, 3, 4}"}, {}, "f32[1,1]{30}"), "");
  EXPECT_EQ(wrong("ReduceSumSquare", {"f32[2,2]{1, 2, 3, 4}"},
                  {{"noop_with_empty_axes", int64_t{1}}}, "f32[2,2]{1, 4, 9, 16}"),
            "");
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  EXPECT_EQ(wrong("ReduceLogSumExp", {"f32[2,3]{1, 2, 3, 1000, 1001, 999}", "i64[1]{-1}"}, {},
                  "f32[2,1]{3.40760596, 1001.40760596}"),
            "");
  EXPECT_EQ(wrong("ReduceLogSumExp", {"f32[2]{-inf, -inf}"}, {}, "f32[1]{-inf}"), "");
}

TEST(Reduce, NaNWinsTheMaximum) {
  EXPECT_EQ(wrong("ReduceMax", {"f32[3]{1, nan, 3}"}, {}, "f32[1]{nan}"), "");
  EXPECT_EQ(wrong("ArgMax", {"f32[3]{1, nan, 3}"}, {}, "i64[1]{1}"), "");
}

TEST(Reduce, ArgMaxCanTakeTheLastOfEquals) {
  const std::vector<std::string> x = {"i32[2,4]{3, 1, 3, 1, 0, 5, 5, 2}"};
  AttrMap attrs = {{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}};
  EXPECT_EQ(wrong("ArgMax", x, attrs, "i64[2]{0, 1}"), "");
  EXPECT_EQ(wrong("ArgMin", x, attrs, "i64[2]{1, 0}"), "");
  attrs["select_last_index"] = int64_t{1};
  EXPECT_EQ(wrong("ArgMax", x, attrs, "i64[2]{2, 2}"), "");
  EXPECT_EQ(wrong("ArgMin", x, attrs, "i64[2]{3, 0}"), "");
}

TEST(Reduce, CumSumCanExcludeAndReverse) {
  const std::vector<std::string> x = {"f32[4]{1, 2, 3, 4}", "i32[]{0}"};
  const AttrMap exclusive = {{"exclusive", int64_t{1}}};
  const AttrMap both = {{"exclusive", int64_t{1}}, {"reverse", int64_t{1}}};
  EXPECT_EQ(wrong("CumSum", x, {}, "f32[4]{1, 3, 6, 10}"), "");
  EXPECT_EQ(wrong("CumSum", x, exclusive, "f32[4]{0, 1, 3, 6}"), "");
  EXPECT_EQ(wrong("CumSum", x, both, "f32[4]{9, 7, 4, 0}"), "");
  EXPECT_EQ(wrong("CumProd", x, both, "f32[4]{24, 12, 4, 1}"), "");
}

TEST(Normalization, SoftmaxIsStable) {
  const std::vector<std::string> x = {"f32[2,3]{1, 2, 3, 1000, 1001, 999}"};
  EXPECT_EQ(wrong("Softmax", x, {},
                  "f32[2,3]{0.09003057, 0.24472847, 0.66524096, 0.24472847, 0.66524096, "
                  "0.09003057}"),
            "");
  EXPECT_EQ(wrong("LogSoftmax", x, {},
                  "f32[2,3]{-2.40760596, -1.40760596, -0.40760596, -1.40760596, -0.40760596, "
                  "-2.40760596}"),
            "");
}

TEST(Normalization, LayerNormalizationGivesItsStatistics) {
  EXPECT_EQ(wrong("LayerNormalization",
                  {"f32[2,3]{1, 2, 4, -1, 0, 1}", "f32[3]{1, 2, 3}", "f32[3]{0, 1, -1}"}, {},
                  {"f32[2,3]{-1.06904153, 0.46547923, 3.00890574, -1.22473569, 1, 2.67420706}",
                   "f32[2,1]{2.33333333, 0}", "f32[2,1]{0.80178115, 1.22473569}"}),
            "");
  EXPECT_EQ(wrong("RMSNormalization", {"f32[2,3]{1, 2, 4, -1, 0, 1}", "f32[3]{1, 2, 3}"}, {},
                  "f32[2,3]{0.3779642, 1.51185681, 4.53557044, -1.22473569, 0, 3.67420706}"),
            "");
}

TEST(Normalization, BatchNormalizationTrainsItsStatistics) {
  EXPECT_EQ(wrong("BatchNormalization",
                  {"f32[3,2]{1, 2, 3, 6, 5, 7}", "f32[2]{2, 1}", "f32[2]{0, 1}", "f32[2]{1, 1}",
                   "f32[2]{2, 2}"},
                  {{"training_mode", int64_t{1}}},
                  {"f32[3,2]{-2.44948515, -0.38872866, 0, 1.46290955, 2.44948515, 1.92581911}",
                   "f32[2]{1.2, 1.4}", "f32[2]{2.06666667, 2.26666667}"}),
            "");
}

TEST(Normalization, GroupsAndChannelWindows) {
  EXPECT_EQ(
      wrong("GroupNormalization",
            {"f32[1,4,2]{1, 2, 3, 5, 7, 8, 9, 13}", "f32[4]{1, 2, 1, 2}", "f32[4]{0, 0, 0, 0}"},
            {{"num_groups", int64_t{2}}},
            "f32[1,4,2]{-1.18321325, -0.50709139, 0.33806093, 3.04254836, -0.98787739, "
            "-0.54882077, -0.21952831, 3.29292463}"),
      "");
  EXPECT_EQ(
      wrong("LRN", {"f32[1,4]{1, 2, 3, 4}"}, {{"size", int64_t{3}}, {"alpha", 0.5}, {"bias", 2.0}},
            "f32[1,4]{0.45790644, 0.66590676, 0.70981766, 1.02216766}"),
      "");
  EXPECT_EQ(wrong("LpNormalization", {"f32[2,2]{3, 4, 0, 0}"}, {}, "f32[2,2]{0.6, 0.8, 0, 0}"), "");
}

TEST(Loss, WeightsAndIgnoredTargets) {
  const std::vector<std::string> inputs = {"f32[3,3]{0.1, 0.2, 0.7, 0.3, 0.3, 0.4, 9, 9, 9}",
                                           "i64[3]{2, 0, 1}", "f32[3]{1, 5, 3}"};
  AttrMap attrs = {{"ignore_index", int64_t{1}}};
  EXPECT_EQ(wrong("NegativeLogLikelihoodLoss", inputs, attrs, "f32[]{-0.6}"), "");
  attrs["reduction"] = std::string("none");
  EXPECT_EQ(wrong("NegativeLogLikelihoodLoss", inputs, attrs, "f32[3]{-2.1, -0.3, 0}"), "");
}

TEST(Matmul, VectorsHaveNoAxisInTheResult) {
  EXPECT_EQ(wrong("MatMul", {"f32[2]{1, 2}", "f32[2]{3, 4}"}, {}, "f32[]{11}"), "");
  EXPECT_EQ(wrong("MatMul", {"f32[2]{1, 2}", "f32[2,2,1]{1, 2, 3, 4}"}, {}, "f32[2,1]{5, 11}"), "");
  EXPECT_EQ(wrong("MatMul", {"f32[2,0]{}", "f32[0,1]{}"}, {}, "f32[2,1]{0, 0}"), "");
}

TEST(Matmul, GemmScalesAndTransposes) {
  EXPECT_EQ(wrong("Gemm", {"f32[2,1]{1, 2}", "f32[2,2]{1, 2, 3, 4}", "f32[2]{1, -1}"},
                  {{"transA", int64_t{1}}, {"transB", int64_t{1}}, {"alpha", 2.0}, {"beta", 3.0}},
                  "f32[1,2]{13, 19}"),
            "");
}

TEST(Matmul, SizesThatDoNotFitAreAnError) {
  EXPECT_THROW(wrong("MatMul", {"f32[1,2]{1, 2}", "f32[3,1]{1, 2, 3}"}, {}, "f32[1,1]{0}"), Error);
}

TEST(Matmul, ZeroPointsGoByRowAndColumn) {
  EXPECT_EQ(wrong("MatMulInteger",
                  {"u8[2,2]{1, 2, 3, 4}", "i8[2,2]{1, -1, 2, 0}", "u8[2]{1, 3}", "i8[2]{1, -1}"},
                  {}, "i32[2,2]{1, 1, 1, 1}"),
            "");
}

TEST(Convolution, IntegersAreExactHoweverManyChannelsThereAre) {
  const auto full = [](int64_t channels) {
    std::string text = fmt::format("u8[1,{},1]{{", channels);
    for (int64_t k = 0; k < channels; ++k) text += k == 0 ? "254" : ", 255";
    return text + "}";
  };
  for (const int64_t channels : {258, 259, 1000}) {
    const std::string all = full(channels);
    const int64_t sum = 255 * 255 * channels - 255 * 255 + 254 * 254;
    EXPECT_EQ(wrong("ConvInteger", {all, all}, {}, fmt::format("i32[1,1,1]{{{}}}", sum)), "");
  }
}

TEST(Matmul, DeterminantsSwapRows) {
  EXPECT_EQ(wrong("Det", {"f32[2,2,2]{0, 1, 2, 3, 1, 2, 2, 4}"}, {}, "f32[2]{-2, 0}"), "");
}

TEST(Einsum, DiagonalsEllipsesAndImplicitResults) {
  const auto equation = [](const char* text) { return AttrMap{{"equation", std::string(text)}}; };
  EXPECT_EQ(wrong("Einsum", {"f32[2,2]{1, 2, 3, 4}"}, equation("ii->i"), "f32[2]{1, 4}"), "");
  EXPECT_EQ(wrong("Einsum", {"f32[2,2]{1, 2, 3, 4}"}, equation("ba"), "f32[2,2]{1, 3, 2, 4}"), "");
  EXPECT_EQ(wrong("Einsum", {"f32[2,1,2]{1, 2, 3, 4}", "f32[2]{1, 10}"}, equation("...k, k -> ..."),
                  "f32[2,1]{21, 43}"),
            "");
  EXPECT_THROW(wrong("Einsum", {"f32[2]{1, 2}"}, equation("ij->i"), "f32[2]{1, 2}"), Error);
  EXPECT_THROW(wrong("Einsum", {"f32[2]{1, 2}"}, equation("i->j"), "f32[2]{1, 2}"), Error);
}

TEST(Quantization, TiesGoToEvenAndTheRangeEnds) {
  EXPECT_EQ(wrong("QuantizeLinear", {"f32[6]{1, 3, -1, 1000, -1000, inf}", "f32[]{2}", "u8[]{5}"},
                  {}, "u8[6]{5, 7, 5, 255, 0, 255}"),
            "");
  EXPECT_EQ(wrong("QuantizeLinear", {"f32[2,2]{1, 4, 2, 4}", "f32[2]{1, 2}", "i8[2]{0, 10}"}, {},
                  "i8[2,2]{1, 12, 2, 12}"),
            "");
}

TEST(Quantization, BlocksShareAScale) {
  EXPECT_EQ(wrong("DequantizeLinear", {"i8[1,5]{1, 2, 3, 4, 5}", "f32[1,3]{1, 10, 100}"},
                  {{"block_size", int64_t{2}}}, "f32[1,5]{1, 2, 30, 40, 500}"),
            "");
}

TEST(Quantization, DynamicRangeHoldsZero) {
  EXPECT_EQ(wrong("DynamicQuantizeLinear", {"f32[6]{0, 2, -3, -2.5, 1.34, 0.5}"}, {},
                  {"u8[6]{153, 255, 0, 26, 221, 179}", "f32[]{0.019607844}", "u8[]{153}"}),
            "");
  EXPECT_EQ(
      wrong("DynamicQuantizeLinear", {"f32[2]{0, 0}"}, {}, {"u8[2]{0, 0}", "f32[]{0}", "u8[]{0}"}),
      "");
}

TEST(Attention, LooksBackOnlyIfCausal) {
  const std::vector<std::string> inputs = {
      "f32[1,1,2,2]{1, 0, 0, 1}", "f32[1,1,3,2]{1, 0, 1, 1, 0, 2}", "f32[1,1,3,1]{1, 2, 4}"};
  EXPECT_EQ(wrong("Attention", inputs, {}, "f32[1,1,2,1]{1.99443954, 3.01192145}"), "");
  EXPECT_EQ(
      wrong("Attention", inputs, {{"is_causal", int64_t{1}}, {"qk_matmul_output_mode", int64_t{3}}},
            {"f32[1,1,2,1]{1, 1.66976155}", "_", "_",
             "f32[1,1,2,3]{1, 0, 0, 0.33023845, 0.66976155, 0}"}),
      "");
}

TEST(Attention, RowsWithoutAnyKeyAreZero) {
  EXPECT_EQ(
      wrong("Attention",
            {"f32[1,1,1,1]{1}", "f32[1,1,2,1]{inf, 1}", "f32[1,1,2,1]{5, 6}", "bool[1,2]{0, 0}"},
            {}, "f32[1,1,1,1]{0}"),
      "");
}

TEST(Attention, RotationPairsHalvesOrNeighbours) {
  const std::vector<std::string> inputs = {"f32[1,1,1,4]{1, 2, 3, 4}", "f32[1,1,2]{0.5, 0.25}",
                                           "f32[1,1,2]{0.1, 0.2}"};
  EXPECT_EQ(wrong("RotaryEmbedding", inputs, {}, "f32[1,1,1,4]{0.2, -0.3, 1.6, 1.4}"), "");
  EXPECT_EQ(wrong("RotaryEmbedding", inputs, {{"interleaved", int64_t{1}}},
                  "f32[1,1,1,4]{0.3, 1.1, -0.05, 1.6}"),
            "");
}

}  // namespace
}  // namespace dlc
