// fold-batch-norm: BatchNormalization and per-channel scales and shifts go into the constant
// weights of the convolution, matrix product or Gemm beside them. The new weights are ordinary
// nodes on constants: fold-constants turns them into numbers.
#include <algorithm>

#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

/// y = x * factor + shift, one number of each per channel: [c].
struct Affine {
  Term factor, shift;
};

/// BatchNormalization as such: factor = scale / sqrt(var + epsilon), shift = bias - mean * factor.
Affine affine_of(const Match& m) {
  const Term factor = m["scale"] / sqrt(m["var"] + m.real("eps"));
  return {factor, m["bias"] - m["mean"] * factor};
}

/// Constants of one element type: narrow weights beside wide statistics would be rounded twice.
bool are_constants(const Match& m, std::initializer_list<std::string_view> names) {
  return m.constants(names) && std::all_of(names.begin(), names.end(), [&](std::string_view name) {
           return !m.has(name) || m.type(name).dtype == m.type().dtype;
         });
}
bool weights_are_constant(const Match& m) { return are_constants(m, {"w", "b", "k"}); }
bool bias_is_constant(const Match& m) { return are_constants(m, {"b", "k"}); }
bool statistics_are_constant(const Match& m) {
  return are_constants(m, {"w", "b", "scale", "bias", "mean", "var"});
}

int64_t group_of(const Match& m, std::string_view op) {
  const auto& attrs = m.node(op).attrs;
  const auto found = attrs.find("group");
  return found == attrs.end() ? 1 : std::get<int64_t>(found->second);
}
bool conv_has_one_group(const Match& m) { return group_of(m, "Conv") == 1; }
bool transposed_has_one_group(const Match& m) { return group_of(m, "ConvTranspose") == 1; }

bool conv_has_no_padding(const Match& m) {
  const auto& attrs = m.node("Conv").attrs;
  const auto automatic = attrs.find("auto_pad");
  if (automatic != attrs.end()) {
    const auto& mode = std::get<std::string>(automatic->second);
    if (mode == "VALID") return true;
    if (mode != "NOTSET") return false;
  }
  const auto pads = attrs.find("pads");
  if (pads == attrs.end()) return true;
  const Ints& all = std::get<Ints>(pads->second);
  return std::all_of(all.begin(), all.end(), [](int64_t pad) { return pad == 0; });
}

Term bias_or(const Match& m, const Term& otherwise) {
  return m.has("b") ? m["b"] + otherwise : otherwise;
}

// --- after a convolution: w * factor, b * factor + shift, by output channel

/// The bias, first input or zero, after the affine map.
Term mapped_bias(const Match& m, const Affine& affine) {
  return m.has("b") ? m["b"] * affine.factor + affine.shift : affine.shift;
}

Value conv_absorbs(const Match& m, const Affine& affine) {
  const Term w = m["w"] * append_axes(affine.factor, m.rank("w") - 1);
  return m.again("Conv", {m["x"], w, mapped_bias(m, affine)});
}

/// Weights of ConvTranspose are [input channel, output channel, kernel...].
Value transposed_absorbs(const Match& m, const Affine& affine) {
  const Term w = m["w"] * append_axes(affine.factor, m.rank("w") - 2);
  return m.again("ConvTranspose", {m["x"], w, mapped_bias(m, affine)});
}

/// Y = alpha * A * B + beta * C, of which beta goes into the new C.
Value gemm_absorbs(const Match& m, const Affine& affine) {
  const Term factor = m.integer("transposed") != 0 ? append_axes(affine.factor, 1) : affine.factor;
  const Term w = m["w"] * factor;
  const Term bias =
      m.has("b") ? m["b"] * m.real("beta") * affine.factor + affine.shift : affine.shift;
  return m.again("Gemm", {m["x"], w, bias}, {{"beta", 1.0}});
}

// --- a constant factor or shift, "k", as Mul, Div, Add or Sub have it

/// k broadcasts as one number per channel: axis 1 of a tensor of `rank`, or the last if `last`.
bool is_per_channel(const Match& m, bool last) {
  const Tensor* k = m.constant("k");
  if (k == nullptr || !is_float(k->dtype())) return false;
  const int64_t rank = m.type().rank();
  const int64_t channel = last ? rank - 1 : 1;
  if (k->rank() > rank || k->rank() == 0) return k->rank() == 0;
  for (int64_t axis = 0; axis < k->rank(); ++axis) {
    if (axis + rank - k->rank() != channel && k->shape()[axis] != 1) return false;
  }
  return true;
}
bool is_per_conv_channel(const Match& m) { return is_per_channel(m, false); }
bool is_per_column(const Match& m) { return is_per_channel(m, true); }

/// k as [channels].
Term channels_of(const Match& m, const Term& k, const Dim& channels) {
  Builder& build = m.build();
  const int64_t size = m.constant("k")->size();
  const Term flat = reshape(k, {size});
  if (channels == Dim(size)) return flat;
  return Term(build, build("Expand", {flat, build.sizes({channels})}));
}

