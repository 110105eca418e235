// Elementwise arithmetic: Add to Pow, rounding, Min, Max, Sum, Mean, Clip.
// Next: math.cpp (exp, sin, ...), activation.cpp, logic.cpp.
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"

namespace dlc {
namespace {

using types::floats;
using types::numbers;
using types::signed_ints;

/// fmod=0: Python's %, with the sign of the divisor; fmod=1: C's, with the sign of the dividend.
Expr mod(const ScalarArgs& a) {
  require_one_type(a);
  const BinaryOp op = a.integer("fmod") != 0 ? BinaryOp::truncated_mod : BinaryOp::floor_mod;
  return binary(op, a["A"], a["B"]);
}

/// The types may differ; the result has the base's. Mixed ones meet in a type that holds both.
Expr power(const ScalarArgs& a) {
  const Expr x = a["X"], y = a["Y"];
  const bool integers = is_integer(x.dtype()) && is_integer(y.dtype());
  const bool single = x.dtype() == DType::f32 && y.dtype() != DType::f64;
  const DType common = integers ? DType::i64 : single ? DType::f32 : DType::f64;
  return cast(a.dtype("X"), pow(cast(common, x), cast(common, y)));
}

Expr mean(const ScalarArgs& a) {
  return apply_chain<BinaryOp::add>(a) / static_cast<double>(a.input_count());
}

/// min(max(x, low), high), so that high wins where low > high.
Expr clip(const ScalarArgs& a) {
  require_one_type(a);
  Expr result = a["input"];
  if (a.has("min")) result = maximum(result, a["min"]);
  if (a.has("max")) result = minimum(result, a["max"]);
  return result;
}

}  // namespace

const std::vector<OpDef>& arithmetic_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Add",
       .doc = "C = A + B. Integers wrap around.",
       .source = "ONNX Add-14",
       .inputs = {{"A", numbers}, {"B", numbers}},
       .scalar = apply_binary<BinaryOp::add>,
       .samples = {"A: f32[2,3], B: f32[3]", "A: i8[4], B: i8[]", "A: bf16[2,1], B: bf16[1,3]",
                   "A: f32[0,3], B: f32[1,3]"}},
      {.name = "Sub",
       .doc = "C = A - B. Integers wrap around.",
       .source = "ONNX Sub-14",
       .inputs = {{"A", numbers}, {"B", numbers}},
       .scalar = apply_binary<BinaryOp::subtract>,
       .samples = {"A: f32[2,3], B: f32[3]", "A: u8[4], B: u8[]", "A: f16[2,1], B: f16[1,3]",
                   "A: f32[0], B: f32[1]"}},
      {.name = "Mul",
       .doc = "C = A * B. Integers wrap around.",
       .source = "ONNX Mul-14",
       .inputs = {{"A", numbers}, {"B", numbers}},
       .scalar = apply_binary<BinaryOp::multiply>,
       .samples = {"A: f32[2,3], B: f32[3]", "A: i16[4], B: i16[1]", "A: f16[2,1], B: f16[1,3]",
                   "A: f64[0], B: f64[1]"}},
      {.name = "Div",
       .doc = "C = A / B. Integers are divided towards zero, and x / 0 is 0 for them.",
       .source = "ONNX Div-14",
       .inputs = {{"A", numbers}, {"B", numbers}},
       .scalar = apply_binary<BinaryOp::divide>,
       .samples = {"A: f32[2,3], B: f32[3]", "A: i32[4], B: i32[4]", "A: u8[4], B: u8[]",
                   "A: bf16[2,1], B: bf16[1,3]", "A: f32[0], B: f32[]"}},
      {.name = "Mod",
       .doc = "C = A - q * B with q = A / B rounded down (fmod=0) or towards zero (fmod=1).",
       .source = "ONNX Mod-28",
       .inputs = {{"A", numbers}, {"B", numbers}},
       .attrs = {{"fmod", 0}},
       .scalar = mod,
       .samples = {"A: f32[2,3], B: f32[3], fmod=1", "A: i32[6], B: i32[6]", "A: u8[4], B: u8[]",
                   "A: f16[5], B: f16[5]", "A: i64[0], B: i64[]"}},
      {.name = "Pow",
       .doc = "Z = X to the power of Y, in the type of X.",
       .source = "ONNX Pow-15",
       .inputs = {{"X", floats | types::indices}, {"Y", numbers}},
       .scalar = power,
       .samples = {"X: f32[2,3], Y: f32[3]", "X: f32[4], Y: i64[]", "X: i32[4], Y: f32[4]",
                   "X: f16[3], Y: f32[]", "X: f32[3], Y: f16[]", "X: f32[0], Y: f32[]"}},
      {.name = "Neg",
       .doc = "Y = -X.",
       .source = "ONNX Neg-13",
       .inputs = {{"X", floats | signed_ints}},
       .scalar = apply_unary<UnaryOp::negate>,
       .samples = {"X: f32[2,3]", "X: i8[4]", "X: f16[1]", "X: f32[0]"}},
      {.name = "Abs",
       .doc = "Y = |X|; the lowest integer stays itself.",
       .source = "ONNX Abs-13",
       .inputs = {{"X", numbers}},
       .scalar = apply_unary<UnaryOp::abs>,
       .samples = {"X: f32[2,3]", "X: i8[4]", "X: u16[3]", "X: bf16[1]", "X: f32[0]"}},
      {.name = "Sign",
       .doc = "-1, 0 or 1 by the sign of the input; 0 for -0, NaN for NaN.",
       .source = "ONNX Sign-13",
       .inputs = {{"input", numbers}},
       .scalar = apply_unary<UnaryOp::sign>,
       .samples = {"input: f32[2,3]", "input: i8[4]", "input: u8[4]", "input: f16[1]",
                   "input: f32[0]"}},
      {.name = "Floor",
       .doc = "The greatest integer that is not above X.",
       .source = "ONNX Floor-13",
       .inputs = {{"X", floats}},
       .scalar = apply_unary<UnaryOp::floor>,
       .samples = {"X: f32[2,3]", "X: f16[1]", "X: f64[0]"}},
      {.name = "Ceil",
       .doc = "The least integer that is not below X.",
       .source = "ONNX Ceil-13",
       .inputs = {{"X", floats}},
       .scalar = apply_unary<UnaryOp::ceil>,
       .samples = {"X: f32[2,3]", "X: f16[1]", "X: f64[0]"}},
      {.name = "Round",
       .doc = "The nearest integer, halves to the even one.",
       .source = "ONNX Round-22",
       .inputs = {{"X", floats}},
       .scalar = apply_unary<UnaryOp::round>,
       .samples = {"X: f32[2,3]", "X: f16[1]", "X: f64[0]"}},
      {.name = "Reciprocal",
       .doc = "Y = 1 / X.",
       .source = "ONNX Reciprocal-13",
       .inputs = {{"X", floats}},
       .scalar = [](const ScalarArgs& a) { return 1.0 / a["X"]; },
       .samples = {"X: f32[2,3]", "X: bf16[1]", "X: f64[0]"}},
      {.name = "Min",
       .doc = "The least of the inputs; NaN if one is.",
       .source = "ONNX Min-13",
       .inputs = {{"data_0", numbers, Presence::variadic}},
       .scalar = apply_chain<BinaryOp::minimum>,
       .samples = {"data_0: f32[2,3], f32[3], f32[]", "data_0: i32[4]", "data_0: f16[2], f16[2]",
                   "data_0: f32[0], f32[1]"}},
      {.name = "Max",
       .doc = "The greatest of the inputs; NaN if one is.",
       .source = "ONNX Max-13",
       .inputs = {{"data_0", numbers, Presence::variadic}},
       .scalar = apply_chain<BinaryOp::maximum>,
       .samples = {"data_0: f32[2,3], f32[3], f32[]", "data_0: u8[4]", "data_0: f16[2], f16[2]",
                   "data_0: f32[0], f32[1]"}},
      {.name = "Sum",
       .doc = "The sum of the inputs, rounded once.",
       .source = "ONNX Sum-13",
       .inputs = {{"data_0", floats, Presence::variadic}},
       .scalar = apply_chain<BinaryOp::add>,
       .samples = {"data_0: f32[2,3], f32[3], f32[]", "data_0: f64[4]", "data_0: f16[2], f16[2]",
                   "data_0: f32[0], f32[1]"}},
      {.name = "Mean",
       .doc = "The mean of the inputs, rounded once.",
       .source = "ONNX Mean-13",
       .inputs = {{"data_0", floats, Presence::variadic}},
       .scalar = mean,
       .samples = {"data_0: f32[2,3], f32[3], f32[]", "data_0: f64[4]", "data_0: f16[2], f16[2]",
                   "data_0: f32[0], f32[1]"}},
      {.name = "Clip",
       .doc = "min(max(input, min), max), each bound if given.",
       .source = "ONNX Clip-13",
       .inputs = {{"input", numbers},
                  {"min", numbers, Presence::optional},
                  {"max", numbers, Presence::optional}},
       .scalar = clip,
       .samples = {"input: f32[2,3], min: f32[], max: f32[]", "input: i8[4], max: i8[]",
                   "input: f16[3], min: f16[]", "input: f32[1]", "input: f32[0], min: f32[]"}},
  };
  return rows;
}

}  // namespace dlc
