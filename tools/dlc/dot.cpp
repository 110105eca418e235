// Graphs as pictures.
#include "tools/dlc/dot.h"

#include <fmt/format.h>

namespace dlc::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

/// The box that a value comes out of.
std::string source(const Graph& graph, Value value) {
  const NodeId producer = graph.producer(value);
  return producer.valid() ? fmt::format("n{}", producer.id) : fmt::format("v{}", value.id);
}

std::string arrow(const Graph& graph, Value value, const std::string& to) {
  return fmt::format("  {} -> {} [label=\"{}\"];\n", source(graph, value), to,
                     escaped(to_string(graph.type(value))));
}

}  // namespace

std::string dot_text(const Graph& graph) {
  std::string text =
      fmt::format("digraph \"{}\" {{\n  node [shape=box, fontname=sans];\n", escaped(graph.name()));
  for (const Value input : graph.inputs())
    text +=
        fmt::format("  v{} [shape=ellipse, label=\"{}\"];\n", input.id, escaped(graph.name(input)));
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (node.op == "Constant") continue;
    const std::string name = node.origins.empty() ? "" : "\\n" + escaped(*node.origins.begin());
    text += fmt::format("  n{} [label=\"{}{}\"];\n", id.id, escaped(node.op), name);
    for (const Value input : node.inputs)
      if (input.valid() && graph.constant(input) == nullptr)
        text += arrow(graph, input, fmt::format("n{}", id.id));
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Value output = graph.outputs()[i];
    text += fmt::format("  o{} [shape=ellipse, label=\"{}\"];\n", i, escaped(graph.name(output)));
    text += arrow(graph, output, fmt::format("o{}", i));
  }
  return text + "}\n";
}

}  // namespace dlc::cli
