// Rows of ai.onnx.preview.training: Adagrad, Adam, Momentum. One step of an optimizer for any
// number of tensors: the inputs are rate, step, all tensors, all gradients, then their states.
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

constexpr DTypes reals = one(DType::f32) | one(DType::f64);

/// The k-th of each group of inputs behind rate and step.
class Groups {
 public:
  Groups(const OpArgs& args, Builder& build, std::span<const Value> inputs, size_t parts)
      : build_(build), inputs_(inputs), count_((args.input_count() - 2) / parts) {
    if (args.input_count() < 2 + parts || (args.input_count() - 2) % parts != 0)
      fail("{} inputs are not rate, step and {} for each tensor", args.input_count(), parts);
  }
  size_t count() const { return count_; }
  Term rate() const { return {build_, inputs_[0]}; }
  Term step() const { return {build_, inputs_[1]}; }
  Term get(size_t part, size_t k) const { return {build_, inputs_[2 + part * count_ + k]}; }

 private:
  Builder& build_;
  std::span<const Value> inputs_;
  size_t count_;
};

Term number(const Term& like, double value) {
  return {like.build(), like.build().scalar(like.dtype(), value)};
}
Term power(double base, const Term& exponent) {
  return apply("Pow", number(exponent, base), exponent);
}
/// `first` in the first step (0), `later` after it.
Term after_first(const Term& step, const Term& later, const Term& first) {
  const Value zero = step.build().constant(Tensor::scalar(step.dtype(), 0));
  return select(apply("Greater", step, zero), later, first);
}

/// All results of one kind, then those of the next: the order of the outputs.
std::vector<Value> by_kind(const std::vector<std::vector<Value>>& of_tensors, size_t kinds) {
  std::vector<Value> all;
  for (size_t kind = 0; kind < kinds; ++kind)
    for (const auto& results : of_tensors) all.push_back(results[kind]);
  return all;
}

/// r' = r / (1 + t decay), g' = g + c x, h' = h + g'^2, x' = x - r' g' / (sqrt(h') + eps)
std::vector<Value> expand_adagrad(const OpArgs& args, Builder& build,
                                  std::span<const Value> inputs) {
  const Groups groups(args, build, inputs, 3);
  std::vector<std::vector<Value>> results;
  for (size_t k = 0; k < groups.count(); ++k) {
    const Term x = groups.get(0, k);
    const Term t = cast(x.dtype(), groups.step());
    const Term rate = cast(x.dtype(), groups.rate()) / (t * args.real("decay_factor") + 1.0);
    const Term g = groups.get(1, k) + x * args.real("norm_coefficient");
    const Term h = groups.get(2, k) + square(g);
    results.push_back({x - rate * g / (sqrt(h) + args.real("epsilon")), h});
  }
  return by_kind(results, 2);
}

/// v' = a v + (1 - a) g', h' = b h + (1 - b) g'^2, x' = x - r' v' / (sqrt(h') + eps), with r' = r
/// sqrt(1 - b^t) / (1 - a^t) after the first step
std::vector<Value> expand_adam(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  const Groups groups(args, build, inputs, 4);
  const double alpha = args.real("alpha"), beta = args.real("beta");
  std::vector<std::vector<Value>> results;
  for (size_t k = 0; k < groups.count(); ++k) {
    const Term x = groups.get(0, k);
    const Term t = cast(x.dtype(), groups.step()), rate = cast(x.dtype(), groups.rate());
    const Term g = groups.get(1, k) + x * args.real("norm_coefficient");
    const Term v = groups.get(2, k) * alpha + g * (1 - alpha);
    const Term h = groups.get(3, k) * beta + square(g) * (1 - beta);
    const Term one = number(t, 1);
    const Term corrected = rate * sqrt(one - power(beta, t)) / (one - power(alpha, t));
    const Term adjusted = after_first(groups.step(), corrected, rate);
    const Term next = x - adjusted * (v / (sqrt(h) + args.real("epsilon")));
    results.push_back({next * (1 - args.real("norm_coefficient_post")), v, h});
  }
  return by_kind(results, 3);
}

