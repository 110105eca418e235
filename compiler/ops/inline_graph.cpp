// Copies the nodes of a nested graph; types follow from the values that come in.
#include "compiler/ops/inline_graph.h"

#include <map>

namespace dlc {

std::vector<Value> inline_graph(Builder& build, const Graph& nested,
                                std::span<const Value> inputs) {
  if (nested.inputs().size() != inputs.size())
    fail("graph {} has {} inputs, but {} values come in", nested.name(), nested.inputs().size(),
         inputs.size());
  std::map<Value, Value> here;
  for (size_t k = 0; k < inputs.size(); ++k) here[nested.inputs()[k]] = inputs[k];
  const auto place = [&](Value value) { return value.valid() ? here.at(value) : Value(); };
  for (NodeId id : nested.nodes()) {
    const Node& node = nested.node(id);
    std::vector<Value> arguments;
    for (Value input : node.inputs) arguments.push_back(place(input));
    const std::vector<Value> results =
        build.node(node.op, std::move(arguments), node.attrs, node.outputs.size());
    for (size_t k = 0; k < node.outputs.size(); ++k)
      if (node.outputs[k].valid()) here[node.outputs[k]] = results[k];
  }
  std::vector<Value> outputs;
  for (Value output : nested.outputs()) outputs.push_back(place(output));
  return outputs;
}

}  // namespace dlc
