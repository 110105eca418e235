// Expansion of composites: by the row's function, or by its body of formulas.
// Next: compiler/ir/formula.h (how bodies are written), passes/decompose.cpp.
#include <map>

#include "compiler/ir/formula.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/instantiate.h"

namespace dlc {
namespace {

/// An attribute of the node, or the row's default for it; nullopt: neither.
std::optional<Attr> attribute_of(const OpDef& def, const AttrMap& attrs, std::string_view name) {
  if (const auto given = attrs.find(name); given != attrs.end()) return given->second;
  for (const AttrSpec& spec : def.attrs) {
    if (spec.name != name) continue;
    if (const auto* integer = std::get_if<int64_t>(&spec.value)) return *integer;
    if (const auto* real = std::get_if<double>(&spec.value)) return *real;
    if (const auto* text = std::get_if<std::string_view>(&spec.value)) return std::string(*text);
    if (const auto* ints = std::get_if<Ints>(&spec.value)) return *ints;
  }
  return std::nullopt;
}

std::vector<Value> expand_body(const OpDef& def, const Node& node, Builder& build) {
  FormulaScope scope;
  for (size_t k = 0; k < def.inputs.size(); ++k) {
    scope.values[std::string(def.inputs[k].name)] =
        k < node.inputs.size() ? node.inputs[k] : Value();
  }
  scope.attribute = [&](std::string_view name) { return attribute_of(def, node.attrs, name); };
  for (const FormulaLine& line : parse_formula_lines(def.body)) {
    const std::vector<Value> results =
        instantiate(line.formula, scope, build, std::max<size_t>(line.results.size(), 1));
    for (size_t k = 0; k < line.results.size(); ++k) scope.values[line.results[k]] = results[k];
  }
  std::vector<Value> outputs;
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    const auto found = scope.values.find(std::string(def.outputs[k]));
    if (found == scope.values.end()) {
      fail("the body of {} does not define its output %{}", def.name, def.outputs[k]);
    }
    outputs.push_back(found->second);
  }
  return outputs;
}

}  // namespace

std::vector<Value> expand_composite(Graph& graph, NodeId id) {
  return expand_composite(graph, id, op(graph.node(id).op));
}

std::vector<Value> expand_composite(Graph& graph, NodeId id, const OpDef& def) {
  const Node& node = graph.node(id);
  Builder build(graph, id, node.origins);
  if (!def.expand) return expand_body(def, node, build);
  const OpArgs args(def, graph, node.inputs, node.attrs, node.outputs.size());
  return def.expand(args, build, node.inputs);
}

}  // namespace dlc
