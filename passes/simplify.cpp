// simplify: the algebra and movement rewrites.
#include "passes/pipeline.h"
#include "passes/rules.h"

namespace dlc {
namespace {

void run(Graph& graph, PassContext& context) {
  std::vector<Rewrite> rows = algebra_rules();
  rows.insert(rows.end(), movement_rules().begin(), movement_rules().end());
  apply_rewrites(graph, rows, context);
}

}  // namespace

constinit const Pass simplify_graph = {
    .name = "simplify", .purpose = "remove arithmetic and copies that change nothing", .run = run};

}  // namespace dlc
