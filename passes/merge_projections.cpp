// merge-projections: matrix products of one input with several constant matrices become one
// product, cut apart afterwards: queries, keys and values of attention.
#include <algorithm>

#include "compiler/ops/builder.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"

namespace dlc {
namespace {

struct Projection {
  NodeId product;
  Value result;  ///< with the bias added, if there is one
  Value weights, bias;
};

bool is_vector(const Graph& graph, Value value, const Dim& size) {
  const Type& type = graph.type(value);
  return graph.constant(value) && type.shape.size() == 1 && type.shape[0] == size;
}

/// A product that goes through a pointwise op keeps it as its epilogue: better than one product
/// less. What only moves elements reads a part as well as the whole.
bool is_only_moved(const Graph& graph, Value value) {
  const auto& users = graph.users(value);
  return !graph.is_output(value) && std::all_of(users.begin(), users.end(), [&](const Use& use) {
    const std::string& op = graph.node(use.node).op;
    return op == "Reshape" || op == "Transpose";
  });
}

int64_t products_of(const Graph& graph, Value input) {
  const auto& users = graph.users(input);
  return std::count_if(users.begin(), users.end(), [&](const Use& use) {
    return use.input == 0 && graph.node(use.node).op == "MatMul";
  });
}

std::optional<Projection> projection(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "MatMul" || !graph.constant(node.inputs[1])) return std::nullopt;
  const Dims& shape = graph.type(node.inputs[1]).shape;
  if (shape.size() != 2 || graph.type(node.inputs[0]).shape.size() < 2) return std::nullopt;
  Projection p{id, node.outputs[0], node.inputs[1], {}};
  if (graph.use_count(p.result) == 1 && graph.users(p.result).size() == 1) {
    const Use use = graph.users(p.result)[0];
    const Node& user = graph.node(use.node);
    if (user.op == "Add" && is_vector(graph, user.inputs[1 - use.input], shape[1])) {
      p.bias = user.inputs[1 - use.input];
      p.result = user.outputs[0];
    }
  }
  return p;
}

/// Nodes for the joined matrix are folded into a constant by a later pass.
Value joined(Graph& graph, Builder& build, const std::vector<Projection>& parts,
             Value Projection::*part, int64_t axis) {
  std::vector<Value> values;
  for (const Projection& p : parts) values.push_back(build.constant(*graph.constant(p.*part)));
  return build("Concat", values, {{"axis", axis}});
}

void merge(Graph& graph, const std::vector<Projection>& parts) {
  Origins origins;
  Ints sizes;
  for (const Projection& p : parts) {
    for (Value value : {graph.node(p.product).outputs[0], p.result}) {
      const Origins& own = graph.node(graph.producer(value)).origins;
      origins.insert(own.begin(), own.end());
    }
    sizes.push_back(graph.type(p.weights).shape[1].number());
  }
  Builder build(graph, parts[0].product, origins);
  const Value x = graph.node(parts[0].product).inputs[0];
  Value all = build("MatMul", {x, joined(graph, build, parts, &Projection::weights, 1)});
  if (parts[0].bias.valid())
    all = build("Add", {all, joined(graph, build, parts, &Projection::bias, 0)});
  const auto rank = static_cast<int64_t>(graph.type(all).shape.size());
  const std::vector<Value> results =
      build.node("Split", {all, build.ints(sizes)}, {{"axis", rank - 1}}, parts.size());
  for (size_t k = 0; k < parts.size(); ++k) replace_value(graph, parts[k].result, results[k]);
}

void run(Graph& graph, PassContext& context) {
  std::map<std::pair<Value, bool>, std::vector<Projection>> by_input;
  std::vector<std::pair<Value, bool>> order;
  for (NodeId id : graph.nodes()) {
    const std::optional<Projection> p = projection(graph, id);
    if (!p) continue;
    if (!is_only_moved(graph, p->result)) {
      if (context.explain() && products_of(graph, graph.node(id).inputs[0]) > 1)
        context.report({"merge-projections", graph.describe(id),
                        "its users only move the result (Reshape, Transpose)"});
      continue;
    }
    const std::pair<Value, bool> key = {graph.node(id).inputs[0], p->bias.valid()};
    if (by_input[key].empty()) order.push_back(key);
    by_input[key].push_back(*p);
  }
  for (const auto& key : order) {
    const std::vector<Projection>& parts = by_input[key];
    if (parts.size() < 2) continue;
    merge(graph, parts);
    context.count("merged", static_cast<int>(parts.size()));
  }
  erase_dead(graph);
}

}  // namespace

constinit const Pass merge_projections = {
    .name = "merge-projections",
    .purpose = "multiply an input with several constant matrices at once",
    .run = run};

}  // namespace dlc
