// The importer: If, Loop and Scan, whose nested graphs become closed ones.
#include <algorithm>

#include "frontends/onnx/importer.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

// A size that differs between iterations becomes a symbol in the next try, so there are few.
constexpr int most_tries = 8;

using GraphAttr = std::shared_ptr<const Graph>;

std::vector<const proto::ValueInfoProto*> formal_inputs(const proto::GraphProto& graph) {
  std::set<std::string> initialized;
  for (const auto& tensor : graph.initializer()) initialized.insert(tensor.name());
  std::vector<const proto::ValueInfoProto*> inputs;
  for (const auto& input : graph.input()) {
    if (!initialized.contains(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

/// The type of a slice along `axis`.
Type without_axis(const Type& type, int64_t axis) {
  if (!type.is_tensor()) fail("only tensors can be scanned, not {}", to_string(type));
  if (!type.ranked) return type;
  Dims shape = type.shape;
  shape.erase(shape.begin() + OpArgs::normalize_axis(axis, type.rank()));
  return Type::tensor(type.dtype, std::move(shape));
}

Ints axes_attr(const OnnxNode& node, std::string_view name, size_t count) {
  const auto found = node.attrs.find(name);
  if (found == node.attrs.end()) return Ints(count, 0);
  const Ints* axes = std::get_if<Ints>(&found->second);
  if (!axes || axes->size() != count) fail("attribute {} must have {} numbers", name, count);
  return *axes;
}

void attach(OnnxNode& node, const std::string& attr, GraphAttr graph,
            const std::vector<Value>& captures) {
  node.attrs.insert_or_assign(attr, std::move(graph));
  node.inputs.insert(node.inputs.end(), captures.begin(), captures.end());
}

}  // namespace

BoundAttr Importer::graph_attr(const proto::NodeProto& node, std::string_view name,
                               Place place) const {
  for (const auto& attr : node.attribute()) {
    if (attr.name() != name) continue;
    const std::optional<BoundAttr> bound = resolve(attr, place);
    if (bound && bound->attr->has_g()) return *bound;
  }
  fail("attribute {} is missing or no graph", name);
}

/// `sources`: the outer values that the inputs stand for, where that can be said. `captures`: outer
/// values that become inputs in any case.
Importer::Body Importer::import_body(const BoundAttr& attr, Place place,
                                     std::span<const Type> inputs, std::span<const Value> sources,
                                     std::span<const Value> captures) {
  const proto::GraphProto& from = attr.attr->g();
  Body body{std::make_shared<Graph>(from.name().empty() ? attr.attr->name() : from.name()), {}};
  Level level(*body.graph, &place.scope.level());
  Scope scope(level, attr.scope);
  const auto formals = formal_inputs(from);
  if (formals.size() != inputs.size()) {
    fail("graph {} has {} inputs, but must have {}", attr.attr->name(), formals.size(),
         inputs.size());
  }
  for (size_t k = 0; k < inputs.size(); ++k) {
    const proto::ValueInfoProto& formal = *formals[k];
    if (!agrees(formal.type(), inputs[k])) {
      Symbols scratch;
      fail("graph {} declares its input '{}' as {}, but gets {}", attr.attr->name(), formal.name(),
           to_string(type_of(formal.type(), formal.name(), scratch)), to_string(inputs[k]));
    }
    const Value value = body.graph->add_input(inputs[k]);
    if (!is_generated(formal.name())) level.set_name(value, formal.name());
    scope.define(formal.name(), value);
    level.sources.push_back(k < sources.size() ? sources[k] : Value());
  }
  for (Value value : captures) level.add_capture(value);
  import_contents(from, {scope, *attr.frame});
  body.graph->set_outputs(find_outputs(from, {scope, *attr.frame}));
  body.captures = level.captures;
  return body;
}

/// A body whose results are inputs of the next iteration: imports it again with wider types until
/// they hold for every iteration.
Importer::Body Importer::import_iterated(const BoundAttr& attr, Place place,
                                         std::vector<Type> inputs, std::span<const Value> sources,
                                         size_t first_state, size_t states, size_t first_result) {
  for (int k = 0; k < most_tries; ++k) {
    Body body = import_body(attr, place, inputs, sources, {});
    const auto& outputs = body.graph->outputs();
    if (outputs.size() < first_result + states) {
      fail("graph {} has {} outputs, but needs at least {}", attr.attr->name(), outputs.size(),
           first_result + states);
    }
    bool changed = false;
    for (size_t s = 0; s < states; ++s) {
      const Type& result = body.graph->type(outputs[first_result + s]);
      changed |= widen(inputs[first_state + s], result);
    }
    if (!changed) return body;
  }
  fail_as(ErrorCode::unsupported, "the types of the loop's variables do not settle");
}

/// Makes `state` a type that `next` fits as well. A symbol that is this state's own fits any size.
bool Importer::widen(Type& state, const Type& next) {
  if (state.kind == Type::Kind::optional && next.kind != Type::Kind::optional) {
    return widen(state, Type::optional(next));  // what an optional can hold is one, too
  }
  if (state.kind != next.kind || state.dtype != next.dtype) {
    fail("a variable of a loop begins as {} but goes on as {}", to_string(state), to_string(next));
  }
  if (state.element && next.element) {
    Type element = *state.element;
    const bool changed = widen(element, *next.element);
    state.element = std::make_shared<const Type>(std::move(element));
    return changed;
  }
  if (!state.is_tensor() || !state.ranked) return false;
  if (!next.ranked || next.rank() != state.rank()) {
    state = Type::unranked(state.dtype);
    return true;
  }
  bool changed = false;
  for (size_t k = 0; k < state.shape.size(); ++k) {
    const auto name = state.shape[k].as_symbol();
    if (state.shape[k] == next.shape[k] || (name && loop_sizes_.contains(*name))) continue;
    state.shape[k] = symbols_.fresh_symbol("iteration_d" + std::to_string(k));
    loop_sizes_.insert(*state.shape[k].as_symbol());
    changed = true;
  }
  return changed;
}

/// The branch of an If whose condition is known, in place: exporters guard ranks and sizes by such.
std::vector<Value> Importer::import_branch(const BoundAttr& attr, Place place) {
  Scope scope(place.scope.level(), attr.scope);
  if (!formal_inputs(attr.attr->g()).empty()) fail("a branch of an If has no inputs");
  import_contents(attr.attr->g(), {scope, *attr.frame});
  return find_outputs(attr.attr->g(), {scope, *attr.frame});
}

bool Importer::import_control(OnnxNode& node, const proto::NodeProto& from, Place place) {
  struct Row {
    std::string_view op;
    void (Importer::*import)(OnnxNode&, const proto::NodeProto&, Place);
  };
  constexpr Row rows[] = {
      {"If", &Importer::import_if},
      {"Loop", &Importer::import_loop},
      {"Scan", &Importer::import_scan},
      {"SequenceMap", &Importer::import_sequence_map},
      {"ai.onnx.preview.FlexAttention", &Importer::import_flex_attention},
  };
  for (const Row& row : rows) {
    if (row.op != node.op) continue;
    (this->*row.import)(node, from, place);
    return true;
  }
  for (const auto& attr : from.attribute()) {
    if (attr.has_g() || attr.graphs_size() > 0) {
      fail_as(ErrorCode::unsupported, "the op {} with a graph as attribute is not supported",
              node.op);
    }
  }
  return false;
}

void Importer::import_if(OnnxNode& node, const proto::NodeProto& from, Place place) {
  if (node.inputs.size() != 1 || !node.inputs[0].valid()) fail("If needs its condition");
  const BoundAttr then_attr = graph_attr(from, "then_branch", place);
  const BoundAttr else_attr = graph_attr(from, "else_branch", place);
  if (const auto condition = known_values(node.graph(), node.inputs[0]);
      condition && condition->size() == 1 && condition->at(0).is_number()) {
    node.results = import_branch(condition->at(0).number() ? then_attr : else_attr, place);
    return;
  }
  // A branch that cannot be imported is often one that is never taken: then the condition decides.
  const size_t findings = findings_.size();
  const auto need_condition = [&] {
    needed_inputs_.merge(inputs_behind(place.scope.level(), node.inputs[0]));
  };
  try {
    import_branches(node, then_attr, else_attr, place);
  } catch (...) {
    need_condition();
    throw;
  }
  if (findings_.size() > findings) need_condition();
}

void Importer::import_branches(OnnxNode& node, const BoundAttr& then_attr,
                               const BoundAttr& else_attr, Place place) {
  // Both branches get the same captures: first those of the one, then what the other adds.
  const Body then_body = import_body(then_attr, place, {}, {}, {});
  const Body else_body = import_body(else_attr, place, {}, {}, then_body.captures);
  for (size_t k = then_body.captures.size(); k < else_body.captures.size(); ++k) {
    then_body.graph->add_input(place.scope.graph().type(else_body.captures[k]));
  }
  if (then_body.graph->outputs().size() != else_body.graph->outputs().size()) {
    fail("the branches have {} and {} outputs", then_body.graph->outputs().size(),
         else_body.graph->outputs().size());
  }
  node.attrs.insert_or_assign("then_branch", GraphAttr(then_body.graph));
  attach(node, "else_branch", else_body.graph, else_body.captures);
}

void Importer::import_loop(OnnxNode& node, const proto::NodeProto& from, Place place) {
  if (node.inputs.size() < 2) node.inputs.resize(2);
  const size_t states = node.inputs.size() - 2;
  std::vector<Type> types = {Type::tensor(DType::i64, {}), Type::tensor(DType::boolean, {})};
  for (size_t k = 0; k < states; ++k) {
    if (!node.has(k + 2)) fail("input {} is missing", k + 2);
    types.push_back(node.type(k + 2));
  }
  const BoundAttr attr = graph_attr(from, "body", place);
  std::vector<Value> sources = node.inputs;
  sources[0] = Value();  // the number of the iteration is not the number of iterations
  const Body body = import_iterated(attr, place, std::move(types), sources, 2, states, 1);
  attach(node, "body", body.graph, body.captures);
  if (!body.captures.empty()) {
    node.attrs.emplace("captures", static_cast<int64_t>(body.captures.size()));
  }
}

void Importer::import_scan(OnnxNode& node, const proto::NodeProto& from, Place place) {
  if (node.opset < 9) return import_scan_8(node, from, place);
  const auto found = node.attrs.find("num_scan_inputs");
  const auto* given = found == node.attrs.end() ? nullptr : std::get_if<int64_t>(&found->second);
  if (!given || *given < 1 || *given > static_cast<int64_t>(node.inputs.size())) {
    fail("attribute num_scan_inputs is missing or does not fit {} inputs", node.inputs.size());
  }
  const auto scanned = static_cast<size_t>(*given);
  const size_t states = node.inputs.size() - scanned;
  const Ints axes = axes_attr(node, "scan_input_axes", scanned);
  std::vector<Type> types;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (!node.has(k)) fail("input {} is missing", k);
    types.push_back(k < states ? node.type(k) : without_axis(node.type(k), axes[k - states]));
  }
  const BoundAttr attr = graph_attr(from, "body", place);
  const std::vector<Value> sources = node.inputs;
  const Body body = import_iterated(attr, place, std::move(types), sources, 0, states, 0);
  attach(node, "body", body.graph, body.captures);
  if (!body.captures.empty()) {
    node.attrs.emplace("captures", static_cast<int64_t>(body.captures.size()));
  }
}

/// Opset 8 scanned along axis 1 of every input, for each element of a batch: today a Scan over the
/// batch around a Scan over the sequence.
void Importer::import_scan_8(OnnxNode& node, const proto::NodeProto& from, Place place) {
  const auto found = node.attrs.find("num_scan_inputs");
  const auto* given = found == node.attrs.end() ? nullptr : std::get_if<int64_t>(&found->second);
  if (!given || *given < 1 || *given >= static_cast<int64_t>(node.inputs.size())) {
    fail("attribute num_scan_inputs is missing or does not fit {} inputs", node.inputs.size());
  }
  if (node.inputs[0].valid()) {
    fail_as(ErrorCode::unsupported,
            "Scan of opset 8 with sequence_lens is not supported; export "
            "the model for a newer opset");
  }
  const auto scanned = static_cast<size_t>(*given);
  node.inputs.erase(node.inputs.begin());
  const size_t states = node.inputs.size() - scanned;
  std::vector<Type> per_batch, per_step;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    per_batch.push_back(without_axis(node.type(k), 0));
    per_step.push_back(k < states ? per_batch[k] : without_axis(per_batch[k], 0));
  }
  const Body body = import_iterated(graph_attr(from, "body", place), place, std::move(per_step),
                                    node.inputs, 0, states, 0);

  // The graph around it: one element of the batch, its captures passed on.
  auto batch = std::make_shared<Graph>("batch");
  for (Type& type : per_batch) batch->add_input(std::move(type));
  for (Value capture : body.captures) batch->add_input(place.scope.graph().type(capture));
  const auto captures = static_cast<int64_t>(body.captures.size());
  AttrMap attrs = {{"num_scan_inputs", static_cast<int64_t>(scanned)},
                   {"body", GraphAttr(body.graph)}};
  if (captures > 0) attrs.emplace("captures", captures);
  const auto directions = node.attrs.find("directions");
  if (directions != node.attrs.end()) attrs.emplace("scan_input_directions", directions->second);
  batch->set_outputs(
      Builder(*batch, {}, node.origins)
          .node("Scan", batch->inputs(), std::move(attrs), body.graph->outputs().size()));
  node.attrs = {{"num_scan_inputs", static_cast<int64_t>(node.inputs.size())}};
  if (captures > 0) node.attrs.emplace("captures", captures);
  attach(node, "body", std::move(batch), body.captures);
}

}  // namespace dlc::onnx
