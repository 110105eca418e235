// How ops that move elements move strings: the same op on numbers that say where each string is,
// then one host function that fetches them.
#include "compiler/ops/on_strings.h"

#include <algorithm>

namespace dlc {
namespace {

bool is_string(const Graph& graph, Value value) {
  return value.valid() && graph.type(value).is_tensor() && graph.type(value).dtype == DType::string;
}

bool any_string(const Graph& graph, std::span<const Value> values) {
  return std::any_of(values.begin(), values.end(),
                     [&](Value value) { return is_string(graph, value); });
}

}  // namespace

bool is_replaced(const OpDef& def, const Graph& graph, std::span<const Value> inputs,
                 const AttrMap& attrs) {
  if (def.on_strings.empty()) return false;
  const auto to = attrs.find("to");
  const auto* type = to == attrs.end() ? nullptr : std::get_if<int64_t>(&to->second);
  return any_string(graph, inputs) || (type && *type == static_cast<int64_t>(DType::string));
}

OpKind kind_of(const Graph& graph, const Node& node) {
  const OpDef& def = op(node.op);
  const OpKind kind = def.kind();
  if (kind != OpKind::elementwise && kind != OpKind::loops) return kind;
  const bool strings =
      any_string(graph, node.outputs) || is_replaced(def, graph, node.inputs, node.attrs);
  return strings ? OpKind::composite : kind;
}

std::vector<Value> expand_on_strings(const OpDef& def, const Node& node, Builder& build) {
  const Graph& graph = build.graph();
  if (is_replaced(def, graph, node.inputs, node.attrs))
    return build.node(def.on_strings, node.inputs, node.attrs, node.outputs.size());
  const auto count = std::count_if(node.inputs.begin(), node.inputs.end(),
                                   [&](Value input) { return is_string(graph, input); });
  // String p of the k-th tensor of strings has the number p * count + k + 1; 0 is the empty string.
  std::vector<Value> inputs = node.inputs, texts;
  for (Value& input : inputs) {
    if (!is_string(graph, input)) continue;
    texts.push_back(input);
    input = build(
        "dlc.Number", {input},
        {{"step", static_cast<int64_t>(count)}, {"first", static_cast<int64_t>(texts.size())}});
  }
  std::vector<Value> results =
      build.node(node.op, std::move(inputs), node.attrs, node.outputs.size());
  for (Value& result : results) {
    if (!result.valid()) continue;
    std::vector<Value> taken = {result};
    taken.insert(taken.end(), texts.begin(), texts.end());
    result = build("dlc.TakeStrings", std::move(taken));
  }
  return results;
}

}  // namespace dlc
