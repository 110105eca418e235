// Elementwise logic, comparisons, bit operations and choices.
// Next: cast.cpp.
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"

namespace dlc {
namespace {

using types::boolean;
using types::floats;
using types::ints;
using types::numbers;
constexpr DTypes number_or_bool = numbers | boolean;

/// Infinities of the wanted signs. Neither sign: never.
Expr is_inf(const ScalarArgs& a) {
  const Expr x = a["X"];
  const bool positive = a.integer("detect_positive") != 0;
  const bool negative = a.integer("detect_negative") != 0;
  const Expr infinite = unary(UnaryOp::is_inf, x);
  if (positive && negative) return infinite;
  if (positive) return infinite && x > 0.0;
  if (negative) return infinite && x < 0.0;
  return constant_integer(DType::boolean, 0);
}

/// Arithmetic shifts. An amount that is negative or not below the width shifts everything out,
/// which leaves -1 for a negative x to the right and 0 else.
Expr bit_shift(const ScalarArgs& a) {
  require_one_type(a);
  const Expr x = a["X"], y = a["Y"];
  const std::string direction = a.text("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    fail("direction is '{}', but must be 'LEFT' or 'RIGHT'", direction);
  const Expr zero = constant_integer(x.dtype(), 0);
  const Expr last = constant_integer(x.dtype(), bits(x.dtype()) - 1);
  Expr inside = y <= last;
  if (is_signed(x.dtype())) inside = inside && zero <= y;
  const Expr amount = select(inside, y, zero);
  if (direction == "LEFT") return select(inside, binary(BinaryOp::shift_left, x, amount), zero);
  const Expr all_out =
      is_signed(x.dtype()) ? select(x < zero, constant_integer(x.dtype(), -1), zero) : zero;
  return select(inside, binary(BinaryOp::shift_right, x, amount), all_out);
}

Expr where(const ScalarArgs& a) {
  require_one_type(a, 1);
  return select(a["condition"], a["X"], a["Y"]);
}

OpDef comparison(std::string_view name, std::string_view doc, std::string_view source,
                 ScalarFunction scalar, DTypes inputs) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"A", inputs}, {"B", inputs}},
          .scalar = scalar,
          .samples = {"A: f32[2,3], B: f32[3]", "A: i64[4], B: i64[]", "A: u64[4], B: u64[4]",
                      "A: f16[2,1], B: f16[1,3]", "A: f32[0], B: f32[1]"}};
}

OpDef logical(std::string_view name, std::string_view doc, std::string_view source,
              ScalarFunction scalar) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"A", boolean}, {"B", boolean}},
          .scalar = scalar,
          .samples = {"A: bool[2,3], B: bool[3]", "A: bool[4], B: bool[]", "A: bool[1], B: bool[1]",
                      "A: bool[0], B: bool[1]"}};
}

OpDef bitwise(std::string_view name, std::string_view doc, std::string_view source,
              ScalarFunction scalar) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"A", ints}, {"B", ints}},
          .scalar = scalar,
          .samples = {"A: i32[2,3], B: i32[3]", "A: u8[4], B: u8[]", "A: i64[1], B: i64[1]",
                      "A: u64[0], B: u64[1]"}};
}

}  // namespace

