// widen-contractions: convolutions of narrow floats, and products of what was computed in f32, are
// computed in f32: what the ops of one computation hand on is not rounded in between.
#include <algorithm>

#include "compiler/ops/builder.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

bool is_narrow(const Type& type) {
  return type.is_tensor() && is_float(type.dtype) && arithmetic_type(type.dtype) != type.dtype;
}

/// The node with f32 inputs and its result rounded back.
void widen(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  Builder build(graph, id, node.origins);
  const auto convert = [&](Value value, DType to) {
    return build("dlc.Convert", {value}, {{"to", static_cast<int64_t>(to)}});
  };
  std::vector<Value> inputs = node.inputs;
  for (Value& input : inputs)
    if (input.valid() && is_narrow(graph.type(input))) input = convert(input, DType::f32);
  const Value wide = build(node.op, inputs, node.attrs);
  const Value result = convert(wide, graph.type(node.outputs[0]).dtype);
  const std::string name = graph.name(node.outputs[0]);
  graph.set_name(node.outputs[0], "");
  graph.set_name(result, name);
  graph.replace_uses(node.outputs[0], result);
  graph.erase(id);
}

/// A narrow value between two steps that the model does not ask for by a Cast.
const std::vector<Rewrite>& rules() {
  static const std::vector<Rewrite> rows = {
      {.name = "keep-precision",
       .match = "dlc.Convert(dlc.Convert(%x))",
       .where = {{"the types before and after are the same and wide",
                  [](const Match& m) {
                    return m.type("x").dtype == m.type().dtype && !is_narrow(m.type());
                  }}},
       .replace = "%x",
       .keeps_inner = true}};
  return rows;
}

/// Whether the value was wide, and is narrow only to be handed on.
bool was_wide(const Graph& graph, Value value) {
  if (!value.valid() || !is_narrow(graph.type(value)) || !graph.producer(value).valid())
    return false;
  const Node& producer = graph.node(graph.producer(value));
  return producer.op == "dlc.Convert" && !is_narrow(graph.type(producer.inputs[0]));
}

/// Products have kernels for narrow floats, convolutions do not.
bool gains(const Graph& graph, const Node& node) {
  const OpDef& def = op(node.op);
  if (!def.contraction || !is_narrow(graph.type(node.outputs[0]))) return false;
  const OpArgs args(def, graph, node.inputs, node.attrs, node.outputs.size());
  if (def.contraction(args).kind == Contraction::Kind::convolution) return true;
  return std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](Value input) { return was_wide(graph, input); });
}

void run(Graph& graph, PassContext& context) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!gains(graph, node)) continue;
    widen(graph, id);
    context.count("widened");
  }
  apply_rewrites(graph, rules(), context);
}

}  // namespace

constinit const Pass widen_contractions = {
    .name = "widen-contractions",
    .purpose = "compute products and convolutions of narrow floats in f32",
    .keeps = Keeps::within_tolerance,
    .run = run};

}  // namespace dlc
