// Normalizations: Softmax and its kin, and what takes means and variances.
// All are bodies in f32 or wider, rounded once. Next: loss.cpp.
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;

Ints axes_from(int64_t first, int64_t rank) {
  Ints axes;
  for (int64_t k = first; k < rank; ++k) axes.push_back(k);
  return axes;
}

/// x - max(x): exp() of it is at most 1. The results do not depend on what is subtracted.
Term below_zero(const Term& x, int64_t axis) {
  return x - apply("dlc.StopGradient", reduce("ReduceMax", x, {axis}));
}

std::vector<Value> expand_softmax(const OpArgs& a, Builder& build, std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const int64_t axis = a.axis("axis", x.rank());
  const Term e = exp(below_zero(x, axis));
  return {cast(a.dtype("input"), e / reduce("ReduceSum", e, {axis}))};
}

std::vector<Value> expand_log_softmax(const OpArgs& a, Builder& build,
                                      std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const int64_t axis = a.axis("axis", x.rank());
  const Term s = below_zero(x, axis);
  return {cast(a.dtype("input"), s - log(reduce("ReduceSum", exp(s), {axis})))};
}

struct Moments {
  Term mean, variance, centered;
};

Moments moments(const Term& x, const Ints& axes) {
  const Term mean = reduce("ReduceMean", x, axes);
  const Term centered = x - mean;
  return {mean, reduce("ReduceMean", square(centered), axes), centered};
}

/// A vector over the channels, axis 1, so that it broadcasts with a tensor of the given rank.
Term per_channel(Builder& build, Value vector, DType type, int64_t rank) {
  return append_axes(cast(type, {build, vector}), std::max<int64_t>(rank - 2, 0));
}

std::vector<Value> expand_batch_normalization(const OpArgs& a, Builder& build,
                                              std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  if (x.rank() < 1) fail("X has no axis");
  for (std::string_view input : {"scale", "B", "input_mean", "input_var"})
    a.expect_shape(input, {x.rank() > 1 ? x.shape()[1] : Dim(1)});
  const auto channels = [&](Value v) { return per_channel(build, v, x.dtype(), x.rank()); };
  const double epsilon = a.real("epsilon"), momentum = a.real("momentum");
  const Term scale = channels(inputs[1]), shift = channels(inputs[2]);
  if (a.integer("training_mode") == 0) {
    const Term factor = scale / sqrt(channels(inputs[4]) + epsilon);
    const Term y = (x - channels(inputs[3])) * factor + shift;
    return {cast(a.dtype("X"), y), inputs[3], inputs[4]};
  }
  Ints axes = axes_from(2, x.rank());
  axes.insert(axes.begin(), 0);
  const Moments of_batch = moments(x, axes);
  const Term y = of_batch.centered / sqrt(of_batch.variance + epsilon) * scale + shift;
  const auto running = [&](Value before, const Term& batch) {
    const Term old(build, before);
    const Term now = reshape(batch, old.shape());
    return cast(old.dtype(), cast(now.dtype(), old) * momentum + now * (1 - momentum));
  };
  return {cast(a.dtype("X"), y), running(inputs[3], of_batch.mean),
          running(inputs[4], of_batch.variance)};
}

std::vector<Value> expand_layer_normalization(const OpArgs& a, Builder& build,
                                              std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const Ints axes = axes_from(a.axis("axis", x.rank()), x.rank());
  expect_broadcast_to(a, a.shape("Scale"), x.shape(), "Scale");
  if (a.has("B")) expect_broadcast_to(a, a.shape("B"), x.shape(), "B");
  const Moments m = moments(x, axes);
  const Term deviation = sqrt(m.variance + a.real("epsilon"));
  Term y = m.centered / deviation * cast(x.dtype(), {build, inputs[1]});
  if (a.has("B")) y = y + cast(x.dtype(), {build, inputs[2]});
  std::vector<Value> outputs = {cast(a.dtype("X"), y)};
  const DType stash = a.element_type("stash_type");
  if (a.output_count() > 1) outputs.push_back(cast(stash, m.mean));
  if (a.output_count() > 2) outputs.push_back(cast(stash, apply("Reciprocal", deviation)));
  return outputs;
}

