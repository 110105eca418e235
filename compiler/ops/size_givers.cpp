// Looks for the symbols that a node binds in the rest of its graph.
#include "compiler/ops/size_givers.h"

#include <algorithm>
#include <set>

namespace dlc {
namespace {

using Names = std::set<std::string>;

void add_names(const Dim& dim, Names& names) {
  dim.visit_symbols([&](const std::string& name) { names.insert(name); });
}

/// Sizes that a value of the type has by itself.
void add_bound(const Type& type, Names& names) {
  if (!type.is_tensor() || !type.ranked) return;
  for (const Dim& dim : type.shape)
    if (const auto name = dim.as_symbol()) names.insert(*name);
}

void add_mentioned(const Graph& graph, Names& names);

void add_mentioned(const Graph& graph, const Node& node, Names& names) {
  for (Value output : node.outputs) {
    if (!output.valid()) continue;
    for (const Dim& dim : graph.type(output).shape) add_names(dim, names);
  }
  for (const auto& [attr, value] : node.attrs) {
    if (const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&value))
      add_mentioned(**nested, names);
    if (const auto* texts = std::get_if<Strings>(&value); texts && node.op == "dlc.Sizes")
      for (const std::string& text : *texts)
        if (const std::optional<Dim> dim = parse_dim(text)) add_names(*dim, names);
  }
}

void add_mentioned(const Graph& graph, Names& names) {
  for (NodeId id : graph.nodes()) add_mentioned(graph, graph.node(id), names);
}

}  // namespace

bool gives_sizes(const Graph& graph, NodeId id) {
  const OpKind kind = op(graph.node(id).op).kind();
  if (kind != OpKind::host && kind != OpKind::structural) return false;
  Names bound, known;
  for (Value output : graph.node(id).outputs)
    if (output.valid()) add_bound(graph.type(output), bound);
  for (Value input : graph.inputs()) add_bound(graph.type(input), known);
  for (const std::string& name : known) bound.erase(name);
  if (bound.empty()) return false;
  Names mentioned;
  for (NodeId other : graph.nodes())
    if (other != id) add_mentioned(graph, graph.node(other), mentioned);
  return std::any_of(bound.begin(), bound.end(),
                     [&](const std::string& name) { return mentioned.contains(name); });
}

}  // namespace dlc
