// One step of an RNN, GRU or LSTM. See rnn_cell.h.
#include "compiler/ops/rnn_cell.h"

#include <algorithm>
#include <array>

namespace dlc {
namespace {

/// A function that cells may use, as an op with attributes, and the defaults of its parameters.
struct ActivationRow {
  std::string_view name, op;
  std::optional<double> alpha, beta;
};

constexpr std::array<ActivationRow, 11> activation_rows = {{
    {"Relu", "Relu", {}, {}},
    {"Tanh", "Tanh", {}, {}},
    {"Sigmoid", "Sigmoid", {}, {}},
    {"Softsign", "Softsign", {}, {}},
    {"Softplus", "Softplus", {}, {}},
    {"LeakyRelu", "LeakyRelu", 0.01, {}},
    {"ThresholdedRelu", "ThresholdedRelu", 1.0, {}},
    {"Elu", "Elu", 1.0, {}},
    {"HardSigmoid", "HardSigmoid", 0.2, 0.5},
    {"ScaledTanh", "Tanh", 1.0, 1.0},  // alpha * tanh(beta * x)
    {"Affine", "", 1.0, 0.0},          // alpha * x + beta
}};

const ActivationRow& activation_row(const std::string& name) {
  const auto lower = [](std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return result;
  };
  for (const ActivationRow& row : activation_rows) {
    if (lower(row.name) == lower(name)) return row;
  }
  fail("activation {} is not known", name);
}

Value scalar_like(Builder& build, Value x, double value) {
  return build.scalar(build.type(x).dtype, value);
}

Value apply(Builder& build, const Activation& f, Value x) {
  if (f.name == "Affine") {
    const Value scaled = build("Mul", {x, scalar_like(build, x, f.alpha)});
    return build("Add", {scaled, scalar_like(build, x, f.beta)});
  }
  if (f.name == "ScaledTanh") {
    const Value y = build("Tanh", {build("Mul", {x, scalar_like(build, x, f.beta)})});
    return build("Mul", {y, scalar_like(build, x, f.alpha)});
  }
  const ActivationRow& row = activation_row(f.name);
  AttrMap attrs;
  if (row.alpha) attrs["alpha"] = f.alpha;
  if (row.beta) attrs["beta"] = f.beta;
  return build(row.op, {x}, attrs);
}

/// f(clipped x).
Value activate(const CellParameters& cell, Builder& build, size_t f, Value x) {
  if (cell.clip) {
    x = build("Clip", {x, scalar_like(build, x, -*cell.clip), scalar_like(build, x, *cell.clip)});
  }
  return apply(build, cell.activations[f], x);
}

/// h * R^T + added, of [batch, n].
Value recur(Builder& build, Value h, Value r, Value added) {
  return build("Gemm", {h, r, added}, {{"transB", int64_t{1}}});
}

std::vector<Value> split_gates(Builder& build, Value gates, int64_t count) {
  return build.node("Split", {gates}, {{"axis", int64_t{1}}, {"num_outputs", count}},
                    static_cast<size_t>(count));
}

/// Columns [begin, end) of a matrix.
Value columns(Builder& build, Value x, int64_t begin, int64_t end) {
  return build("Slice", {x, build.ints({begin}), build.ints({end}), build.ints({1})});
}

/// (1 - z) * candidate + z * h
Value blend(Builder& build, Value z, Value candidate, Value h) {
  const Value rest = build("Sub", {scalar_like(build, z, 1), z});
  return build("Add", {build("Mul", {rest, candidate}), build("Mul", {z, h})});
}

}  // namespace

std::vector<Activation> make_activations(std::span<const std::string> names, Reals& alpha,
                                         Reals& beta) {
  const auto take = [](Reals& values, double fallback) {
    if (values.empty()) return fallback;
    const double value = values.front();
    values.erase(values.begin());
    return value;
  };
  std::vector<Activation> result;
  for (const std::string& name : names) {
    const ActivationRow& row = activation_row(name);
    Activation f{std::string(row.name)};
    if (row.alpha) f.alpha = take(alpha, *row.alpha);
    if (row.beta) f.beta = take(beta, *row.beta);
    result.push_back(f);
  }
  return result;
}

Value rows(Builder& build, Value value, int64_t begin, int64_t count) {
  const Tensor* constant = build.graph().constant(value);
  if (!constant || bits(constant->dtype()) < 8) {
    return build("Slice",
                 {value, build.ints({begin}), build.ints({begin + count}), build.ints({0})});
  }
  Shape shape = constant->shape();
  const int64_t row = shape[0] ? constant->bytes() / shape[0] : 0;
  if (begin + count > shape[0])
    fail("a weight has {} entries where {} are expected", shape[0], begin + count);
  shape[0] = count;
  const auto* data = static_cast<const char*>(constant->data()) + begin * row;
  return build.constant(
      Tensor::borrow(constant->dtype(), shape, data, std::make_shared<Tensor>(*constant)));
}

Value entry(Builder& build, Value value, int64_t at) {
  const Value row = rows(build, value, at, 1);
  if (const Tensor* constant = build.graph().constant(row)) {
    return build.constant(
        constant->reshaped(Shape(constant->shape().begin() + 1, constant->shape().end())));
  }
  return build("Squeeze", {row, build.ints({0})});
}

// h' = f(x + h R)
std::vector<Value> rnn_cell(const CellParameters& cell, const CellStep& step,
                            const std::vector<Value>& states, Value projected) {
  Builder& build = step.build;
  const Value sum = recur(build, states[0], step.inner(cell.recurrence), projected);
  return {activate(cell, build, 0, sum)};
}

// z = f(x_z + h R_z), r = f(x_r + h R_r), h' = (1 - z) * g(x_h + (r * h) R_h) + z * h;
// linear_before_reset: g(x_h + r * (h R_h + b_h)) instead.
std::vector<Value> gru_cell(const CellParameters& cell, const CellStep& step,
                            const std::vector<Value>& states, Value projected) {
  Builder& build = step.build;
  const Value h = states[0];
  const int64_t n = cell.hidden;
  if (cell.linear_before_reset) {
    const Value bias = cell.recurrence_bias.valid() ? step.inner(cell.recurrence_bias) : Value();
    const Value recurred = recur(build, h, step.inner(cell.recurrence), bias);
    const auto x = split_gates(build, projected, 3), own = split_gates(build, recurred, 3);
    const Value z = activate(cell, build, 0, build("Add", {x[0], own[0]}));
    const Value r = activate(cell, build, 0, build("Add", {x[1], own[1]}));
    const Value sum = build("Add", {x[2], build("Mul", {r, own[2]})});
    return {blend(build, z, activate(cell, build, 1, sum), h)};
  }
  const Value recurrence = step.inner(cell.recurrence);
  const Value gates_weight = rows(build, recurrence, 0, 2 * n);
  const Value new_weight = rows(build, recurrence, 2 * n, n);
  const Value sum = recur(build, h, gates_weight, columns(build, projected, 0, 2 * n));
  const auto gates = split_gates(build, activate(cell, build, 0, sum), 2);
  const Value reset = build("Mul", {gates[1], h});
  const Value candidate = recur(build, reset, new_weight, columns(build, projected, 2 * n, 3 * n));
  return {blend(build, gates[0], activate(cell, build, 1, candidate), h)};
}

// i, o, f = f(... + p * c), c' = f * c + i * g(...), h' = o * h(c'); o sees c'.
std::vector<Value> lstm_cell(const CellParameters& cell, const CellStep& step,
                             const std::vector<Value>& states, Value projected) {
  Builder& build = step.build;
  const Value h = states[0], c = states[1];
  const Value sum = recur(build, h, step.inner(cell.recurrence), projected);
  const auto gates = split_gates(build, sum, 4);
  const auto peek = [&](Value gate, int64_t which, Value state) {
    if (!cell.peepholes.valid()) return gate;
    const Value p = rows(build, step.inner(cell.peepholes), which * cell.hidden, cell.hidden);
    return build("Add", {gate, build("Mul", {p, state})});
  };
  const Value i = activate(cell, build, 0, peek(gates[0], 0, c));
  Value f;
  if (cell.input_forget) {
    f = build("Sub", {scalar_like(build, i, 1), i});
  } else {
    f = activate(cell, build, 0, peek(gates[2], 2, c));
  }
  const Value g = activate(cell, build, 1, gates[3]);
  const Value next_c = build("Add", {build("Mul", {f, c}), build("Mul", {i, g})});
  const Value o = activate(cell, build, 0, peek(gates[1], 1, next_c));
  // The cell's own value is not clipped.
  return {build("Mul", {o, apply(build, cell.activations[2], next_c)}), next_c};
}

}  // namespace dlc
