// How far values may be off by rounding: see rounding.h.
// Next: compiler/driver/verify.h, which judges passes and kernels by it.
#include "compiler/ops/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/ops/op_def.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

constexpr double allowed_roundings = 4;
constexpr double factor = 8;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Of the type's smallest numbers.
double smallest(DType dtype) {
  if (dtype == DType::f16) return 0x1p-24;
  return is_float(dtype) && bits(dtype) <= 8 ? 0x1p-9 : 1e-37;
}

bool is_float_tensor(const Datum& datum) {
  return datum.kind == Datum::Kind::tensor && is_float(datum.tensor.dtype());
}

double winograd_error(const Graph& graph, const Node& node) {
  if (node.op != "Conv") return 0;
  const Dims& w = graph.type(node.inputs[1]).shape;
  return w.size() == 4 && w[2] == Dim(3) && w[3] == Dim(3) ? 6e-5 : 0;
}

/// A GRU blends by a gate z and 1 - z, which has as many digits less as z is close to 1; so has an
/// LSTM's with input_forget.
bool rounds_at_one(const Node& node) { return node.op == "GRU" || node.op == "LSTM"; }

/// 1 + erf(x) and the like, of which x is a factor, have fewer digits as x goes below -1.
double cancellation(const Node& node, std::span<const Datum> operands, double rounding) {
  if (!node.op.ends_with("Gelu") || !is_float_tensor(operands[0])) return 0;
  double largest = 0;
  for (double x : operands[0].tensor.to_reals())
    if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
  return rounding * largest;
}

/// About how many terms an element of the result is the sum of: a reduction's operand is that much
/// larger; a product of m x k and k x n has m * n elements.
double terms(std::span<const Datum> operands, const Tensor& result) {
  std::vector<double> sizes;
  for (const Datum& operand : operands)
    if (is_float_tensor(operand)) sizes.push_back(static_cast<double>(operand.tensor.size()));
  const double size = static_cast<double>(std::max<int64_t>(result.size(), 1));
  double most = 1;
  for (double operand : sizes) most = std::max(most, operand / size);
  if (sizes.size() > 1) most = std::max(most, std::sqrt(sizes[0] * sizes[1] / size));
  return most;
}

/// Resize's scales, for one: what compilation must know.
bool decides_shapes(const Node& node, size_t input) {
  const std::vector<InputSpec>& specs = op(node.op).inputs;
  return !specs.empty() && specs[std::min(input, specs.size() - 1)].known;
}

}  // namespace

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

double mean_square_root(std::span<const double> values) {
  double sum = 0, count = 0;
  for (double v : values) {
    if (!std::isfinite(v)) continue;
    sum += v * v;
    ++count;
  }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

Datum Jitter::operand(const Node& node, size_t input, const Datum& datum, bool relative_only) {
  if (!is_float_tensor(datum) || decides_shapes(node, input)) return datum;
  const double r = allowed_roundings * rounding(datum.tensor.dtype());
  return changed(datum, r, relative_only ? 0 : r);
}

Datum Jitter::result(const Graph& graph, const Node& node, std::span<const Datum> operands,
                     const Datum& datum) {
  if (!is_float_tensor(datum)) return datum;
  const double own = rounding(datum.tensor.dtype());
  const double r = allowed_roundings * own +
                   std::sqrt(terms(operands, datum.tensor)) * std::min(own, rounding(DType::f32));
  const double absolute = rounds_at_one(node) ? own : cancellation(node, operands, own);
  return changed(datum, r, std::max(r, winograd_error(graph, node)), absolute);
}

/// The tensor with each element changed by up to `relative` of itself, `level` of the mean, and
/// `absolute`.
Datum Jitter::changed(const Datum& datum, double relative, double level, double absolute) {
  const auto unit = [&] { return static_cast<double>(random_() % 2001) / 1000 - 1; };
  const DType dtype = datum.tensor.dtype();
  const std::vector<double> values = datum.tensor.to_reals();
  absolute += level * mean_square_root(values);
  Tensor tensor = datum.tensor.clone();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double v = values[static_cast<size_t>(i)];
    const double step = unit() * (relative * std::fabs(v) + absolute);
    store_real(dtype, tensor.mutable_data(), i, v + step);
  }
  return tensor;
}

std::vector<double> rounding_tolerances(const Tensor& tensor, const std::vector<Tensor>& changed) {
  const std::vector<double> values = tensor.to_reals();
  std::vector<double> moves(values.size(), 0);
  for (const Tensor& other : changed) {
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

}  // namespace dlc
