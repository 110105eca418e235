// decompose: composites become the ops they are made of.
#include "compiler/ops/builder.h"
#include "passes/pipeline.h"

namespace dlc {
namespace {

/// Bodies may hold composites themselves: repeats until none is left.
void run(Graph& graph, PassContext& context) {
  bool again = true;
  while (again) {
    again = false;
    for (NodeId id : graph.nodes()) {
      const Node node = graph.node(id);
      if (kind_of(graph, node) != OpKind::composite) continue;
      const std::vector<Value> results = expand_composite(graph, id);
      for (size_t k = 0; k < node.outputs.size(); ++k) {
        if (!node.outputs[k].valid() || !results[k].valid()) continue;
        const std::string name = graph.name(node.outputs[k]);
        graph.replace_uses(node.outputs[k], results[k]);
        graph.set_name(node.outputs[k], "");
        if (graph.name(results[k]).empty()) graph.set_name(results[k], name);
      }
      graph.erase(id);
      context.count("expanded");
      again = true;
    }
  }
}

}  // namespace

constinit const Pass decompose = {.name = "decompose",
                                  .purpose = "replace composite ops by what they are made of",
                                  .keeps = Keeps::within_tolerance,
                                  .required = true,
                                  .run = run};

}  // namespace dlc
