// eliminate-dead: nodes whose results nobody uses.
#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

void run(Graph& graph, PassContext& context) {
  if (const int erased = erase_dead(graph); erased > 0) context.count("erased", erased);
}

}  // namespace

constinit const Pass eliminate_dead = {
    .name = "eliminate-dead", .purpose = "erase nodes that no output needs", .run = run};

}  // namespace dlc
