// Elementwise functions of one real number: roots, exponentials, trigonometry.
// Next: activation.cpp.
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"

namespace dlc {
namespace {

/// A row of one input: all of them have the same types and samples.
OpDef row(std::string_view name, std::string_view doc, std::string_view source,
          std::string_view input, ScalarFunction scalar) {
  OpDef def = {.name = name,
               .doc = doc,
               .source = source,
               .inputs = {{input, types::floats}},
               .scalar = scalar};
  if (input == "X") {
    def.samples = {"X: f32[2,3]", "X: f64[4]", "X: f16[3]", "X: bf16[1]", "X: f32[0]"};
    return def;
  }
  def.samples = {"input: f32[2,3]", "input: f64[4]", "input: f16[3]", "input: bf16[1]",
                 "input: f32[0]"};
  return def;
}

}  // namespace

const std::vector<OpDef>& math_ops() {
  using enum UnaryOp;
  static const std::vector<OpDef> rows = {
      row("Sqrt", "The square root; NaN below 0.", "ONNX Sqrt-13", "X", apply_unary<sqrt>),
      row("Exp", "e to the power of the input.", "ONNX Exp-13", "input", apply_unary<exp>),
      row("Log", "The natural logarithm; NaN below 0.", "ONNX Log-13", "input", apply_unary<log>),
      row("Erf", "The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to the input.",
          "ONNX Erf-13", "input", apply_unary<erf>),
      row("Sin", "The sine of an angle in radians.", "ONNX Sin-22", "input", apply_unary<sin>),
      row("Cos", "The cosine of an angle in radians.", "ONNX Cos-22", "input", apply_unary<cos>),
      row("Tan", "The tangent of an angle in radians.", "ONNX Tan-22", "input", apply_unary<tan>),
      row("Asin", "The angle in [-pi/2, pi/2] with that sine; NaN outside [-1, 1].", "ONNX Asin-22",
          "input", apply_unary<asin>),
      row("Acos", "The angle in [0, pi] with that cosine; NaN outside [-1, 1].", "ONNX Acos-22",
          "input", apply_unary<acos>),
      row("Atan", "The angle in [-pi/2, pi/2] with that tangent.", "ONNX Atan-22", "input",
          apply_unary<atan>),
      row("Sinh", "The hyperbolic sine.", "ONNX Sinh-22", "input", apply_unary<sinh>),
      row("Cosh", "The hyperbolic cosine.", "ONNX Cosh-22", "input", apply_unary<cosh>),
      row("Tanh", "The hyperbolic tangent.", "ONNX Tanh-13", "input", apply_unary<tanh>),
      row("Asinh", "The inverse of Sinh.", "ONNX Asinh-22", "input", apply_unary<asinh>),
      row("Acosh", "The inverse of Cosh, not negative; NaN below 1.", "ONNX Acosh-22", "input",
          apply_unary<acosh>),
      row("Atanh", "The inverse of Tanh; NaN outside [-1, 1].", "ONNX Atanh-22", "input",
          apply_unary<atanh>),
  };
  return rows;
}

}  // namespace dlc
