// Builder: nodes with inferred types.
#include "compiler/ops/builder.h"

namespace dlc {

std::vector<Value> Builder::node(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                                 size_t outputs) {
  // Absent trailing inputs are the same as none: one form for equal nodes.
  while (!inputs.empty() && !inputs.back().valid()) inputs.pop_back();
  std::vector<Type> types = infer(graph_, op, inputs, attrs, outputs);
  const NodeId id = graph_.add_node(std::string(op), std::move(inputs), std::move(attrs),
                                    std::move(types), origins_, before_);
  return graph_.node(id).outputs;
}

std::vector<Value> Builder::node_as(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                                    std::vector<Type> types) {
  const NodeId id = graph_.add_node(std::string(op), std::move(inputs), std::move(attrs),
                                    std::move(types), origins_, before_);
  return graph_.node(id).outputs;
}

Value Builder::operator()(std::string_view op, std::vector<Value> inputs, AttrMap attrs) {
  return node(op, std::move(inputs), std::move(attrs), 1)[0];
}

Value Builder::constant(Tensor value) { return graph_.add_constant(std::move(value), before_); }

Value Builder::ints(Ints values) { return constant(Tensor::ints(values)); }

Value Builder::scalar(DType dtype, double value) { return constant(Tensor::scalar(dtype, value)); }

Value Builder::sizes(const Dims& dims) {
  Ints numbers;
  Strings texts;
  for (const Dim& dim : dims) {
    if (dim.is_number()) numbers.push_back(dim.number());
    texts.push_back(dim.to_string());
  }
  if (numbers.size() == dims.size()) return ints(std::move(numbers));
  return (*this)("dlc.Sizes", {}, {{"dims", std::move(texts)}});
}

}  // namespace dlc
