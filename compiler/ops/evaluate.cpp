// The interpreter of graphs. Control flow: evaluate_control.cpp.
#include "compiler/ops/evaluate.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "compiler/expr/interpret.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate_control.h"

namespace dlc {
namespace {

PlainAttr plain(const AttrDefault& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* ints = std::get_if<Ints>(&value)) return *ints;
  return {};
}

std::optional<PlainAttr> plain(const Attr& value) {
  return std::visit(
      [](const auto& v) -> std::optional<PlainAttr> {
        if constexpr (std::is_constructible_v<PlainAttr, decltype(v)>) return PlainAttr(v);
        return std::nullopt;
      },
      value);
}

/// Learns the symbols of `type` from a concrete value; a bound one must agree.
void bind_symbols(const Type& type, const Datum& value, SymbolValues& symbols) {
  if (!type.is_tensor() || !type.ranked || value.kind != Datum::Kind::tensor) return;
  const Shape& shape = value.tensor.shape();
  if (shape.size() != type.shape.size()) {
    fail("a tensor of shape {} does not fit {}", to_string(shape), to_string(type));
  }
  for (size_t k = 0; k < shape.size(); ++k) {
    const Dim& dim = type.shape[k];
    if (const auto name = dim.as_symbol()) symbols.try_emplace(*name, shape[k]);
  }
}

/// The node alone, in a graph where its tensors are constants: all their types become static.
struct Concrete {
  Graph graph{"concrete"};
  NodeId node;
  std::vector<Datum> others;  ///< sequences and maps, which are the graph's inputs

  Concrete(const Graph& owner, const Node& from, std::span<const Datum> inputs) {
    std::vector<Value> values;
    for (size_t k = 0; k < inputs.size(); ++k) {
      values.push_back({});
      if (inputs[k].kind == Datum::Kind::tensor) {
        values.back() = graph.add_constant(inputs[k].tensor);
      } else if (inputs[k].kind != Datum::Kind::none) {
        values.back() = graph.add_input(owner.type(from.inputs[k]));
        others.push_back(inputs[k]);
      }
    }
    while (!values.empty() && !values.back().valid()) values.pop_back();
    std::vector<Type> types = infer(graph, from.op, values, from.attrs, from.outputs.size());
    node = graph.add_node(from.op, std::move(values), from.attrs, std::move(types), from.origins);
  }
};

std::vector<Datum> evaluate_composite(Concrete& concrete);

std::vector<Datum> evaluate_formula(const Graph& graph, const Node& node,
                                    std::span<const Datum> inputs, const SymbolValues& symbols) {
  Concrete concrete(graph, node, inputs);
  if (kind_of(concrete.graph, concrete.graph.node(concrete.node)) == OpKind::composite)
    return evaluate_composite(concrete);
  std::vector<Tensor> operands;
  for (const Datum& input : inputs) operands.push_back(input.tensor);
  std::vector<Datum> outputs;
  for (const TensorExpr& output : compute(concrete.graph, concrete.node).outputs) {
    const size_t k = outputs.size();
    const bool wanted = k < node.outputs.size() && node.outputs[k].valid();
    outputs.push_back(wanted ? Datum(interpret(output, operands, symbols)) : Datum());
  }
  return outputs;
}

std::vector<Datum> evaluate_composite(Concrete& concrete) {
  const std::vector<Value> outputs = expand_composite(concrete.graph, concrete.node);
  std::vector<Value> present;
  for (Value output : outputs) {
    if (output.valid()) present.push_back(output);
  }
  concrete.graph.set_outputs(present);
  concrete.graph.erase(concrete.node);
  std::vector<Datum> values = evaluate(concrete.graph, concrete.others);
  std::vector<Datum> result(outputs.size());
  size_t next = 0;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k].valid()) result[k] = std::move(values[next++]);
  }
  return result;
}

}  // namespace

Attributes host_attributes(const Node& node) {
  Attributes attributes;
  for (const AttrSpec& spec : op(node.op).attrs) {
    PlainAttr value = plain(spec.value);
    if (!std::holds_alternative<std::monostate>(value)) {
      attributes.set(std::string(spec.name), std::move(value));
    }
  }
  for (const auto& [name, attr] : node.attrs) {
    std::optional<PlainAttr> value = plain(attr);
    if (!value) continue;
    // A whole number may stand for a real one.
    const auto* whole = std::get_if<int64_t>(&*value);
    const bool real =
        std::any_of(op(node.op).attrs.begin(), op(node.op).attrs.end(), [&](const AttrSpec& spec) {
          return spec.name == name && std::holds_alternative<double>(spec.value);
        });
    if (whole && real) value = static_cast<double>(*whole);
    attributes.set(name, std::move(*value));
  }
  return attributes;
}

