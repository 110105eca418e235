// fold-constants: nodes on constants become their results.
#include <algorithm>
#include <cmath>

#include "compiler/ops/evaluate.h"
#include "compiler/ops/op_def.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"
#include "runtime/error.h"

namespace dlc {
namespace {

/// Results may be this much larger than what they are made of: a filled or repeated tensor is
/// cheaper to make than to keep.
constexpr int64_t free_bytes = 64 << 10;
constexpr int64_t growth = 2;
/// Larger results take long to compute, and a weight that is only moved is packed as it is.
constexpr int64_t max_bytes = 16 << 20;
/// Multiplications that the interpreter does in about a second.
constexpr double max_products = 1e8;

/// The bytes of all values; nullopt: not tensors of known sizes.
std::optional<int64_t> bytes_of(const Graph& graph, const std::vector<Value>& values) {
  int64_t total = 0;
  for (const Value value : values) {
    if (!value.valid()) continue;
    const Type& type = graph.type(value);
    if (!type.ranked || !type.is_static()) return std::nullopt;
    total += byte_size(type.dtype, product(type.shape).number());
  }
  return total;
}

/// A matrix product multiplies sqrt(|A| |B| |C|) times; a convolution about as often.
double products_of(const Graph& graph, const Node& node) {
  double sizes = 1;
  const auto include = [&](Value value) {
    if (value.valid()) sizes *= static_cast<double>(product(graph.type(value).shape).number());
  };
  for (size_t k = 0; k < std::min<size_t>(node.inputs.size(), 2); ++k) include(node.inputs[k]);
  include(node.outputs[0]);
  return std::sqrt(sizes);
}

bool can_fold(const Graph& graph, const Node& node) {
  const OpDef& def = op(node.op);
  if (def.effect || def.kind() == OpKind::structural) return false;
  if (node.inputs.empty()) return false;  // dlc.Sizes: what it says depends on the run
  const bool constant = std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value input) {
    return !input.valid() || graph.constant(input) != nullptr;
  });
  if (!constant) return false;
  const std::optional<int64_t> before = bytes_of(graph, node.inputs);
  const std::optional<int64_t> after = bytes_of(graph, node.outputs);
  if (!before || !after || *after > max_bytes) return false;
  if (*after > free_bytes + growth * *before) return false;
  return !def.contraction || products_of(graph, node) <= max_products;
}

/// False for a node that fails: a run that comes to it says so, and perhaps none does.
bool fold(Graph& graph, NodeId id) {
  std::vector<Datum> inputs;
  for (const Value input : graph.node(id).inputs) {
    inputs.push_back(input.valid() ? Datum(*graph.constant(input)) : Datum());
  }
  std::vector<Datum> results;
  try {
    results = evaluate_node(graph, id, inputs);
  } catch (const Error&) {
    return false;
  }
  for (size_t k = 0; k < graph.node(id).outputs.size(); ++k) {
    const Value output = graph.node(id).outputs[k];
    if (!output.valid()) continue;
    const Value constant = graph.add_constant(results[k].tensor, id);
    graph.add_origins(graph.producer(constant), graph.node(id).origins);
    replace_value(graph, output, constant);
  }
  graph.erase(id);
  return true;
}

void run(Graph& graph, PassContext& context) {
  for (const NodeId id : graph.nodes()) {
    if (!graph.has_users(id) || !can_fold(graph, graph.node(id))) continue;
    if (!fold(graph, id)) continue;
    context.count("folded");
  }
  if (!context.counts().empty()) erase_dead(graph);
}

}  // namespace

constinit const Pass fold_constants = {
    .name = "fold-constants", .purpose = "compute at compile time what is constant", .run = run};

}  // namespace dlc
