// Graph: nodes in a doubly linked list, values with use lists.
// Next: verify.cpp for the invariants kept here.
#include "compiler/ir/graph.h"

#include <algorithm>
#include <cassert>

#include "runtime/error.h"

namespace dlc {

Value Graph::add_input(Type type, std::string name) {
  Value value{static_cast<int32_t>(values_.size())};
  values_.push_back({std::move(type), "", {}, static_cast<int>(inputs_.size()), {}});
  inputs_.push_back(value);
  set_name(value, std::move(name));
  return value;
}

void Graph::erase_input(size_t index) {
  assert(use_count(inputs_[index]) == 0 && "an input in use cannot go");
  inputs_.erase(inputs_.begin() + static_cast<std::ptrdiff_t>(index));
  for (size_t k = index; k < inputs_.size(); ++k)
    values_[inputs_[k].id].index = static_cast<int>(k);
}

void Graph::set_name(Value value, std::string name) { values_[value.id].name = std::move(name); }

bool Graph::is_output(Value value) const {
  return std::find(outputs_.begin(), outputs_.end(), value) != outputs_.end();
}

int Graph::use_count(Value value) const {
  return static_cast<int>(users(value).size() +
                          std::count(outputs_.begin(), outputs_.end(), value));
}

bool Graph::has_users(NodeId id) const {
  const Node& n = node(id);
  return std::any_of(n.outputs.begin(), n.outputs.end(),
                     [&](Value v) { return v.valid() && use_count(v) > 0; });
}

NodeId Graph::add_node(std::string op, std::vector<Value> inputs, AttrMap attrs,
                       std::vector<Type> output_types, Origins origins, NodeId before) {
  const NodeId id{static_cast<int32_t>(nodes_.size())};
  Node node{std::move(op), {}, {}, std::move(attrs), std::move(origins)};
  for (Type& type : output_types) {
    if (type.kind == Type::Kind::none) {
      node.outputs.push_back({});
      continue;
    }
    Value value{static_cast<int32_t>(values_.size())};
    values_.push_back({std::move(type), "", id, static_cast<int>(node.outputs.size()), {}});
    node.outputs.push_back(value);
  }
  const NodeId previous = before.valid() ? nodes_[before.id].previous : last_;
  nodes_.push_back({std::move(node), previous, before, false});
  (previous.valid() ? nodes_[previous.id].next : first_) = id;
  (before.valid() ? nodes_[before.id].previous : last_) = id;
  ++node_count_;
  set_inputs(id, std::move(inputs));
  return id;
}

std::vector<NodeId> Graph::nodes() const {
  std::vector<NodeId> all;
  all.reserve(node_count_);
  for (NodeId id = first_; id.valid(); id = next(id)) all.push_back(id);
  return all;
}

std::vector<NodeId> Graph::nodes_backward() const {
  std::vector<NodeId> all = nodes();
  std::reverse(all.begin(), all.end());
  return all;
}

void Graph::drop_uses(NodeId id) {
  for (Value input : nodes_[id.id].node.inputs) {
    if (!input.valid()) continue;
    std::erase_if(values_[input.id].users, [&](const Use& use) { return use.node == id; });
  }
}

void Graph::set_inputs(NodeId id, std::vector<Value> inputs) {
  drop_uses(id);
  Node& node = nodes_[id.id].node;
  node.inputs = std::move(inputs);
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (node.inputs[k].valid()) {
      values_[node.inputs[k].id].users.push_back({id, static_cast<int>(k)});
    }
  }
}

void Graph::set_input(NodeId id, size_t index, Value value) {
  std::vector<Value> inputs = node(id).inputs;
  inputs[index] = value;
  set_inputs(id, std::move(inputs));
}

void Graph::set_attr(NodeId id, std::string name, Attr value) {
  nodes_[id.id].node.attrs.insert_or_assign(std::move(name), std::move(value));
}

void Graph::add_origins(NodeId id, const Origins& origins) {
  nodes_[id.id].node.origins.insert(origins.begin(), origins.end());
}

void Graph::replace_uses(Value from, Value to) {
  if (from == to) return;
  const std::vector<Use> uses = users(from);
  for (const Use& use : uses) nodes_[use.node.id].node.inputs[use.input] = to;
  auto& target = values_[to.id].users;
  target.insert(target.end(), uses.begin(), uses.end());
  values_[from.id].users.clear();
  std::replace(outputs_.begin(), outputs_.end(), from, to);
}

void Graph::erase(NodeId id) {
  assert(!has_users(id) && "a node in use cannot be erased");
  drop_uses(id);
  NodeInfo& info = nodes_[id.id];
  (info.previous.valid() ? nodes_[info.previous.id].next : first_) = info.next;
  (info.next.valid() ? nodes_[info.next.id].previous : last_) = info.previous;
  info.erased = true;
  info.node.attrs.clear();  // constants give their memory back
  info.node.inputs.clear();
  --node_count_;
}

Value Graph::add_constant(Tensor value, NodeId before, std::string name) {
  Type type = Type::of(value);
  const NodeId id =
      add_node("Constant", {}, {{"value", std::move(value)}}, {std::move(type)}, {}, before);
  set_name(node(id).outputs[0], std::move(name));
  return node(id).outputs[0];
}

const Tensor* Graph::constant(Value value) const {
  if (!value.valid() || !producer(value).valid()) return nullptr;
  const Node& n = node(producer(value));
  if (n.op != "Constant") return nullptr;
  const auto found = n.attrs.find("value");
  return found == n.attrs.end() ? nullptr : std::get_if<Tensor>(&found->second);
}

std::string Graph::describe(NodeId id) const {
  const Node& n = node(id);
  if (n.origins.empty()) return fmt::format("node ({})", n.op);
  return fmt::format("node '{}' ({})", *n.origins.begin(), n.op);
}

}  // namespace dlc
