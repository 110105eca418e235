// How far results of a graph may be off by rounding.
#include "tests/support/rounding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/ops/evaluate.h"
#include "compiler/ops/rounding.h"
#include "runtime/error.h"
#include "tests/support/compare.h"
#include "tests/support/graph_maker.h"

namespace dlc::test {
namespace {

constexpr int runs = 3;

/// Evaluates node by node; run 0: as it is, others: with changes.
std::vector<Datum> evaluate_changed(const Graph& graph, std::span<const Datum> inputs, int run) {
  Jitter jitter(static_cast<uint64_t>(run));
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
      if (change && v.valid()) argument = jitter.operand(node, k, argument, exact[number(v)]);
      arguments.push_back(std::move(argument));
    }
    std::vector<Datum> results = evaluate_node(graph, id, arguments);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (!node.outputs[k].valid()) continue;
      if (change) results[k] = jitter.result(graph, node, arguments, results[k]);
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

}  // namespace

Expected::Expected(const Graph& graph, std::span<const Datum> inputs)
    : values_(evaluate_changed(graph, inputs, 0)) {
  const std::vector<bool> exact = exact_values(graph);
  std::vector<std::vector<Datum>> others;
  bool may_fail = false;  // by rounding: then floats may be anything (a key is looked up)
  try {
    for (int run = 1; run <= runs; ++run) others.push_back(evaluate_changed(graph, inputs, run));
  } catch (const Error&) {
    may_fail = true;
  }
  for (Value v : graph.outputs()) {
    const size_t id = static_cast<size_t>(v.id);
    const std::vector<Tensor> tensors = flattened(values_[id]);
    counts_.push_back(tensors.size());
    for (size_t k = 0; k < tensors.size(); ++k) {
      outputs_.push_back({tensors[k], {}});
      if (exact[id] || !is_float(tensors[k].dtype())) continue;
      if (may_fail) {
        outputs_.back().tolerances.assign(tensors[k].size(),
                                          std::numeric_limits<double>::infinity());
        continue;
      }
      std::vector<Tensor> changed_tensors;
      for (const auto& other : others) changed_tensors.push_back(flattened(other[id]).at(k));
      outputs_.back().tolerances = rounding_tolerances(tensors[k], changed_tensors);
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
    if (std::isinf(tolerance) || is_close(values[i], wanted[i], {0, tolerance})) continue;
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
