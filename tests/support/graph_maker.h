// Draws graphs node by node; each node is interpreted as it is drawn, so that every value is known.
// Next: graph_blocks.cpp (what is drawn), random_graph.h (whole graphs).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ops/builder.h"
#include "runtime/tensor.h"
#include "tests/support/random_index.h"

namespace dlc::test {

using testing::Random;

/// Thrown when what was begun cannot be drawn here; GraphMaker::attempt takes it back.
struct Rejected {};

/// Whether a value is what any correct program computes, bit for bit: inputs, constants, and what
/// ops that round nothing make of such values. The rest may differ by rounding.
bool exact_result(const Graph& graph, NodeId node, bool exact_inputs);
/// Small changes of an input may change the result by much: comparisons, roundings, casts to
/// integers, ... Never fed with values that are not exact.
bool is_fragile(const Graph& graph, NodeId node);
/// By value id.
std::vector<bool> exact_values(const Graph& graph);

class GraphMaker {
 public:
  explicit GraphMaker(Random source);

  Random random;
  const Graph& graph() const { return graph_; }
  const Type& type(Value value) const { return graph_.type(value); }
  const Dims& shape(Value value) const { return graph_.type(value).shape; }
  int64_t rank(Value value) const { return graph_.type(value).rank(); }
  /// What the value is for the inputs drawn so far.
  const Datum& datum(Value value) const { return data_.at(static_cast<size_t>(value.id)); }
  const Shape& sizes(Value value) const { return datum(value).tensor.shape(); }

  /// The first output of a new node. Throws Error where the row takes no such node, Rejected where
  /// the result is too large, mostly NaN, or fragile of inexact values.
  Value operator()(std::string_view op, std::vector<Value> inputs, AttrMap attrs = {});
  std::vector<Value> node(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                          size_t outputs);
  Value constant(Tensor value);
  Value ints(Ints values) { return constant(Tensor::ints(values)); }
  Value scalar(DType dtype, double value) { return constant(Tensor::scalar(dtype, value)); }
  /// A new input of the graph: floats in [-2, 2], every fourth time integers.
  Value input(const Type& type);
  Value input(DType dtype, Dims dims) { return input(Type::tensor(dtype, std::move(dims))); }
  /// An input of positive numbers.
  Value positive(DType dtype, Dims dims);

  /// A size from the few that this graph uses, sometimes symbolic.
  Dim dim();
  int64_t number();  ///< the same, as a number
  int64_t between(int64_t first, int64_t last) { return first + random.below(last - first + 1); }
  /// dim as it is for the inputs drawn.
  int64_t size(const Dim& dim) const;
  DType float_type();  ///< mostly f32
  /// Sizes for the symbols in `type` that have none yet.
  void know_symbols(const Type& type);

  /// A tensor drawn before, the latest most often, or a new input.
  Value any();
  Value any_float();
  /// The same with `rank` axes; a new input has dims of dim().
  Value any_float(int64_t rank);
  /// Another value that broadcasts with `x` in its type, drawn before if possible.
  Value partner(Value x);
  /// x made to have that type, or a new input where there is no way.
  Value fit(Value x, const Type& want);
  /// A value of the type: made from one drawn before, or a new input.
  Value of_type(const Type& want);

  /// Runs `draw`; takes everything back and returns false if it throws Error or Rejected. An Error
  /// that says that we failed is thrown on.
  template <typename Draw>
  bool attempt(const Draw& draw);

  /// Values that were drawn as results, in their order.
  const std::vector<Value>& results() const { return results_; }
  Graph take_graph() { return std::move(graph_); }
  std::map<std::string, int64_t> symbols() const { return symbols_; }

 private:
  struct State {
    Graph graph;
    std::vector<Datum> data;
    std::vector<Value> results;
    std::map<std::string, int64_t> symbols;
  };
  Value earlier(DType dtype);
  void set(Value value, Datum datum);
  bool is_reasonable(const Datum& datum);
  Value fit_rank(Value x, size_t rank);
  Value fit_axis(Value x, int64_t axis, int64_t size);
  Value fit_flat(Value x, const Dims& want);

  Graph graph_;
  std::vector<Datum> data_;     ///< by value id
  std::vector<Value> results_;  ///< tensors, for any()
  std::map<std::string, int64_t> symbols_;
  std::vector<int64_t> palette_;
  bool symbolic_;
  bool narrow_;  ///< f16, bf16 and f64 are drawn too
};

template <typename Draw>
bool GraphMaker::attempt(const Draw& draw) {
  State before = {graph_, data_, results_, symbols_};
  try {
    draw();
    return true;
  } catch (const Rejected&) {
  } catch (const Error& error) {
    if (error.code() == ErrorCode::failed) throw;
  }
  graph_ = std::move(before.graph);
  data_ = std::move(before.data);
  results_ = std::move(before.results);
  symbols_ = std::move(before.symbols);
  return false;
}

}  // namespace dlc::test