const std::vector<OpDef>& logic_ops() {
  using enum BinaryOp;
  static const std::vector<OpDef> rows = {
      logical("And", "Both are true.", "ONNX And-7", apply_binary<logical_and>),
      logical("Or", "At least one is true.", "ONNX Or-7", apply_binary<logical_or>),
      logical("Xor", "Exactly one is true.", "ONNX Xor-7", apply_binary<logical_xor>),
      {.name = "Not",
       .doc = "True where X is false.",
       .source = "ONNX Not-1",
       .inputs = {{"X", boolean}},
       .scalar = apply_unary<UnaryOp::logical_not>,
       .samples = {"X: bool[2,3]", "X: bool[]", "X: bool[0]"}},
      {.name = "Equal",
       .doc = "A = B; NaN equals nothing.",
       .source = "ONNX Equal-19",
       .inputs = {{"A", number_or_bool | types::strings}, {"B", number_or_bool | types::strings}},
       .scalar = apply_binary<equal>,
       .on_strings = "dlc.EqualStrings",
       .samples = {"A: f32[2,3], B: f32[3]", "A: i64[4], B: i64[]", "A: bool[4], B: bool[1]",
                   "A: f16[2,1], B: f16[1,3]", "A: str[2,3], B: str[3]", "A: f32[0], B: f32[1]"}},
      comparison("Less", "A < B.", "ONNX Less-13", apply_binary<less>, numbers),
      comparison("LessOrEqual", "A <= B.", "ONNX LessOrEqual-16", apply_binary<less_equal>,
                 numbers),
      comparison("Greater", "A > B.", "ONNX Greater-13", apply_binary<greater>, numbers),
      comparison("GreaterOrEqual", "A >= B.", "ONNX GreaterOrEqual-16", apply_binary<greater_equal>,
                 numbers),
      {.name = "Where",
       .doc = "X where the condition holds, else Y.",
       .source = "ONNX Where-16",
       .inputs = {{"condition", boolean}, {"X"}, {"Y"}},
       .scalar = where,
       .samples = {"condition: bool[2,3], X: f32[3], Y: f32[]",
                   "condition: bool[2,1], X: bool[1,3], Y: bool[1,3]",
                   "condition: bool[], X: f16[3], Y: f16[3]",
                   "condition: bool[2], X: str[2], Y: str[]",
                   "condition: bool[0], X: i64[1], Y: i64[1]"}},
      {.name = "IsNaN",
       .doc = "True where X is not a number.",
       .source = "ONNX IsNaN-20",
       .inputs = {{"X", floats | types::small_floats}},
       .scalar = apply_unary<UnaryOp::is_nan>,
       .samples = {"X: f32[2,3]", "X: f64[4]", "X: f16[1]", "X: f32[0]"}},
      {.name = "IsInf",
       .doc = "True where X is infinite, with a sign that is to be detected.",
       .source = "ONNX IsInf-20",
       .inputs = {{"X", floats | types::small_floats}},
       .attrs = {{"detect_negative", 1}, {"detect_positive", 1}},
       .scalar = is_inf,
       .samples = {"X: f32[2,3]", "X: f64[4], detect_negative=0", "X: f32[4], detect_positive=0",
                   "X: f16[1]", "X: f32[0]"}},
      bitwise("BitwiseAnd", "The bits that both have.", "ONNX BitwiseAnd-18",
              apply_binary<bit_and>),
      bitwise("BitwiseOr", "The bits that at least one has.", "ONNX BitwiseOr-18",
              apply_binary<bit_or>),
      bitwise("BitwiseXor", "The bits that exactly one has.", "ONNX BitwiseXor-18",
              apply_binary<bit_xor>),
      {.name = "BitwiseNot",
       .doc = "The bits that X does not have.",
       .source = "ONNX BitwiseNot-18",
       .inputs = {{"X", ints}},
       .scalar = apply_unary<UnaryOp::bit_not>,
       .samples = {"X: i32[2,3]", "X: u8[4]", "X: i64[1]", "X: u16[0]"}},
      {.name = "BitShift",
       .doc = "X * 2^Y (LEFT) or floor(X / 2^Y) (RIGHT) on the bits of X; all bits are shifted out "
              "where Y is negative or not below the width.",
       .source = "ONNX BitShift-28",
       .inputs = {{"X", ints}, {"Y", ints}},
       .attrs = {{"direction", required_attr}},
       .scalar = bit_shift,
       .samples = {"X: u8[2,3], Y: u8[3], direction=\"LEFT\"",
                   "X: i32[4], Y: i32[4], direction=\"RIGHT\"",
                   "X: i64[1], Y: i64[], direction=\"LEFT\"",
                   "X: u64[0], Y: u64[1], direction=\"RIGHT\""}},
  };
  return rows;
}

}  // namespace dlc
