// Losses: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
// Next: matmul.cpp.
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;

/// The loss of single targets and their weights: what the reductions add up.
class Targets {
 public:
  explicit Targets(const ComputeArgs& a)
      : a_(a), input_(a["input"]), target_(a["target"]), classes_(input_.shape().at(1)) {
    if (input_.shape().size() != target_.shape().size() + 1)
      fail("the target must have the input's shape without the classes, axis 1");
    Dims expected = input_.shape();
    expected.erase(expected.begin() + 1);
    a.expect_shape("target", expected);
    if (a.has("weight")) a.expect_shape("weight", {classes_});
  }

  const Dims& shape() const { return target_.shape(); }
  DType type() const { return arithmetic_type(input_.dtype()); }

  /// 0 where the target is to be ignored.
  Expr weight(const Indices& at) const {
    const Expr target = target_(at);
    const Expr one = constant(type(), 1);
    const Expr value = a_.has("weight") ? cast(type(), weight_of(target)) : one;
    if (!a_.has_attr("ignore_index")) return value;
    const Expr ignored = constant_integer(target.dtype(), a_.integer("ignore_index"));
    return select(equal(target, ignored), constant(type(), 0), value);
  }

  Expr loss(const Indices& at) const {
    Indices place = at;
    place.insert(place.begin() + 1, safe_index(target_(at), classes_));
    return -(if_not_empty(classes_, input_(place)) * weight(at));
  }

 private:
  Expr weight_of(const Expr& target) const {
    return if_not_empty(classes_, a_["weight"]({safe_index(target, classes_)}));
  }

  const ComputeArgs& a_;
  Operand input_, target_;
  Dim classes_;
};

Computed likelihood_loss(const ComputeArgs& a) {
  if (a.rank("input") < 2)
    fail("the input has rank {}, but needs a batch and classes", a.rank("input"));
  const Targets targets(a);
  const std::string reduction = a.text("reduction");
  if (reduction == "none")
    return tensor(targets.shape(), [&](const Indices& i) { return targets.loss(i); });
  if (reduction != "sum" && reduction != "mean")
    fail("reduction is '{}', but must be 'none', 'sum' or 'mean'", reduction);
  return tensor({}, [&](const Indices&) {
    const Expr total = sum(targets.shape(), [&](const Indices& i) { return targets.loss(i); });
    if (reduction == "sum") return total;
    return total / sum(targets.shape(), [&](const Indices& i) { return targets.weight(i); });
  });
}

std::vector<Value> expand_cross_entropy(const OpArgs& a, Builder& build,
                                        std::span<const Value> inputs) {
  const Value likelihood = build("LogSoftmax", {inputs[0]}, {{"axis", int64_t{1}}});
  AttrMap attrs = {{"reduction", a.text("reduction")}};
  if (a.has_attr("ignore_index")) attrs["ignore_index"] = a.integer("ignore_index");
  const Value weights = a.has("weights") ? inputs[2] : Value();
  const Value loss =
      build("NegativeLogLikelihoodLoss", {likelihood, inputs[1], weights}, std::move(attrs));
  return {loss, likelihood};
}

}  // namespace

const std::vector<OpDef>& loss_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "NegativeLogLikelihoodLoss",
       .doc = "loss[n, d...] = -input[n, target[n, d...], d...] * weight[target[n, d...]]; 0 where "
              "the target is ignore_index. Their sum, or its quotient by the sum of the weights.",
       .source = "ONNX NegativeLogLikelihoodLoss-22",
       .inputs = {{"input", floats},
                  {"target", types::indices},
                  {"weight", floats, Presence::optional}},
       .attrs = {{"ignore_index"}, {"reduction", "mean"}},
       .compute = likelihood_loss,
       .samples = {"input: f32[3,5], target: i64[3]",
                   "input: f32[2,4,3], target: i32[2,3], weight: f32[4], reduction=\"none\"",
                   "input: f16[2,4], target: i64[2], weight: f16[4], reduction=\"sum\", "
                   "ignore_index=1",
                   "input: f32[1,1], target: i64[1]",
                   "input: f32[0,3], target: i64[0], reduction=\"sum\""}},
      {.name = "SoftmaxCrossEntropyLoss",
       .doc = "The negative log likelihood loss of log_prob = LogSoftmax(scores) along axis 1.",
       .source = "ONNX SoftmaxCrossEntropyLoss-13",
       .inputs = {{"scores", floats},
                  {"labels", types::indices},
                  {"weights", floats, Presence::optional}},
       .outputs = {"output", "log_prob"},
       .attrs = {{"ignore_index"}, {"reduction", "mean"}},
       .expand = expand_cross_entropy,
       .samples = {"scores: f32[3,5], labels: i64[3]",
                   "scores: f32[2,4,3], labels: i32[2,3], weights: f32[4], reduction=\"none\"",
                   "scores: f16[2,4], labels: i64[2], reduction=\"sum\", ignore_index=1",
                   "scores: f32[1,1], labels: i64[1]",
                   "scores: f32[0,3], labels: i64[0], reduction=\"sum\""}},
  };
  return rows;
}

}  // namespace dlc