Dim output_channels(const Match& m, std::string_view op) {
  return m.shape("w")[op == "ConvTranspose" ? 1 : 0];
}

/// `op` with w * k and, if it has a bias, b * k. `trailing`: axes of w behind the output channel.
Value scale(const Match& m, std::string_view op, const Term& k) {
  const int64_t trailing = m.rank("w") - (op == "ConvTranspose" ? 2 : 1);
  const Term factor = channels_of(m, k, output_channels(m, op));
  std::vector<Value> inputs = {m["x"], m["w"] * append_axes(factor, trailing)};
  if (m.has("b")) inputs.push_back(m["b"] * factor);
  return m.again(op, std::move(inputs));
}

/// `op` with b + k, or k where it has no bias.
Value shift(const Match& m, std::string_view op, const Term& k) {
  return m.again(op, {m["x"], m["w"], bias_or(m, channels_of(m, k, output_channels(m, op)))});
}

Term reciprocal(const Term& k) { return apply("Reciprocal", k); }
Term negated(const Term& k) { return apply("Neg", k); }

/// k as one number, or one a column.
Term columns_of(const Match& m) { return reshape(m["k"], {m.constant("k")->size()}); }

Value scale_gemm(const Match& m) {
  const Term factor = columns_of(m);
  const bool transposed = m.integer("transposed") != 0;
  std::vector<Value> inputs = {m["x"], m["w"] * (transposed ? append_axes(factor, 1) : factor)};
  if (m.has("b")) inputs.push_back(m["b"] * factor);
  return m.again("Gemm", std::move(inputs));
}

Value shift_gemm(const Match& m) {
  const Term k = columns_of(m);
  const Term bias = m.has("b") ? m["b"] * m.real("beta") + k : k;
  return m.again("Gemm", {m["x"], m["w"], bias}, {{"beta", 1.0}});
}

Value scale_matmul(const Match& m) { return m.again("MatMul", {m["x"], m["w"] * columns_of(m)}); }

// --- before a convolution: w * factor by input channel, b + sum over w * shift

/// [c] as [1, c, 1, ...]: the input channels of a convolution's weights.
Term along_inputs(const Match& m, const Term& channels) {
  return append_axes(channels, m.rank("w") - 2);
}

/// All axes but the first.
Ints inner_axes(const Match& m) {
  Ints axes;
  for (int64_t axis = 1; axis < m.rank("w"); ++axis) axes.push_back(axis);
  return axes;
}

Value conv_takes_batch_norm(const Match& m) {
  const Affine affine = affine_of(m);
  const Term w = m["w"] * along_inputs(m, affine.factor);
  const Term sums = reduce("ReduceSum", m["w"] * along_inputs(m, affine.shift), inner_axes(m));
  return m.again("Conv", {m["x"], w, bias_or(m, reshape(sums, {m.shape("w")[0]}))});
}

Value conv_takes_scale(const Match& m) {
  const Term w = m["w"] * along_inputs(m, channels_of(m, m["k"], m.shape("w")[1]));
  std::vector<Value> inputs = {m["x"], w};
  if (m.has("b")) inputs.push_back(m.value("b"));
  return m.again("Conv", std::move(inputs));
}

/// Y = alpha * (A * factor + shift) * B + beta * C: C takes alpha * shift * B.
Value gemm_takes_batch_norm(const Match& m) {
  const Affine affine = affine_of(m);
  const bool transposed = m.integer("transposed") != 0;
  const auto by_row = [&](const Term& rows) { return transposed ? rows : append_axes(rows, 1); };
  const Term w = m["w"] * by_row(affine.factor);
  const int64_t row_axis = transposed ? 1 : 0;
  const Dim columns = m.shape("w")[transposed ? 0 : 1];
  const Term sums =
      reshape(reduce("ReduceSum", m["w"] * by_row(affine.shift), {row_axis}), {columns});
  const Term shift = sums * m.real("alpha");
  const Term bias = m.has("b") ? m["b"] * m.real("beta") + shift : shift;
  return m.again("Gemm", {m["x"], w, bias}, {{"beta", 1.0}});
}

constexpr Condition constant_statistics = {"weights and statistics are constant, of one type",
                                           statistics_are_constant};
constexpr Condition constant_weights = {"weights and factor are constant, of one type",
                                        weights_are_constant};
constexpr Condition constant_bias = {"bias and summand are constant, of one type",
                                     bias_is_constant};
constexpr Condition per_channel = {"it is one number per channel", is_per_conv_channel};
constexpr Condition per_column = {"it is one number per column", is_per_column};
constexpr Condition one_group = {"the convolution has one group", conv_has_one_group};
constexpr Condition one_transposed_group = {"the convolution has one group",
                                            transposed_has_one_group};
constexpr Condition no_padding = {"the convolution has no padding", conv_has_no_padding};
constexpr Condition weight_is_matrix = {"the weights have rows and columns",
                                        [](const Match& m) { return m.rank("w") >= 2; }};

