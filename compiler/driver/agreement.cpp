// Whether two ways to compute a value agree, but for rounding.
#include "compiler/driver/agreement.h"

#include <algorithm>
#include <cmath>

#include "compiler/ops/compare.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/registry.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

constexpr int runs = 4;
constexpr double few_roundings = 4;

bool is_numeric(const Datum& datum) {
  return datum.kind == Datum::Kind::tensor && datum.tensor.dtype() != DType::string &&
         !is_complex(datum.tensor.dtype());
}

bool same_type(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape();
}

/// `got` with the elements of `want` wherever what they differ by is explained by rounding.
Tensor with_excused(const Tensor& got, const Tensor& want,
                    const std::function<Datum(Jitter&)>& again) {
  std::vector<Tensor> changed;
  for (int run = 1; run <= runs; ++run) {
    Jitter jitter(static_cast<uint64_t>(run));
    const Datum datum = again(jitter);
    if (datum.kind == Datum::Kind::tensor) changed.push_back(datum.tensor);
  }
  const std::vector<double> tolerances = rounding_tolerances(want, changed);
  const std::vector<double> g = got.to_reals(), w = want.to_reals();
  Tensor result = got.clone();
  for (size_t i = 0; i < g.size(); ++i) {
    // A number that no change has moved is what it is.
    if (!is_float(want.dtype()) && tolerances[i] < 1) continue;
    if (std::isinf(tolerances[i]) || std::fabs(g[i] - w[i]) <= tolerances[i])
      copy_elements(want, static_cast<int64_t>(i), result, static_cast<int64_t>(i), 1);
  }
  return result;
}

}  // namespace

std::string disagreement(const Datum& got, const Datum& want, double tolerance,
                         const std::function<Datum(Jitter&)>& again) {
  if (!again) return difference(got, want, {0, 0});
  Tolerance allowed{0, 0};
  if (is_numeric(want) && is_float(want.tensor.dtype())) {
    allowed.relative = std::max(tolerance, few_roundings * rounding(want.tensor.dtype()));
    allowed.absolute = allowed.relative * mean_square_root(want.tensor.to_reals());
  }
  std::string text = difference(got, want, allowed);
  if (text.empty() || !is_numeric(want) || !is_numeric(got) || !same_type(got.tensor, want.tensor))
    return text;
  return difference(with_excused(got.tensor, want.tensor, again), want, allowed);
}

Datum evaluate_region(const Evaluation& known, std::span<const NodeId> region, Value value,
                      Jitter* jitter) {
  const Graph& graph = known.graph();
  Evaluation own(graph, known.symbols());
  for (NodeId id : region) {
    const Node& node = graph.node(id);
    std::vector<Datum> arguments;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Value input = node.inputs[k];
      const Datum& argument = own.has(input) ? own.value(input) : known.value(input);
      arguments.push_back(jitter ? jitter->operand(node, k, argument) : argument);
    }
    std::vector<Datum> results = own.apply(id, arguments);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (!node.outputs[k].valid()) continue;
      own.set(node.outputs[k], jitter && node.op != "Constant"
                                   ? jitter->result(graph, node, arguments, results[k])
                                   : std::move(results[k]));
    }
  }
  return own.has(value) ? own.value(value) : known.value(value);
}

bool is_random(const Node& node) {
  if (op(node.op).effect) return true;
  return std::any_of(node.attrs.begin(), node.attrs.end(), [](const auto& attr) {
    const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr.second);
    if (!nested) return false;
    const std::vector<NodeId> nodes = (*nested)->nodes();
    return std::any_of(nodes.begin(), nodes.end(),
                       [&](NodeId id) { return is_random((*nested)->node(id)); });
  });
}

}  // namespace dlc
