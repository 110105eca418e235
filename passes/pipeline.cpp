// The order of passes, and running one.
#include "passes/pipeline.h"

#include <algorithm>
#include <array>
#include <memory>

namespace dlc {

std::span<const Pass* const> pipeline() {
  static constexpr std::array list = {
      &sink_constants,
      &fold_shapes,
      &fold_constants,
      &simplify_graph,
      // Twice: a scale that has gone into the weights makes room for the shift behind it.
      &fold_batch_norm,
      &fold_constants,
      &fold_batch_norm,
      &fold_constants,
      &fuse_activations,
      &decompose,
      &widen_contractions,
      &simplify_graph,
      &merge_projections,
      &fold_shapes,
      &fold_constants,
      &eliminate_common,
      &eliminate_dead,
  };
  return list;
}

const Pass* find_pass(std::string_view name) {
  const auto passes = pipeline();
  const auto found = std::find_if(passes.begin(), passes.end(),
                                  [&](const Pass* pass) { return pass->name == name; });
  return found == passes.end() ? nullptr : *found;
}

void run_pass(const Pass& pass, Graph& graph, PassContext& context) {
  for (NodeId id : graph.nodes()) {
    const AttrMap attrs = graph.node(id).attrs;
    for (const auto& [name, attr] : attrs) {
      const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr);
      if (!nested) continue;
      Graph changed = **nested;
      run_pass(pass, changed, context);
      graph.set_attr(id, name, std::make_shared<const Graph>(std::move(changed)));
    }
  }
  pass.run(graph, context);
}

}  // namespace dlc
