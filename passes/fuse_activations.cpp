// fuse-activations: activation functions from their pieces, which their own rows compute with less
// work, and division by a number as multiplication.
#include <cmath>

#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

std::optional<double> number(const Match& m, std::string_view name) {
  const Tensor* constant = m.constant(name);
  if (!constant || constant->size() != 1 || !is_float(constant->dtype())) return std::nullopt;
  return constant->to_reals()[0];
}

/// How far the numbers in the pieces may be from what they stand for.
constexpr double most_off = 1e-3;

bool is_about(const Match& m, std::string_view name, double wanted) {
  const std::optional<double> value = number(m, name);
  return value && std::abs(*value / wanted - 1) < most_off;
}

/// A reciprocal that is neither infinite nor rounded to fewer digits.
bool has_reciprocal(const Match& m) {
  const std::optional<double> value = number(m, "c");
  const DType type = m.type().dtype;
  const bool wide = type == DType::f32 || type == DType::f64;
  return wide && value && std::abs(*value) > 1e-30 && std::abs(*value) < 1e30 &&
         m.shape("x") == m.type().shape;
}

const Condition scale_is_root_of_half = {
    "the factor is 1 / sqrt(2)", [](const Match& m) { return is_about(m, "s", std::sqrt(0.5)); }};
const Condition scale_is_root_of_two_over_pi = {"the factor is sqrt(2 / pi)", [](const Match& m) {
                                                  return is_about(m, "s", 0.7978845608028654);
                                                }};
const Condition cubic_term = {"the cube's factor is 0.044715",
                              [](const Match& m) { return is_about(m, "c", 0.044715); }};

/// 0.5 * x * (1 + erf(x / sqrt(2))) and the approximation by tanh, the product in any order.
std::vector<Rewrite> gelu_rows() {
  const std::vector<Condition> exact = {scale_is_root_of_half};
  const std::vector<Condition> approximate = {scale_is_root_of_two_over_pi, cubic_term};
  return {
      {.name = "gelu-halved-last",
       .match = "Mul(Mul(%x, Add(Erf(Mul(%x, %s)), 1)), 0.5)",
       .where = exact,
       .replace = "Gelu(%x)"},
      {.name = "gelu-of-half",
       .match = "Mul(Mul(%x, 0.5), Add(Erf(Mul(%x, %s)), 1))",
       .where = exact,
       .replace = "Gelu(%x)"},
      {.name = "gelu-halved-first",
       .match = "Mul(%x, Mul(Add(Erf(Mul(%x, %s)), 1), 0.5))",
       .where = exact,
       .replace = "Gelu(%x)"},
      {.name = "tanh-gelu-halved-last",
       .match = "Mul(Mul(%x, Add(Tanh(Mul(Add(%x, Mul(Pow(%x, 3), %c)), %s)), 1)), 0.5)",
       .where = approximate,
       .replace = "Gelu(%x, approximate=\"tanh\")"},
      {.name = "tanh-gelu-of-half",
       .match = "Mul(Mul(%x, 0.5), Add(Tanh(Mul(Add(%x, Mul(Pow(%x, 3), %c)), %s)), 1))",
       .where = approximate,
       .replace = "Gelu(%x, approximate=\"tanh\")"},
      {.name = "tanh-gelu-halved-first",
       .match = "Mul(%x, Mul(Add(Tanh(Mul(Add(%x, Mul(Pow(%x, 3), %c)), %s)), 1), 0.5))",
       .where = approximate,
       .replace = "Gelu(%x, approximate=\"tanh\")"},
  };
}

void run(Graph& graph, PassContext& context) {
  std::vector<Rewrite> rows = {
      {.name = "div-by-number",
       .match = "Div(%x, %c)",
       .where = {{"the divisor is a number with a reciprocal", has_reciprocal}},
       .build =
           [](const Match& m) {
             const Value factor = m.build().scalar(m.type().dtype, 1 / *number(m, "c"));
             return m.build()("Mul", {m.value("x"), factor});
           }},
      {.name = "mish", .match = "Mul(%x, Tanh(Softplus(%x)))", .replace = "Mish(%x)"},
      {.name = "hard-swish",
       .match = "Mul(%x, HardSigmoid(%x, alpha=$alpha, beta=0.5))",
       .where = {{"alpha is 1 / 6",
                  [](const Match& m) { return std::abs(m.real("alpha") * 6 - 1) < 1e-5; }}},
       .replace = "HardSwish(%x)"},
  };
  const std::vector<Rewrite> gelu = gelu_rows();
  rows.insert(rows.end(), gelu.begin(), gelu.end());
  apply_rewrites(graph, rows, context);
}

}  // namespace

constinit const Pass fuse_activations = {
    .name = "fuse-activations",
    .purpose = "recognize activation functions that are spelled out",
    .keeps = Keeps::within_tolerance,
    .tolerance = most_off,
    .run = run};

}  // namespace dlc
