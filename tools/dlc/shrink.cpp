// Delta debugging of graphs: see shrink.h.
#include "tools/dlc/shrink.h"

#include <algorithm>
#include <optional>

#include "compiler/ops/op_def.h"

namespace dlc::cli {
namespace {

std::vector<NodeId> nodes_of(const Graph& graph) {
  std::vector<NodeId> nodes = graph.nodes();
  std::erase_if(nodes, [&](NodeId id) { return graph.node(id).op == "Constant"; });
  return nodes;
}

/// Without what nothing needs.
Graph cleaned(Graph graph) {
  for (NodeId id : graph.nodes_backward())
    if (!graph.has_users(id)) graph.erase(id);
  for (size_t k = graph.inputs().size(); k-- > 0;)
    if (graph.use_count(graph.inputs()[k]) == 0) graph.erase_input(k);
  return graph;
}

/// The outputs that stay; if none does, the values that only the nodes that go have read.
std::vector<Value> outputs_left(const Graph& graph, const std::set<NodeId>& gone) {
  std::vector<Value> outputs;
  for (Value output : graph.outputs())
    if (!gone.contains(graph.producer(output))) outputs.push_back(output);
  if (!outputs.empty()) return outputs;
  for (NodeId id : nodes_of(graph)) {
    if (gone.contains(id)) continue;
    for (Value value : graph.node(id).outputs) {
      if (!value.valid()) continue;
      const auto& users = graph.users(value);
      if (std::all_of(users.begin(), users.end(),
                      [&](const Use& use) { return gone.contains(use.node); }))
        outputs.push_back(value);
    }
  }
  return outputs;
}

/// Takes over the name of a value that others still use.
Value input_for(Graph& graph, Value value) {
  const std::string name = graph.name(value);
  graph.set_name(value, "");
  return graph.add_input(graph.type(value), name);
}

std::optional<Graph> without(Graph graph, const std::set<NodeId>& gone) {
  std::vector<Value> outputs = outputs_left(graph, gone);
  if (outputs.empty()) return std::nullopt;
  graph.set_outputs(std::move(outputs));
  for (NodeId id : gone) {
    for (Value value : graph.node(id).outputs) {
      if (!value.valid()) continue;
      const std::vector<Use> users = graph.users(value);
      const bool needed = std::any_of(users.begin(), users.end(),
                                      [&](const Use& use) { return !gone.contains(use.node); });
      if (needed) graph.replace_uses(value, input_for(graph, value));
    }
  }
  return cleaned(std::move(graph));
}

/// With the node's first result replaced by its operand `input`.
std::optional<Graph> bypassed(Graph graph, NodeId id, size_t input) {
  const Node& node = graph.node(id);
  const Value from = node.outputs.empty() ? Value() : node.outputs[0], to = node.inputs[input];
  if (!from.valid() || !to.valid() || !(graph.type(from) == graph.type(to))) return std::nullopt;
  graph.replace_uses(from, to);
  return cleaned(std::move(graph));
}

class Shrinker {
 public:
  Shrinker(Graph graph, const std::function<bool(const Graph&)>& fails)
      : graph_(std::move(graph)), fails_(fails) {}

  Graph run() {
    while (drop_nodes() || drop_outputs() || bypass_nodes()) {
    }
    return std::move(graph_);
  }

 private:
  bool attempt(std::optional<Graph> smaller) {
    if (!smaller || !fails_(*smaller)) return false;
    graph_ = std::move(*smaller);
    return true;
  }

  bool drop_nodes() {
    bool any = false;
    for (size_t chunk = std::max<size_t>(node_count(graph_) / 2, 1);; chunk /= 2) {
      for (size_t begin = 0; begin < node_count(graph_);) {
        const std::vector<NodeId> nodes = nodes_of(graph_);
        const size_t end = std::min(begin + chunk, nodes.size());
        if (end - begin < nodes.size() &&
            attempt(without(graph_, {nodes.begin() + static_cast<long>(begin),
                                     nodes.begin() + static_cast<long>(end)}))) {
          any = true;
        } else {
          begin = end;
        }
      }
      if (chunk <= 1) return any;
    }
  }

  bool drop_outputs() {
    for (size_t k = 0; k < graph_.outputs().size() && graph_.outputs().size() > 1; ++k) {
      Graph smaller = graph_;
      std::vector<Value> outputs = graph_.outputs();
      outputs.erase(outputs.begin() + static_cast<long>(k));
      smaller.set_outputs(std::move(outputs));
      if (attempt(cleaned(std::move(smaller)))) return true;
    }
    return false;
  }

  bool bypass_nodes() {
    for (NodeId id : nodes_of(graph_))
      for (size_t k = 0; k < graph_.node(id).inputs.size(); ++k)
        if (attempt(bypassed(graph_, id, k))) return true;
    return false;
  }

  Graph graph_;
  const std::function<bool(const Graph&)>& fails_;
};

}  // namespace

size_t node_count(const Graph& graph) { return nodes_of(graph).size(); }

Graph shrink(Graph graph, const std::function<bool(const Graph&)>& fails) {
  return Shrinker(std::move(graph), fails).run();
}

}  // namespace dlc::cli
