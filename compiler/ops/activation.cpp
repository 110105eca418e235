// Elementwise activation functions.
// Next: normalization.cpp (Softmax and other functions of whole rows).
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"

namespace dlc {
namespace {

using types::floats;

Expr expm1(const Expr& x) { return unary(UnaryOp::expm1, x); }

/// log(1 + exp(x)) without overflow.
Expr softplus(const Expr& x) {
  return maximum(x, constant(x.dtype(), 0)) + unary(UnaryOp::log1p, exp(-abs(x)));
}

Expr zero_like(const Expr& x) {
  return is_float(x.dtype()) ? constant(x.dtype(), 0) : constant_integer(x.dtype(), 0);
}

Expr gelu(const ScalarArgs& a) {
  const Expr x = a["X"];
  const std::string form = a.text("approximate");
  if (form == "tanh") {  // (1 + tanh(u)) / 2 = sigmoid(2 u)
    constexpr double sqrt_8_over_pi = 1.5957691216057308;
    return x * sigmoid(sqrt_8_over_pi * (x + 0.044715 * x * x * x));
  }
  if (form != "none") fail("approximate is '{}', but must be 'none' or 'tanh'", form);
  constexpr double sqrt_half = 0.7071067811865476;
  return 0.5 * x * (1.0 + erf(x * sqrt_half));
}

/// x * tanh(log(1 + exp(x))) with t = exp(-|x|), which does not overflow:
/// x * (1 + 2 t) / (1 + 2 t + 2 t^2) where x >= 0, x * (t^2 + 2 t) / (t^2 + 2 t + 2) elsewhere.
Expr mish(const ScalarArgs& a) {
  const Expr x = a["X"];
  const Expr negative = x < 0.0;
  const Expr t = exp(select(negative, x, -x));
  const Expr above = select(negative, t * (t + 2.0), 1.0 + 2.0 * t);
  return x * above / (above + select(negative, constant(x.dtype(), 2), 2.0 * t * t));
}

Expr elu(const ScalarArgs& a) {
  const Expr x = a["X"];
  return select(x < 0.0, a.real("alpha") * expm1(x), x);
}

Expr selu(const ScalarArgs& a) {
  const Expr x = a["X"];
  return a.real("gamma") * select(x < 0.0, a.real("alpha") * expm1(x), x);
}

Expr celu(const ScalarArgs& a) {
  const Expr x = a["X"];
  const double alpha = a.real("alpha");
  return select(x < 0.0, alpha * expm1(x / alpha), x);
}

/// Integers are shrunk in f64, where `bias` and `lambd` are exact, and cut to integers again.
Expr shrink(const ScalarArgs& a) {
  const Expr input = a["input"];
  const Expr x = is_float(input.dtype()) ? input : cast(DType::f64, input);
  const double bias = a.real("bias"), lambd = a.real("lambd");
  const Expr zero = constant(x.dtype(), 0);
  return cast(input.dtype(), select(x < -lambd, x + bias, select(x > lambd, x - bias, zero)));
}

Expr prelu(const ScalarArgs& a) {
  require_one_type(a);
  const Expr x = a["X"];
  return select(binary(BinaryOp::less, x, zero_like(x)), x * a["slope"], x);
}

Expr swiglu(const ScalarArgs& a) {
  require_one_type(a);
  return a["A"] * sigmoid(a.real("alpha") * a["A"]) * a["B"];
}

}  // namespace

const std::vector<OpDef>& activation_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Relu",
       .doc = "Y = max(X, 0); NaN stays NaN.",
       .source = "ONNX Relu-14",
       .inputs = {{"X", floats | types::signed_ints}},
       .scalar = [](const ScalarArgs& a) { return maximum(a["X"], zero_like(a["X"])); },
       .samples = {"X: f32[2,3]", "X: i8[4]", "X: f16[1]", "X: f32[0]"}},
      {.name = "LeakyRelu",
       .doc = "Y = X where X >= 0, else alpha * X.",
       .source = "ONNX LeakyRelu-16",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 0.01}},
       .scalar =
           [](const ScalarArgs& a) {
             return select(a["X"] < 0.0, a.real("alpha") * a["X"], a["X"]);
           },
       .samples = {"X: f32[2,3]", "X: f32[2,3], alpha=0.2", "X: f16[1]", "X: f32[0]"}},
      {.name = "PRelu",
       .doc = "Y = X where X >= 0, else slope * X.",
       .source = "ONNX PRelu-16",
       .inputs = {{"X", types::numbers}, {"slope", types::numbers}},
       .scalar = prelu,
       .samples = {"X: f32[2,3], slope: f32[3]", "X: i32[4], slope: i32[]",
                   "X: bf16[2,3], slope: bf16[1,1]", "X: f32[0,3], slope: f32[3]"}},
      {.name = "ThresholdedRelu",
       .doc = "Y = X where X > alpha, else 0.",
       .source = "ONNX ThresholdedRelu-22",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 1.0}},
       .scalar =
           [](const ScalarArgs& a) {
             return select(a["X"] > a.real("alpha"), a["X"], zero_like(a["X"]));
           },
       .samples = {"X: f32[2,3], alpha=0.5", "X: f16[1]", "X: f32[0]"}},
      {.name = "Elu",
       .doc = "Y = X where X >= 0, else alpha * (exp(X) - 1).",
       .source = "ONNX Elu-22",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 1.0}},
       .scalar = elu,
       .samples = {"X: f32[2,3]", "X: f32[2,3], alpha=2.0", "X: f16[1]", "X: f32[0]"}},
      {.name = "Selu",
       .doc = "Y = gamma * X where X >= 0, else gamma * alpha * (exp(X) - 1).",
       .source = "ONNX Selu-22",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 1.6732631921768188}, {"gamma", 1.0507010221481323}},
       .scalar = selu,
       .samples = {"X: f32[2,3]", "X: f32[4], alpha=2.0, gamma=3.0", "X: f16[1]", "X: f32[0]"}},
      {.name = "Celu",
       .doc = "Y = X where X >= 0, else alpha * (exp(X / alpha) - 1).",
       .source = "ONNX Celu-28",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 1.0}},
       .scalar = celu,
       .samples = {"X: f32[2,3]", "X: f32[2,3], alpha=2.0", "X: bf16[1]", "X: f32[0]"}},
      {.name = "Gelu",
       .doc = "Y = X * P(N <= X) for a standard normal N, exactly or (approximate=\"tanh\") by 0.5 "
              "* X * (1 + tanh(sqrt(2 / pi) * (X + 0.044715 * X^3))).",
       .source = "ONNX Gelu-20",
       .inputs = {{"X", floats}},
       .attrs = {{"approximate", "none"}},
       .scalar = gelu,
       .samples = {"X: f32[2,3]", "X: f32[2,3], approximate=\"tanh\"", "X: f16[1]", "X: f32[0]"}},
      {.name = "HardSigmoid",
       .doc = "Y = clamp(alpha * X + beta, 0, 1).",
       .source = "ONNX HardSigmoid-22",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 0.2}, {"beta", 0.5}},
       .scalar =
           [](const ScalarArgs& a) {
             return clamp(a.real("alpha") * a["X"] + a.real("beta"), 0.0, 1.0);
           },
       .samples = {"X: f32[2,3]", "X: f32[4], alpha=0.5, beta=0.6", "X: f16[1]", "X: f32[0]"}},
      {.name = "HardSwish",
       .doc = "Y = X * clamp(X / 6 + 1/2, 0, 1).",
       .source = "ONNX HardSwish-22",
       .inputs = {{"X", floats}},
       .scalar =
           [](const ScalarArgs& a) { return a["X"] * clamp(a["X"] * (1.0 / 6) + 0.5, 0.0, 1.0); },
       .samples = {"X: f32[7]", "X: bf16[2,3]", "X: f32[1]", "X: f32[0]"}},
      {.name = "Mish",
       .doc = "Y = X * tanh(log(1 + exp(X))).",
       .source = "ONNX Mish-22",
       .inputs = {{"X", floats}},
       .scalar = mish,
       .samples = {"X: f32[2,3]", "X: f16[1]", "X: f32[0]"}},
      {.name = "Swish",
       .doc = "Y = X / (1 + exp(-alpha * X)).",
       .source = "ONNX Swish-24",
       .inputs = {{"X", floats}},
       .attrs = {{"alpha", 1.0}},
       .scalar = [](const ScalarArgs& a) { return a["X"] * sigmoid(a.real("alpha") * a["X"]); },
       .samples = {"X: f32[2,3]", "X: f32[2,3], alpha=1.7", "X: f16[1]", "X: f32[0]"}},
      {.name = "SwiGLU",
       .doc = "Y = A / (1 + exp(-alpha * A)) * B.",
       .source = "ONNX SwiGLU-28",
       .inputs = {{"A", floats}, {"B", floats}},
       .attrs = {{"alpha", 1.0}},
       .scalar = swiglu,
       .samples = {"A: f32[2,3], B: f32[2,3]", "A: f16[1], B: f16[1], alpha=1.7",
                   "A: f32[0], B: f32[0]"}},
      {.name = "Softplus",
       .doc = "Y = log(1 + exp(X)).",
       .source = "ONNX Softplus-22",
       .inputs = {{"X", floats}},
       .scalar = [](const ScalarArgs& a) { return softplus(a["X"]); },
       .samples = {"X: f32[2,3]", "X: f16[1]", "X: f32[0]"}},
      {.name = "Softsign",
       .doc = "The input divided by 1 + |input|.",
       .source = "ONNX Softsign-22",
       .inputs = {{"input", floats}},
       .scalar = [](const ScalarArgs& a) { return a["input"] / (1.0 + abs(a["input"])); },
       .samples = {"input: f32[2,3]", "input: f16[1]", "input: f32[0]"}},
      {.name = "Sigmoid",
       .doc = "Y = 1 / (1 + exp(-X)).",
       .source = "ONNX Sigmoid-13",
       .inputs = {{"X", floats}},
       .scalar = [](const ScalarArgs& a) { return sigmoid(a["X"]); },
       .samples = {"X: f32[2,3]", "X: f64[4]", "X: f16[1]", "X: f32[0]"}},
      {.name = "Shrink",
       .doc = "input + bias below -lambd, input - bias above lambd, 0 between.",
       .source = "ONNX Shrink-9",
       .inputs = {{"input", types::numbers}},
       .attrs = {{"bias", 0.0}, {"lambd", 0.5}},
       .scalar = shrink,
       .samples = {"input: f32[2,3]", "input: i32[5], bias=1.5, lambd=1.5", "input: f16[1]",
                   "input: f32[0]"}},
  };
  return rows;
}

}  // namespace dlc
