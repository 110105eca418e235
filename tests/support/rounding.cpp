// How far results of a graph may be off by rounding.
#include "tests/support/rounding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "compiler/ops/evaluate.h"
#include "compiler/ops/op_def.h"
#include "runtime/numeric.h"
#include "tests/support/compare.h"
#include "tests/support/graph_maker.h"

namespace dlc::test {
namespace {

constexpr int runs = 3;
constexpr double factor = 8;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Half the distance to the next number, relative.
double rounding(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 0x1p-50;  // functions of f64 are good to a few bits less
    case DType::f32:
      return 0x1p-24;
    case DType::f16:
      return 0x1p-11;
    case DType::bf16:
      return 0x1p-8;
    case DType::f8e4m3fn:
    case DType::f8e4m3fnuz:
      return 0x1p-4;
    default:
      return is_float(dtype) ? 0x1p-2 : 0;
  }
}

/// Of its smallest numbers.
double smallest(DType dtype) {
  if (dtype == DType::f16) return 0x1p-24;
  return is_float(dtype) && bits(dtype) <= 8 ? 0x1p-9 : 1e-37;
}

double mean_square_root(std::span<const double> values) {
  double sum = 0, count = 0;
  for (double v : values) {
    if (!std::isfinite(v)) continue;
    sum += v * v;
    ++count;
  }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

bool is_float_tensor(const Datum& datum) {
  return datum.kind == Datum::Kind::tensor && is_float(datum.tensor.dtype());
}

/// The tensor with each element changed by up to `relative` of itself and `level` of the mean.
Datum changed(const Datum& datum, double relative, double level, Random& random) {
  if (!is_float_tensor(datum)) return datum;
  const auto unit = [&] { return static_cast<double>(random.below(2001) - 1000) / 1000; };
  const DType dtype = datum.tensor.dtype();
  const std::vector<double> values = datum.tensor.to_reals();
  const double absolute = level * mean_square_root(values);
  Tensor tensor = datum.tensor.clone();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double v = values[static_cast<size_t>(i)];
    // Not below one rounding of the type: a smaller change would be rounded away.
    const double step = unit() * (relative * std::fabs(v) + absolute);
    store_real(dtype, tensor.mutable_data(), i, v + step);
  }
  return tensor;
}

/// Of the error of Winograd's convolutions, relative to the mean: CompileOptions::winograd.
double winograd_error(const Graph& graph, const Node& node) {
  if (node.op != "Conv") return 0;
  const Dims& w = graph.type(node.inputs[1]).shape;
  return w.size() == 4 && w[2] == Dim(3) && w[3] == Dim(3) ? 6e-5 : 0;
}

/// Resize's scales, for one: what compilation must know.
bool decides_shapes(const Node& node, size_t input) {
  const std::vector<InputSpec>& specs = op(node.op).inputs;
  return !specs.empty() && specs[std::min(input, specs.size() - 1)].known;
}

/// Evaluates node by node; run 0: as it is, others: with changes.
std::vector<Datum> evaluate_changed(const Graph& graph, std::span<const Datum> inputs, int run) {
  Random random(static_cast<uint64_t>(run));
  std::vector<Datum> values(graph.value_count());
  const std::vector<bool> exact = exact_values(graph);
  const auto number = [](Value v) { return static_cast<size_t>(v.id); };
  for (size_t k = 0; k < inputs.size(); ++k) values[number(graph.inputs()[k])] = inputs[k];
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const auto made =
        std::find_if(node.outputs.begin(), node.outputs.end(), [](Value v) { return v.valid(); });
    const bool change = run > 0 && made != node.outputs.end() && !exact[number(*made)];
    std::vector<Datum> arguments;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Value v = node.inputs[k];
      Datum argument = v.valid() ? values[number(v)] : Datum();
      if (change && is_float_tensor(argument) && !decides_shapes(node, k)) {
        const double r = 4 * rounding(argument.tensor.dtype());
        argument = changed(argument, r, exact[number(v)] ? 0 : r, random);
      }
      arguments.push_back(std::move(argument));
    }
    std::vector<Datum> results = evaluate_node(graph, id, arguments);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (!node.outputs[k].valid()) continue;
      if (change && is_float_tensor(results[k])) {
        const double r = 4 * rounding(results[k].tensor.dtype());
        results[k] = changed(results[k], r, std::max(r, winograd_error(graph, node)), random);
      }
      values[number(node.outputs[k])] = std::move(results[k]);
    }
  }
  return values;
}

