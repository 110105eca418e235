// How far values may be off by rounding, measured on the values themselves as in stochastic
// arithmetic (Vignes' CESTAC): what a node takes and makes is changed by random multiples of the
// roundings that are allowed there; how much that moves a result is what it may be off by.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc {

/// Half the distance to the next number, relative; 0 for what is no float.
double rounding(DType dtype);
double mean_square_root(std::span<const double> values);  ///< of the finite ones

/// Changes the operands and results of nodes. A program's may be off, relative to the element and
/// to the root mean square of its tensor, by 4 roundings of its type; at 3x3 convolutions by 6e-5
/// (Winograd: CompileOptions::winograd); sums of n terms by sqrt(n) roundings of f32 more; what gates
/// near 1 make, by a rounding of 1.
class Jitter {
 public:
  explicit Jitter(uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15 + 1) {}
  /// `relative_only`: elements are changed relative to themselves only. What decides shapes stays.
  Datum operand(const Node& node, size_t input, const Datum& datum, bool relative_only = false);
  Datum result(const Graph& graph, const Node& node, std::span<const Datum> operands,
               const Datum& datum);

 private:
  Datum changed(const Datum& datum, double relative, double level, double absolute = 0);
  std::mt19937_64 random_;
};

/// By element, what `tensor` may be off by, from what it was in runs with changes; infinite where
/// anything goes.
std::vector<double> rounding_tolerances(const Tensor& tensor, const std::vector<Tensor>& changed);

}  // namespace dlc
