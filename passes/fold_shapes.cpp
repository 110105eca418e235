// fold-shapes: arithmetic on sizes becomes constants, or dlc.Sizes of symbolic expressions.
#include <algorithm>

#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

/// The value as a constant or a dlc.Sizes; an invalid one if neither can say it.
Value known_form(Builder& build, const Type& type, const Dims& elements) {
  const bool numbers = std::all_of(elements.begin(), elements.end(),
                                   [](const Dim& element) { return element.is_number(); });
  if (!numbers) {
    const bool vector = type.dtype == DType::i64 && type.rank() == 1;
    return vector ? build.sizes(elements) : Value();
  }
  Shape shape;
  for (const Dim& dim : type.shape) shape.push_back(dim.number());
  Tensor tensor = Tensor::allocate(type.dtype, shape);
  for (size_t i = 0; i < elements.size(); ++i) {
    store_integer(type.dtype, tensor.mutable_data(), static_cast<int64_t>(i), elements[i].number());
  }
  return build.constant(std::move(tensor));
}

void fold(Graph& graph, NodeId id, PassContext& context) {
  const std::vector<Value> outputs = graph.node(id).outputs;
  for (const Value output : outputs) {
    if (!output.valid() || graph.use_count(output) == 0) continue;
    const std::optional<Dims> known = known_values(graph, output);
    if (!known) continue;
    Builder build(graph, id, graph.node(id).origins);
    const Value folded = known_form(build, graph.type(output), *known);
    if (!folded.valid()) continue;
    replace_value(graph, output, folded);
    context.count("folded");
  }
}

void run(Graph& graph, PassContext& context) {
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const bool is_known_form = node.inputs.empty();
    if (is_known_form || op(node.op).effect) continue;
    fold(graph, id, context);
  }
  if (!context.counts().empty()) erase_dead(graph);
}

}  // namespace

constinit const Pass fold_shapes = {
    .name = "fold-shapes",
    .purpose = "turn arithmetic on sizes into constants and symbols",
    .run = run};

}  // namespace dlc