std::vector<Datum> evaluate_step(const Graph& graph, const Node& node,
                                 std::span<const Datum> inputs, const SymbolValues& symbols) {
  const OpDef& def = op(node.op);
  switch (def.kind()) {
    case OpKind::elementwise:
    case OpKind::loops:
      return evaluate_formula(graph, node, inputs, symbols);
    case OpKind::composite: {
      Concrete concrete(graph, node, inputs);
      return evaluate_composite(concrete);
    }
    case OpKind::host: {
      std::vector<Datum> outputs(node.outputs.size());
      def.host({inputs, outputs, host_attributes(node)});
      return outputs;
    }
    case OpKind::structural:
      if (node.op == "Constant") return {Datum(std::get<Tensor>(node.attrs.at("value")))};
      return evaluate_control(node, inputs, symbols);
  }
  return {};
}

std::vector<Datum> evaluate_node(const Graph& graph, NodeId id, std::span<const Datum> inputs) {
  const Node& node = graph.node(id);
  SymbolValues symbols;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (node.inputs[k].valid()) bind_symbols(graph.type(node.inputs[k]), inputs[k], symbols);
  }
  return with_context([&] { return graph.describe(id); },
                      [&] { return evaluate_step(graph, node, inputs, symbols); });
}

void Evaluation::set(Value value, Datum datum) {
  bind_symbols(graph_->type(value), datum, symbols_);
  values_[value] = std::move(datum);
}

void Evaluation::set_inputs(std::span<const Datum> inputs) {
  if (inputs.size() != graph_->inputs().size()) {
    fail("{} inputs are given, but the graph has {}", inputs.size(), graph_->inputs().size());
  }
  for (size_t k = 0; k < inputs.size(); ++k) set(graph_->inputs()[k], inputs[k]);
}

const Datum& Evaluation::value(Value value) const {
  static const Datum absent;
  return value.valid() ? values_.at(value) : absent;
}

std::vector<Datum> Evaluation::arguments(NodeId id) const {
  std::vector<Datum> result;
  for (Value input : graph_->node(id).inputs) result.push_back(value(input));
  return result;
}

void Evaluation::run(NodeId id) {
  std::vector<Datum> results = apply(id, arguments(id));
  with_context([&] { return graph_->describe(id); },
               [&] {
                 const std::vector<Value>& outputs = graph_->node(id).outputs;
                 for (size_t k = 0; k < outputs.size(); ++k)
                   if (outputs[k].valid()) set(outputs[k], std::move(results[k]));
               });
}

std::vector<Datum> Evaluation::apply(NodeId id, std::span<const Datum> arguments) const {
  return with_context(
      [&] { return graph_->describe(id); },
      [&] { return evaluate_step(*graph_, graph_->node(id), arguments, symbols_); });
}

std::vector<NodeId> nodes_between(const Graph& graph, const std::function<bool(Value)>& known,
                                  Value value) {
  std::set<NodeId> needed;
  std::vector<Value> open = {value};
  while (!open.empty()) {
    const Value next = open.back();
    open.pop_back();
    if (!next.valid() || known(next)) continue;
    const NodeId producer = graph.producer(next);
    assert(producer.valid() && "the graph's inputs are known");
    if (!needed.insert(producer).second) continue;
    const std::vector<Value>& inputs = graph.node(producer).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  if (needed.size() < 2) return {needed.begin(), needed.end()};
  std::vector<NodeId> ordered;
  for (NodeId id : graph.nodes())
    if (needed.contains(id)) ordered.push_back(id);
  return ordered;
}

std::vector<Datum> evaluate_graph(const Graph& graph, std::span<const Datum> inputs,
                                  SymbolValues symbols) {
  Evaluation evaluation(graph, std::move(symbols));
  evaluation.set_inputs(inputs);
  for (NodeId id : graph.nodes()) evaluation.run(id);
  std::vector<Datum> outputs;
  for (Value output : graph.outputs()) outputs.push_back(evaluation.value(output));
  return outputs;
}

std::vector<Datum> evaluate(const Graph& graph, std::span<const Datum> inputs) {
  return evaluate_graph(graph, inputs, {});
}

}  // namespace dlc
