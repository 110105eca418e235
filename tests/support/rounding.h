// How far results of a graph may be off by rounding, measured on the graph itself.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc::test {

/// The outputs of a graph as the interpreter computes them, and how much each element may differ.
///
/// What a program computes differs from the interpreter's by a few roundings at each node. How much
/// that makes in the end depends on the graph: cancellation, divisors near zero and exponents
/// enlarge it. So it is measured (compiler/ops/rounding.h): the graph is interpreted again with the
/// inputs and outputs of each inexact node changed at random; the tolerance is a fixed factor times
/// the change that this makes in an output.
class Expected {
 public:
  Expected(const Graph& graph, std::span<const Datum> inputs);

  /// What differs first by more than it may; empty: nothing.
  std::string difference(std::span<const Datum> got) const;
  /// The share of elements of inexact outputs that differences of 1 % would be seen in.
  double judged() const;
  /// What the graph's values are, by id; for cutting it.
  const std::vector<Datum>& values() const { return values_; }

 private:
  struct Output {
    Tensor tensor;
    std::vector<double> tolerances;  ///< infinite: anything goes; empty: none, it is exact
  };
  static std::string different(const Tensor& got, const Output& want);

  std::vector<Datum> values_;
  std::vector<Output> outputs_;  ///< the tensors, items of sequences one by one
  std::vector<size_t> counts_;   ///< of tensors, by output
};

}  // namespace dlc::test
