// Captures, and the way back from a value to the model's inputs.
#include "frontends/onnx/scope.h"

#include "compiler/ops/builder.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

/// A node of `to` that makes the same elements as `value` of `from`; invalid: they are not known.
Value copy_known(const Graph& from, Value value, Graph& to) {
  if (const Tensor* constant = from.constant(value)) return to.add_constant(*constant);
  const Type& type = from.type(value);
  if (!type.is_tensor() || !type.ranked || type.dtype != DType::i64 || type.rank() > 1) return {};
  const std::optional<Dims> sizes = known_values(from, value);
  if (!sizes) return {};
  Builder build(to);
  if (type.rank() == 1) return build.sizes(*sizes);
  const Dim& size = sizes->at(0);
  if (size.is_number()) return build.constant(Tensor::scalar(DType::i64, size.number()));
  return build("Reshape", {build.sizes(*sizes), build.ints({})});
}

}  // namespace

Value Level::add_capture(Value outer_value) {
  // The name is the outer one's: it names the same thing to whoever reads the model.
  const Value inner = graph.add_input(outer->graph.type(outer_value), "");
  set_name(inner, outer->graph.name(outer_value));
  sources.resize(graph.inputs().size());
  sources.back() = outer_value;
  captures.push_back(outer_value);
  return captured[outer_value] = inner;
}

void Level::set_name(Value value, const std::string& name) {
  if (!name.empty() && names.insert(name).second) graph.set_name(value, name);
}

Value Level::capture(Value outer_value) {
  const auto found = captured.find(outer_value);
  if (found != captured.end()) return found->second;
  const Value copy = copy_known(outer->graph, outer_value, graph);
  if (copy.valid()) return captured[outer_value] = copy;
  return add_capture(outer_value);
}

Value Level::capture_from(const Level& level, Value value) {
  if (&level == this) return value;
  return capture(outer->capture_from(level, value));
}

void Scope::define(const std::string& name, Value value) {
  if (!names_.emplace(name, value).second) {
    fail("'{}' is defined twice; names of values must be unique", name);
  }
}

const Value* Scope::look_up(const std::string& name, const Scope** where) const {
  for (const Scope* scope = this; scope; scope = scope->parent_) {
    const auto found = scope->names_.find(name);
    if (found == scope->names_.end()) continue;
    *where = scope;
    return &found->second;
  }
  return nullptr;
}

Value Scope::find(const std::string& name) {
  const Scope* where = nullptr;
  const Value* value = look_up(name, &where);
  if (!value) fail("'{}' is used, but no input, initializer or node gives it", name);
  if (!value->valid()) throw Unknown();
  return level_.capture_from(where->level_, *value);
}

Value Scope::find_or_absent(const std::string& name) {
  if (name.empty()) return {};
  for (const Scope* scope = this; scope; scope = scope->parent_) {
    if (scope->names_.contains(name)) break;
    if (scope->absent_.contains(name)) return {};
  }
  return find(name);
}

std::set<std::string> inputs_behind(const Level& level, Value value) {
  std::set<std::string> names;
  std::set<Value> seen;
  std::vector<Value> open = {value};
  while (!open.empty()) {
    const Value v = open.back();
    open.pop_back();
    if (!v.valid() || !seen.insert(v).second) continue;
    const NodeId producer = level.graph.producer(v);
    if (producer.valid()) {
      const Node& node = level.graph.node(producer);
      // Their results depend on types alone.
      if (node.op == "Shape" || node.op == "Size") continue;
      open.insert(open.end(), node.inputs.begin(), node.inputs.end());
      continue;
    }
    const auto index = static_cast<size_t>(level.graph.output_index(v));
    if (!level.outer) {
      names.insert(level.graph.name(v));
    } else if (index < level.sources.size() && level.sources[index].valid()) {
      names.merge(inputs_behind(*level.outer, level.sources[index]));
    }
  }
  return names;
}

}  // namespace dlc::onnx
