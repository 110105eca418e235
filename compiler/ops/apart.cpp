// Composites expanded beside their graph.
#include "compiler/ops/apart.h"

#include <algorithm>

namespace dlc {
namespace {

/// Known elements as a node of `graph`; invalid if they cannot be told in one.
Value add_known(Graph& graph, const Type& type, const Dims& known) {
  Builder build(graph);
  if (type.rank() == 1 && type.dtype == DType::i64) return build.sizes(known);
  Reals numbers;
  Shape shape;
  for (const Dim& value : known) {
    if (!value.is_number()) return {};
    numbers.push_back(static_cast<double>(value.number()));
  }
  for (const Dim& size : type.shape) shape.push_back(size.number());
  return build.constant(Tensor::of(type.dtype, std::move(shape), numbers));
}

Value add_input(const Graph& owner, Value value, const KnownLookup& known, Graph& graph) {
  if (!value.valid()) return {};
  if (const Tensor* constant = owner.constant(value)) return graph.add_constant(*constant);
  if (const std::optional<Dims> elements = known(value)) {
    const Value made = add_known(graph, owner.type(value), *elements);
    if (made.valid()) return made;
  }
  return graph.add_input(owner.type(value));
}

/// The first of `inputs` that `value` is made from.
size_t input_behind(const ExpandedBody& body, Value value) {
  std::vector<Value> open = {value};
  while (!open.empty()) {
    const Value v = open.back();
    open.pop_back();
    const auto found = std::find(body.inputs.begin(), body.inputs.end(), v);
    if (found != body.inputs.end()) return static_cast<size_t>(found - body.inputs.begin());
    const NodeId producer = body.graph.producer(v);
    if (!producer.valid()) continue;
    for (Value input : body.graph.node(producer).inputs) {
      if (input.valid()) open.push_back(input);
    }
  }
  return body.inputs.size();
}

}  // namespace

ExpandedBody expand_apart(const Graph& owner, std::string_view op, std::span<const Value> inputs,
                          const AttrMap& attrs, size_t outputs, const KnownLookup& known,
                          Requirements* requirements) {
  ExpandedBody body;
  for (Value input : inputs) body.inputs.push_back(add_input(owner, input, known, body.graph));
  // The node's own types are what is asked for; any will do for expanding it.
  const NodeId node = body.graph.add_node(std::string(op), body.inputs, attrs,
                                          std::vector<Type>(outputs, Type::unranked({})));
  try {
    body.outputs = expand_composite(body.graph, node, requirements);
    body.graph.erase(node);
  } catch (const NeedsValue& error) {
    const size_t k = input_behind(body, error.value);
    if (k == inputs.size()) throw;
    throw NeedsValue(error.what(), inputs[k]);
  }
  return body;
}

}  // namespace dlc