std::vector<Rewrite> batch_norm_rows() {
  return {
      {.name = "conv-absorbs-batch-norm",
       .match = "BatchNormalization(Conv(%x, %w, %b?), %scale, %bias, %mean, %var, epsilon=$eps, "
                "training_mode=0)",
       .where = {constant_statistics},
       .build = [](const Match& m) { return conv_absorbs(m, affine_of(m)); }},
      {.name = "conv-transpose-absorbs-batch-norm",
       .match = "BatchNormalization(ConvTranspose(%x, %w, %b?), %scale, %bias, %mean, %var, "
                "epsilon=$eps, training_mode=0)",
       .where = {constant_statistics, one_transposed_group},
       .build = [](const Match& m) { return transposed_absorbs(m, affine_of(m)); }},
      {.name = "gemm-absorbs-batch-norm",
       .match = "BatchNormalization(Gemm(%x, %w, %b?, transB=$transposed, beta=$beta), %scale, "
                "%bias, %mean, %var, epsilon=$eps, training_mode=0)",
       .where = {constant_statistics},
       .build = [](const Match& m) { return gemm_absorbs(m, affine_of(m)); }},
      {.name = "conv-takes-batch-norm",
       .match = "Conv(BatchNormalization(%x, %scale, %bias, %mean, %var, epsilon=$eps, "
                "training_mode=0), %w, %b?)",
       .where = {constant_statistics, one_group, no_padding},
       .build = conv_takes_batch_norm},
      {.name = "gemm-takes-batch-norm",
       .match = "Gemm(BatchNormalization(%x, %scale, %bias, %mean, %var, epsilon=$eps, "
                "training_mode=0), %w, %b?, transA=0, transB=$transposed, alpha=$alpha, "
                "beta=$beta)",
       .where = {constant_statistics},
       .build = gemm_takes_batch_norm},
  };
}

std::vector<Rewrite> scale_rows() {
  return {
      {.name = "conv-absorbs-factor",
       .match = "Mul(Conv(%x, %w, %b?), %k)",
       .where = {constant_weights, per_channel},
       .build = [](const Match& m) { return scale(m, "Conv", m["k"]); }},
      {.name = "conv-absorbs-divisor",
       .match = "Div(Conv(%x, %w, %b?), %k)",
       .where = {constant_weights, per_channel},
       .build = [](const Match& m) { return scale(m, "Conv", reciprocal(m["k"])); }},
      {.name = "conv-absorbs-summand",
       .match = "Add(Conv(%x, %w, %b?), %k)",
       .where = {constant_bias, per_channel},
       .build = [](const Match& m) { return shift(m, "Conv", m["k"]); }},
      {.name = "conv-absorbs-subtrahend",
       .match = "Sub(Conv(%x, %w, %b?), %k)",
       .where = {constant_bias, per_channel},
       .build = [](const Match& m) { return shift(m, "Conv", negated(m["k"])); }},
      {.name = "conv-transpose-absorbs-factor",
       .match = "Mul(ConvTranspose(%x, %w, %b?), %k)",
       .where = {constant_weights, per_channel, one_transposed_group},
       .build = [](const Match& m) { return scale(m, "ConvTranspose", m["k"]); }},
      {.name = "conv-transpose-absorbs-summand",
       .match = "Add(ConvTranspose(%x, %w, %b?), %k)",
       .where = {constant_bias, per_channel, one_transposed_group},
       .build = [](const Match& m) { return shift(m, "ConvTranspose", m["k"]); }},
      {.name = "gemm-absorbs-factor",
       .match = "Mul(Gemm(%x, %w, %b?, transB=$transposed), %k)",
       .where = {constant_weights, per_column},
       .build = scale_gemm},
      {.name = "gemm-absorbs-summand",
       .match = "Add(Gemm(%x, %w, %b?, beta=$beta), %k)",
       .where = {constant_bias, per_column},
       .build = shift_gemm},
      {.name = "matmul-absorbs-factor",
       .match = "Mul(MatMul(%x, %w), %k)",
       .where = {constant_weights, weight_is_matrix, per_column},
       .build = scale_matmul},
      {.name = "conv-takes-factor",
       .match = "Conv(Mul(%x, %k), %w, %b?)",
       .where = {constant_weights, one_group, per_channel},
       .build = conv_takes_scale},
  };
}

void run(Graph& graph, PassContext& context) {
  std::vector<Rewrite> rows = batch_norm_rows();
  const std::vector<Rewrite> scales = scale_rows();
  rows.insert(rows.end(), scales.begin(), scales.end());
  apply_rewrites(graph, rows, context);
}

}  // namespace

constinit const Pass fold_batch_norm = {
    .name = "fold-batch-norm",
    .purpose = "put BatchNormalization, scales and shifts into the weights beside them",
    .keeps = Keeps::within_tolerance,
    .run = run};

}  // namespace dlc
