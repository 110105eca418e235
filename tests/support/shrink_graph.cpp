// Makes a graph that shows a failure small.
#include "tests/support/shrink_graph.h"

#include <algorithm>
#include <optional>

#include "compiler/ops/op_def.h"
#include "tests/support/rounding.h"

namespace dlc::test {
namespace {

/// Without nodes and inputs that nothing needs.
GraphCase cleaned(GraphCase c) {
  for (NodeId node : c.graph.nodes_backward()) {
    if (!c.graph.has_users(node)) c.graph.erase(node);
  }
  for (size_t k = c.inputs.size(); k-- > 0;) {
    const Value input = c.graph.inputs()[k];
    if (c.graph.use_count(input) > 0) continue;
    c.graph.erase_input(k);
    c.inputs.erase(c.inputs.begin() + static_cast<std::ptrdiff_t>(k));
  }
  return c;
}

std::optional<GraphCase> with_one_output(const GraphCase& c, size_t kept) {
  if (c.graph.outputs().size() < 2) return std::nullopt;
  GraphCase smaller = c;
  smaller.graph.set_outputs({c.graph.outputs()[kept]});
  return cleaned(std::move(smaller));
}

/// The node's values come in from outside.
std::optional<GraphCase> with_inputs_for(const GraphCase& c, NodeId node) {
  GraphCase smaller = c;
  const Expected expected(c.graph, c.inputs);
  for (Value v : c.graph.node(node).outputs) {
    if (!v.valid() || c.graph.use_count(v) == 0) continue;
    if (!c.graph.type(v).is_tensor()) return std::nullopt;
    const Value input = smaller.graph.add_input(c.graph.type(v));
    smaller.inputs.push_back(expected.values()[static_cast<size_t>(v.id)]);
    smaller.graph.replace_uses(v, input);
  }
  return cleaned(std::move(smaller));
}

/// The node's first value is one of its inputs.
std::optional<GraphCase> without(const GraphCase& c, NodeId node, size_t input) {
  const Value from = c.graph.node(node).outputs[0], to = c.graph.node(node).inputs[input];
  if (!from.valid() || !to.valid() || !(c.graph.type(from) == c.graph.type(to))) {
    return std::nullopt;
  }
  GraphCase smaller = c;
  smaller.graph.replace_uses(from, to);
  return cleaned(std::move(smaller));
}

/// The node's inputs are outputs instead of its values.
std::optional<GraphCase> cut_before(const GraphCase& c, NodeId node) {
  std::vector<Value> outputs;
  for (Value v : c.graph.outputs()) {
    if (c.graph.producer(v) != node) outputs.push_back(v);
  }
  if (outputs.size() == c.graph.outputs().size()) return std::nullopt;
  for (Value v : c.graph.node(node).inputs) {
    if (v.valid() && !c.graph.constant(v) && c.graph.producer(v).valid()) outputs.push_back(v);
  }
  if (outputs.empty()) return std::nullopt;
  GraphCase smaller = c;
  smaller.graph.set_outputs(outputs);
  return cleaned(std::move(smaller));
}

std::vector<GraphCase> smaller_ones(const GraphCase& c) {
  std::vector<GraphCase> found;
  const auto add = [&](std::optional<GraphCase> smaller) {
    if (smaller) found.push_back(std::move(*smaller));
  };
  for (size_t k = 0; k < c.graph.outputs().size(); ++k) add(with_one_output(c, k));
  for (NodeId node : c.graph.nodes_backward()) {
    if (c.graph.node(node).op == "Constant") continue;
    add(cut_before(c, node));
    add(with_inputs_for(c, node));
    for (size_t k = 0; k < c.graph.node(node).inputs.size(); ++k) add(without(c, node, k));
  }
  return found;
}

size_t size(const GraphCase& c) { return c.graph.node_count() + c.graph.outputs().size(); }

}  // namespace

GraphCase shrink(GraphCase c, const std::function<bool(const GraphCase&)>& fails) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (GraphCase& next : smaller_ones(c)) {
      if (size(next) >= size(c) || !fails(next)) continue;
      c = std::move(next);
      smaller = true;
      break;
    }
  }
  return c;
}

}  // namespace dlc::test