/// v' = a v + b' g', with b' = b after the first step; x' = x - r v', or (Nesterov) r (g' + a v')
std::vector<Value> expand_momentum(const OpArgs& args, Builder& build,
                                   std::span<const Value> inputs) {
  const Groups groups(args, build, inputs, 3);
  const std::string mode = args.text("mode");
  if (mode != "standard" && mode != "nesterov") fail("mode '{}' is not known", mode);
  const double alpha = args.real("alpha");
  std::vector<std::vector<Value>> results;
  for (size_t k = 0; k < groups.count(); ++k) {
    const Term x = groups.get(0, k), rate = cast(x.dtype(), groups.rate());
    const Term g = groups.get(1, k) + x * args.real("norm_coefficient");
    const Term share = after_first(groups.step(), number(x, args.real("beta")), number(x, 1));
    const Term v = groups.get(2, k) * alpha + share * g;
    results.push_back({x - rate * (mode == "standard" ? v : g + v * alpha), v});
  }
  return by_kind(results, 2);
}

std::vector<InputSpec> step_inputs() {
  return {{"R", reals}, {"T", one(DType::i64)}, {"inputs", reals, Presence::variadic}};
}

}  // namespace

const std::vector<OpDef>& optimizer_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ai.onnx.preview.training.Adagrad",
       .doc = "One step of Adagrad, with the rate R / (1 + T * decay_factor) and norm_coefficient "
              "times the tensor added to its gradient.",
       .source = "ONNX ai.onnx.preview.training.Adagrad-1",
       .inputs = step_inputs(),
       .outputs = {"outputs"},
       .attrs = {{"decay_factor", 0.0}, {"epsilon", 1e-6}, {"norm_coefficient", 0.0}},
       .expand = expand_adagrad,
       .samples = {"R: f32[], T: i64[], inputs: f32[2,3], f32[2,3], f32[2,3]{1, 2, 3, 4, 5, 6}",
                   "R: f64[], T: i64[]{0}, inputs: f64[1], f64[1], f64[1]{1}, decay_factor=0.1"}},
      {.name = "ai.onnx.preview.training.Adam",
       .doc = "One step of Adam: running means of the gradient and its square, with their bias "
              "corrected after the first step.",
       .source = "ONNX ai.onnx.preview.training.Adam-1; Kingma and Ba, arXiv 1412.6980",
       .inputs = step_inputs(),
       .outputs = {"outputs"},
       .attrs = {{"alpha", 0.9},
                 {"beta", 0.999},
                 {"epsilon", 1e-6},
                 {"norm_coefficient", 0.0},
                 {"norm_coefficient_post", 0.0}},
       .expand = expand_adam,
       .samples = {"R: f32[], T: i64[]{3}, inputs: f32[2], f32[2], f32[2], f32[2]{1, 2}",
                   "R: f64[], T: i64[]{0}, inputs: f64[1], f64[1], f64[1], f64[1]{1}"}},
      {.name = "ai.onnx.preview.training.Momentum",
       .doc = "One step along the running sum of gradients.",
       .source = "ONNX ai.onnx.preview.training.Momentum-1",
       .inputs = step_inputs(),
       .outputs = {"outputs"},
       .attrs = {{"alpha", required_attr},
                 {"beta", required_attr},
                 {"mode", required_attr},
                 {"norm_coefficient", required_attr}},
       .expand = expand_momentum,
       .samples = {"R: f32[], T: i64[]{0}, inputs: f32[2], f32[2], f32[2], alpha=0.9, beta=0.1, "
                   "mode=\"standard\", norm_coefficient=0.01",
                   "R: f64[], T: i64[]{2}, inputs: f64[1], f64[1], f64[1], alpha=0.9, beta=0.1, "
                   "mode=\"nesterov\", norm_coefficient=0.0"}},
  };
  return rows;
}

}  // namespace dlc