void flatten(const Datum& datum, std::vector<Tensor>& tensors) {
  if (datum.kind == Datum::Kind::tensor) tensors.push_back(real_view(datum.tensor));
  for (const Datum& item : datum.items) flatten(item, tensors);
}

std::vector<Tensor> flattened(const Datum& datum) {
  std::vector<Tensor> tensors;
  flatten(datum, tensors);
  return tensors;
}

/// By element, from what it is in runs with changes.
std::vector<double> tolerances(const Tensor& tensor, const std::vector<Tensor>& others) {
  const std::vector<double> values = tensor.to_reals();
  std::vector<double> moves(values.size(), 0);
  for (const Tensor& other : others) {
    if (other.shape() != tensor.shape()) return std::vector<double>(values.size(), infinity);
    const std::vector<double> moved = other.to_reals();
    for (size_t i = 0; i < values.size(); ++i) {
      const bool same = moved[i] == values[i] || (std::isnan(moved[i]) && std::isnan(values[i]));
      const double move = same ? 0 : std::fabs(moved[i] - values[i]);
      moves[i] = std::max(moves[i], std::isnan(move) ? infinity : move);
    }
  }
  const double typical = mean_square_root(moves), own = 2 * rounding(tensor.dtype());
  for (size_t i = 0; i < moves.size(); ++i) {
    moves[i] = factor * std::max(moves[i], typical) + smallest(tensor.dtype()) +
               (std::isfinite(values[i]) ? own * std::fabs(values[i]) : 0);
  }
  return moves;
}

}  // namespace

Expected::Expected(const Graph& graph, std::span<const Datum> inputs)
    : values_(evaluate_changed(graph, inputs, 0)) {
  const std::vector<bool> exact = exact_values(graph);
  std::vector<std::vector<Datum>> others;
  for (int run = 1; run <= runs; ++run) others.push_back(evaluate_changed(graph, inputs, run));
  for (Value v : graph.outputs()) {
    const size_t id = static_cast<size_t>(v.id);
    const std::vector<Tensor> tensors = flattened(values_[id]);
    counts_.push_back(tensors.size());
    for (size_t k = 0; k < tensors.size(); ++k) {
      outputs_.push_back({tensors[k], {}});
      if (exact[id] || !is_float(tensors[k].dtype())) continue;
      std::vector<Tensor> changed_tensors;
      for (const auto& other : others) changed_tensors.push_back(flattened(other[id]).at(k));
      outputs_.back().tolerances = tolerances(tensors[k], changed_tensors);
    }
  }
}

std::string Expected::difference(std::span<const Datum> got) const {
  size_t next = 0;
  for (size_t output = 0; output < counts_.size(); ++output) {
    const std::vector<Tensor> tensors = flattened(got[output]);
    if (tensors.size() != counts_[output]) {
      return fmt::format("output {}: {} items instead of {}", output, tensors.size(),
                         counts_[output]);
    }
    for (const Tensor& tensor : tensors) {
      const std::string text = different(tensor, outputs_[next++]);
      if (!text.empty()) return fmt::format("output {}: {}", output, text);
    }
  }
  return "";
}

std::string Expected::different(const Tensor& got, const Output& want) {
  if (want.tolerances.empty() || got.dtype() != want.tensor.dtype() ||
      got.shape() != want.tensor.shape()) {
    return test::difference(got, want.tensor, {0, 0});
  }
  const std::vector<double> values = got.to_reals(), wanted = want.tensor.to_reals();
  for (size_t i = 0; i < values.size(); ++i) {
    const double tolerance = want.tolerances[i];
    if (tolerance == infinity || is_close(values[i], wanted[i], {0, tolerance})) continue;
    return fmt::format("element {} is {} instead of {}, which may be off by {}", i, values[i],
                       wanted[i], tolerance);
  }
  return "";
}

double Expected::judged() const {
  double all = 0, seen = 0;
  for (const Output& output : outputs_) {
    const double level = mean_square_root(output.tolerances.empty() ? std::vector<double>()
                                                                    : output.tensor.to_reals());
    for (double tolerance : output.tolerances) {
      ++all;
      if (tolerance <= 0.01 * level || level == 0) ++seen;
    }
  }
  return all > 0 ? seen / all : 1;
}

}  // namespace dlc::test