std::vector<Value> expand_rms_normalization(const OpArgs& a, Builder& build,
                                            std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const Ints axes = axes_from(a.axis("axis", x.rank()), x.rank());
  expect_broadcast_to(a, a.shape("scale"), x.shape(), "scale");
  const Term rms = sqrt(reduce("ReduceMean", square(x), axes) + a.real("epsilon"));
  const Term y = x / rms * cast(x.dtype(), {build, inputs[1]});
  return {cast(a.dtype("scale"), y)};
}

std::vector<Value> expand_instance_normalization(const OpArgs& a, Builder& build,
                                                 std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  if (x.rank() < 3) fail("the input has rank {}, but needs a batch, channels and more", x.rank());
  for (std::string_view input : {"scale", "B"}) a.expect_shape(input, {x.shape()[1]});
  const Moments m = moments(x, axes_from(2, x.rank()));
  const Term y = m.centered / sqrt(m.variance + a.real("epsilon")) *
                     per_channel(build, inputs[1], x.dtype(), x.rank()) +
                 per_channel(build, inputs[2], x.dtype(), x.rank());
  return {cast(a.dtype("input"), y)};
}

/// The channels of a group and all that follows become one axis, along which is normalized.
std::vector<Value> expand_group_normalization(const OpArgs& a, Builder& build,
                                              std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  if (x.rank() < 2) fail("X has rank {}, but needs a batch and channels", x.rank());
  const Dims& shape = x.shape();
  for (std::string_view input : {"scale", "bias"}) a.expect_shape(input, {shape[1]});
  const int64_t groups = a.integer("num_groups");
  if (groups <= 0) fail("num_groups is {}, but must be positive", groups);
  if (shape[1].is_number() && shape[1].number() % groups != 0)
    fail("{} channels cannot be split into {} groups", shape[1].number(), groups);
  Dim group = floor_div(shape[1], groups);
  for (size_t k = 2; k < shape.size(); ++k) group = group * shape[k];
  const Moments m = moments(reshape(x, {shape[0], groups, group}), {2});
  const Term normalized = reshape(m.centered / sqrt(m.variance + a.real("epsilon")), shape);
  const Term y = normalized * per_channel(build, inputs[1], x.dtype(), x.rank()) +
                 per_channel(build, inputs[2], x.dtype(), x.rank());
  return {cast(a.dtype("X"), y)};
}

std::vector<Value> expand_lp_normalization(const OpArgs& a, Builder& build,
                                           std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const int64_t p = a.integer("p"), axis = a.axis("axis", x.rank());
  if (p != 1 && p != 2) fail("p is {}, but must be 1 or 2", p);
  const Term norm = reduce(p == 1 ? "ReduceL1" : "ReduceL2", x, {axis});
  const Term zero(build, build.scalar(x.dtype(), 0)), unit(build, build.scalar(x.dtype(), 1));
  const Term divisor = select(apply("Equal", norm, zero), unit, norm);
  return {cast(a.dtype("input"), x / divisor)};
}

std::vector<Value> expand_mean_variance(const OpArgs& a, Builder& build,
                                        std::span<const Value> inputs) {
  const Term x = widen({build, inputs[0]});
  const Moments m = moments(x, a.ints("axes"));
  return {cast(a.dtype("X"), m.centered / (sqrt(m.variance) + 1e-9))};
}

