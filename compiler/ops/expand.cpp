// Expansion of composites: by the row's function, or by its body of formulas.
// Next: compiler/ir/formula.h (how bodies are written), passes/decompose.cpp.
#include <map>

#include "compiler/ir/formula.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/instantiate.h"
#include "compiler/ops/on_strings.h"

namespace dlc {
namespace {

std::vector<Value> expand_body(const OpDef& def, const Node& node, Builder& build) {
  FormulaScope scope;
  for (size_t k = 0; k < def.inputs.size(); ++k) {
    scope.values[std::string(def.inputs[k].name)] =
        k < node.inputs.size() ? node.inputs[k] : Value();
  }
  scope.attribute = [&](std::string_view name) {
    return attribute_or_default(def, node.attrs, name);
  };
  for (const FormulaLine& line : parse_formula_lines(def.body)) {
    const std::vector<Value> results =
        instantiate(line.formula, scope, build, std::max<size_t>(line.results.size(), 1));
    for (size_t k = 0; k < line.results.size(); ++k) scope.values[line.results[k]] = results[k];
  }
  if (node.outputs.size() > def.outputs.size())
    fail("{} outputs, but only {} exist", node.outputs.size(), def.outputs.size());
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

std::vector<Value> expand_composite(Graph& graph, NodeId id, Requirements* requirements) {
  return expand_composite(graph, id, op(graph.node(id).op), requirements);
}

std::vector<Value> expand_composite(Graph& graph, NodeId id, const OpDef& def,
                                    Requirements* requirements) {
  const Node& node = graph.node(id);
  Builder build(graph, id, node.origins);
  if (def.kind() != OpKind::composite) return expand_on_strings(def, node, build);
  if (!def.expand) return expand_body(def, node, build);
  const OpArgs args(def, graph, node.inputs, node.attrs, node.outputs.size(), requirements);
  return def.expand(args, build, node.inputs);
}

}  // namespace dlc
