// sink-constants: nested graphs get their own copies of the constants that they capture, so that
// what needs a constant (folding, packed weights) sees one there too. The memory stays shared.
#include <memory>

#include "compiler/ir/attr.h"
#include "passes/pipeline.h"

namespace dlc {
namespace {

/// Replaces input `index` of the graph by a constant of its own.
void make_constant(Graph& graph, size_t index, const Tensor& value) {
  const Value input = graph.inputs()[index];
  const std::vector<NodeId> nodes = graph.nodes();
  const Value constant =
      graph.add_constant(value, nodes.empty() ? NodeId{} : nodes.front(), graph.name(input));
  graph.set_name(input, "");
  graph.replace_uses(input, constant);
  graph.erase_input(index);
}

void sink(Graph& graph, NodeId id, PassContext& context) {
  const size_t captures = capture_count(graph.node(id));
  for (size_t k = 0; k < captures; ++k) {
    const Node node = graph.node(id);
    const size_t from_end = captures - k;  // walks from the first capture to the last
    const size_t input = node.inputs.size() - from_end;
    const Tensor* value = graph.constant(node.inputs[input]);
    if (!value) continue;
    for (const auto& [name, attr] : node.attrs) {
      const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr);
      if (!nested) continue;
      Graph changed = **nested;
      make_constant(changed, changed.inputs().size() - from_end, *value);
      graph.set_attr(id, name, std::make_shared<const Graph>(std::move(changed)));
    }
    std::vector<Value> inputs = node.inputs;
    inputs.erase(inputs.begin() + static_cast<long>(input));
    graph.set_inputs(id, std::move(inputs));
    if (node.op != "If") {
      const int64_t left = integer_attr(node, "captures") - 1;
      graph.set_attr(id, "captures", left);
    }
    context.count("sunk");
  }
}

void run(Graph& graph, PassContext& context) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (node.op == "If" || node.op == "Loop" || node.op == "Scan") sink(graph, id, context);
  }
}

}  // namespace

constinit const Pass sink_constants = {
    .name = "sink-constants",
    .purpose = "give nested graphs the constants that they capture",
    .run = run};

}  // namespace dlc
