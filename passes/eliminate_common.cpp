// eliminate-common: equal nodes on equal inputs become one, constants included.
#include <algorithm>

#include "compiler/ir/text.h"
#include "compiler/ops/op_def.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

/// Larger constants are equal only if they share their memory: comparing weights would cost more
/// than it could save.
constexpr int64_t max_compared_bytes = 4096;

std::string key_of(const Attr& attr) {
  const auto* tensor = std::get_if<Tensor>(&attr);
  if (tensor == nullptr || tensor->bytes() <= max_compared_bytes) return print(attr);
  return fmt::format("{} at {}", to_string(Type::of(*tensor)), tensor->data());
}

/// Equal for nodes that compute the same, apart from which outputs are wanted.
std::string key_of(const Node& node) {
  std::string key = node.op + "(";
  for (const Value input : node.inputs) key += std::to_string(input.id) + ",";
  for (const auto& [name, attr] : node.attrs) key += name + "=" + key_of(attr) + ",";
  // Ops with a variable number of outputs (Split) take it into account.
  return key + ")" + std::to_string(node.outputs.size());
}

bool has_graph(const Node& node) {
  return std::any_of(node.attrs.begin(), node.attrs.end(), [](const auto& attr) {
    return std::holds_alternative<std::shared_ptr<const Graph>>(attr.second);
  });
}

/// Whether `kept` computes every output that is wanted of `node`, under the same type.
bool can_replace(const Graph& graph, const Node& kept, const Node& node) {
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    if (!node.outputs[k].valid()) continue;
    if (!kept.outputs[k].valid()) return false;
    if (!(graph.type(kept.outputs[k]) == graph.type(node.outputs[k]))) return false;
  }
  return true;
}

void run(Graph& graph, PassContext& context) {
  std::map<std::string, NodeId> seen;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (op(node.op).effect || has_graph(node)) continue;
    const auto [kept, fresh] = seen.emplace(key_of(node), id);
    if (fresh || !can_replace(graph, graph.node(kept->second), node)) continue;
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (!node.outputs[k].valid()) continue;
      replace_value(graph, node.outputs[k], graph.node(kept->second).outputs[k]);
    }
    graph.add_origins(kept->second, node.origins);
    graph.erase(id);
    context.count("merged");
  }
}

}  // namespace

constinit const Pass eliminate_common = {
    .name = "eliminate-common", .purpose = "compute equal values once", .run = run};

}  // namespace dlc