/// y[n,c,..] = x[n,c,..] / (bias + alpha / size * sum over the `size` channels around c of
/// x^2)^beta
Computed local_response(const ComputeArgs& a) {
  const Operand x = a["X"];
  if (a.rank("X") < 2) fail("X has rank {}, but needs a batch and channels", a.rank("X"));
  const int64_t size = a.integer("size");
  if (size <= 0) fail("size is {}, but must be positive", size);
  const Expr channels = dim(x.shape()[1]);
  return tensor(x.shape(), [&](const Indices& i) {
    const Expr around = sum({size}, [&](const Indices& j) {
      Indices at = i;
      at[1] = i[1] + j[0] - index((size - 1) / 2);
      const Expr inside = index(0) <= at[1] && at[1] < channels;
      const Expr value = x(at);
      return select(inside, value * value, constant(value.dtype(), 0));
    });
    const Expr base = a.real("bias") + a.real("alpha") / static_cast<double>(size) * around;
    return x(i) / pow(base, constant(base.dtype(), a.real("beta")));
  });
}

}  // namespace

const std::vector<OpDef>& normalization_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Softmax",
       .doc =
           "y = exp(x - m) / sum(exp(x - m)), m = max(x), along `axis`. Each row of y adds up to "
           "1.",
       .source = "ONNX Softmax-13",
       .inputs = {{"input", floats}},
       .attrs = {{"axis", -1}},
       .expand = expand_softmax,
       .samples = {"input: f32[2,5], axis=1", "input: f32[4,3,2], axis=-2", "input: f16[2,3]",
                   "input: f32[1]", "input: f32[0,3]"}},
      {.name = "LogSoftmax",
       .doc = "y = s - log(sum(exp(s))), s = x - max(x), along `axis`.",
       .source = "ONNX LogSoftmax-13",
       .inputs = {{"input", floats}},
       .attrs = {{"axis", -1}},
       .expand = expand_log_softmax,
       .samples = {"input: f32[2,5], axis=1", "input: f32[4,3,2], axis=-2", "input: f16[2,3]",
                   "input: f32[1]", "input: f32[0,3]"}},
      {.name = "BatchNormalization",
       .doc = "Y = (X - mean) / sqrt(var + epsilon) * scale + B per channel. In training_mode mean "
              "and var are those of X, and running_x = input_x * momentum + x * (1 - momentum).",
       .source = "ONNX BatchNormalization-15",
       .inputs = {{"X", floats},
                  {"scale", floats},
                  {"B", floats},
                  {"input_mean", floats},
                  {"input_var", floats}},
       .outputs = {"Y", "running_mean", "running_var"},
       .attrs = {{"epsilon", 1e-5}, {"momentum", 0.9}, {"training_mode", 0}},
       .expand = expand_batch_normalization,
       .samples =
           {"X: f32[2,3,4], scale: f32[3], B: f32[3], input_mean: f32[3], input_var: f32[3], "
            "epsilon=10.0",
            "X: f32[2,3,2,2], scale: f32[3], B: f32[3], input_mean: f32[3], input_var: "
            "f32[3], training_mode=1",
            "X: f16[2,3], scale: f16[3], B: f16[3], input_mean: f32[3], input_var: f32[3], "
            "epsilon=10.0",
            "X: f32[0,1,2], scale: f32[1], B: f32[1], input_mean: f32[1], input_var: "
            "f32[1], epsilon=10.0"}},
      {.name = "LayerNormalization",
       .doc = "Y = (X - Mean) * InvStdDev * Scale + B with mean and variance over the axes from "
              "`axis` on, InvStdDev = 1 / sqrt(variance + epsilon).",
       .source = "ONNX LayerNormalization-17",
       .inputs = {{"X", floats}, {"Scale", floats}, {"B", floats, Presence::optional}},
       .outputs = {"Y", "Mean", "InvStdDev"},
       .attrs = {{"axis", -1}, {"epsilon", 1e-5}, {"stash_type", 1}},
       .expand = expand_layer_normalization,
       .samples = {"X: f32[2,3,4], Scale: f32[4], B: f32[4]",
                   "X: f32[2,3], Scale: f32[2,3], axis=0",
                   "X: f32[2,3,2], Scale: f32[3,2], B: f32[2], axis=-2",
                   "X: f16[2,8], Scale: f16[8], B: f16[8]", "X: f32[1], Scale: f32[1]",
                   "X: f32[0,3], Scale: f32[3]"}},
      {.name = "RMSNormalization",
       .doc = "Y = X / sqrt(mean(X^2) + epsilon) * scale, the mean over the axes from `axis` on.",
       .source = "ONNX RMSNormalization-23",
       .inputs = {{"X", floats}, {"scale", floats}},
       .attrs = {{"axis", -1}, {"epsilon", 1e-5}, {"stash_type", 1}},
       .expand = expand_rms_normalization,
       .samples = {"X: f32[2,3,4], scale: f32[4]", "X: f32[2,3], scale: f32[2,3], axis=-2",
                   "X: bf16[2,8], scale: bf16[8]", "X: f32[1], scale: f32[1]",
                   "X: f32[0,3], scale: f32[3]"}},
      {.name = "InstanceNormalization",
       .doc = "y = (x - mean) / sqrt(variance + epsilon) * scale + B, mean and variance per sample "
              "and channel.",
       .source = "ONNX InstanceNormalization-22",
       .inputs = {{"input", floats}, {"scale", floats}, {"B", floats}},
       .attrs = {{"epsilon", 1e-5}},
       .expand = expand_instance_normalization,
       .samples = {"input: f32[2,3,4], scale: f32[3], B: f32[3]",
                   "input: f16[1,2,3,3], scale: f16[2], B: f16[2]",
                   "input: f32[1,1,1], scale: f32[1], B: f32[1]",
                   "input: f32[0,2,3], scale: f32[2], B: f32[2]"}},
      {.name = "GroupNormalization",
       .doc = "Y = (X - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance per "
              "sample and group of channels, scale and bias per channel.",
       .source = "ONNX GroupNormalization-21",
       .inputs = {{"X", floats}, {"scale", floats}, {"bias", floats}},
       .attrs = {{"num_groups", required_attr}, {"epsilon", 1e-5}, {"stash_type", 1}},
       .expand = expand_group_normalization,
       .samples = {"X: f32[2,4,3], scale: f32[4], bias: f32[4], num_groups=2",
                   "X: f16[1,4,2,2], scale: f16[4], bias: f16[4], num_groups=1",
                   "X: f32[1,1,1], scale: f32[1], bias: f32[1], num_groups=1",
                   "X: f32[0,2,3], scale: f32[2], bias: f32[2], num_groups=2"}},
      {.name = "LpNormalization",
       .doc = "The input divided by its p-norm along `axis`; 0 where that is 0.",
       .source = "ONNX LpNormalization-22",
       .inputs = {{"input", floats}},
       .attrs = {{"axis", -1}, {"p", 2}},
       .expand = expand_lp_normalization,
       .samples = {"input: f32[2,3]", "input: f32[2,3], axis=0, p=1", "input: f16[4]",
                   "input: f32[1]", "input: f32[0,3]"}},
      {.name = "MeanVarianceNormalization",
       .doc = "Y = (X - mean) / (sqrt(variance) + 1e-9), mean and variance over `axes`.",
       .source = "ONNX MeanVarianceNormalization-13",
       .inputs = {{"X", floats}},
       .attrs = {{"axes", Ints{0, 2, 3}}},
       .expand = expand_mean_variance,
       .samples = {"X: f32[2,3,2,2]", "X: f32[2,3], axes=[-1]", "X: f16[4], axes=[0]",
                   "X: f32[1,1,1,1]", "X: f32[0,3], axes=[1]"}},
      {.name = "LRN",
       .doc = "Y = X / (bias + alpha / size * (sum of X^2 over the `size` channels around))^beta.",
       .source = "ONNX LRN-13",
       .inputs = {{"X", floats}},
       .attrs = {{"size", required_attr}, {"alpha", 1e-4}, {"beta", 0.75}, {"bias", 1.0}},
       .compute = local_response,
       .samples = {"X: f32[2,5,3], size=3", "X: f32[1,4,2,2], size=2, alpha=0.5",
                   "X: f16[1,3], size=5", "X: f32[1,1,1], size=1", "X: f32[0,3,2], size=3"}},
  };
  return rows;
}

}  // namespace dlc
