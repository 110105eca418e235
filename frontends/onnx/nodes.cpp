// The importer: one node.
// Next: results.cpp (its types), upgrade.cpp (older forms), control_flow.cpp (nested graphs).
#include <algorithm>

#include "frontends/onnx/attributes.h"
#include "frontends/onnx/importer.h"
#include "frontends/onnx/opsets.h"
#include "frontends/onnx/upgrade.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

std::string qualified(const std::string& domain, const std::string& op) {
  return domain.empty() ? op : domain + "." + op;
}

int64_t opset_of(const proto::NodeProto& node, const Frame& frame) {
  const std::string domain = normal_domain(node.domain());
  const std::string shown = domain.empty() ? "ai.onnx" : domain;
  const std::optional<int64_t> newest = newest_opset(domain);
  if (!newest && find_op(qualified(domain, node.op_type()))) return 1;  // a plugin's
  if (!newest) {
    fail_as(ErrorCode::unsupported,
            "the domain '{}' is not known, and the model has no function '{}' of it", shown,
            node.op_type());
  }
  const auto found = frame.opsets.find(domain);
  if (found == frame.opsets.end()) {
    fail("the model does not say which opset of domain '{}' it uses (opset_import)", shown);
  }
  const int64_t version = found->second;
  if (version < 1) fail("opset {} of domain '{}' does not exist", version, shown);
  if (version > *newest) {
    fail_as(ErrorCode::unsupported,
            "opset {} of domain '{}' is not known yet; export the model for opset {}", version,
            shown, *newest);
  }
  return version;
}

/// How many outputs up to the last one that has a name; all of them where their number matters.
size_t wanted_outputs(const proto::NodeProto& node) {
  size_t wanted = 0;
  for (int k = 0; k < node.output_size(); ++k) {
    if (!node.output(k).empty()) wanted = static_cast<size_t>(k) + 1;
  }
  return wanted > 0 && node.op_type() == "Split" ? static_cast<size_t>(node.output_size()) : wanted;
}

/// What goes before the message of every error about a node.
std::string describe(const proto::NodeProto& node, const std::string& label, const Frame& frame) {
  const auto opset = frame.opsets.find(normal_domain(node.domain()));
  const std::string op = qualified(normal_domain(node.domain()), node.op_type());
  if (opset == frame.opsets.end()) return fmt::format("node '{}' ({})", label, op);
  return fmt::format("node '{}' ({}, opset {})", label, op, opset->second);
}

std::string unknown_op(const std::string& op) {
  return fmt::format("the op {} is not supported; `dlc ops` lists those that are", op);
}

/// A message says what is wrong, and after the last semicolon what to do about it.
Finding finding(const std::string& node, const std::string& op, const std::string& message) {
  const size_t end = message.rfind("; ");
  if (end == std::string::npos) return {node, op, message, ""};
  return {node, op, message.substr(0, end), message.substr(end + 2)};
}

/// Says which inputs of the model would have to be known.
Error explain(const NeedsValue& error, const std::set<std::string>& inputs) {
  if (inputs.empty()) {
    return Error(ErrorCode::unsupported,
                 fmt::format("{}; it is only computed while the model runs", error.what()));
  }
  std::string names;
  for (const std::string& name : inputs) names += (names.empty() ? "'" : ", '") + name + "'";
  return Error(ErrorCode::unsupported, fmt::format("{}; it comes from input {}: give that at "
                                                   "compile time",
                                                   error.what(), names));
}

}  // namespace

void Importer::import_node(const proto::NodeProto& node, int index, Place place) {
  const std::string label = !place.frame.origin.empty() ? place.frame.origin
                            : !node.name().empty()      ? node.name()
                                                   : node.op_type() + "_" + std::to_string(index);
  with_context([&] { return describe(node, label, place.frame); },
               [&] { import_or_collect(node, label, place); });
}

void Importer::import_or_collect(const proto::NodeProto& node, const std::string& label,
                                 Place place) {
  if (++nodes_ > most_nodes) refuse_size();
  if (on_error_ == OnError::stop) return apply(node, label, place);
  const std::string op = qualified(normal_domain(node.domain()), node.op_type());
  try {
    apply(node, label, place);
    return;
  } catch (const Unknown&) {
    // What comes before it is at fault and among the findings; but the op itself may be, too.
    if (!is_known_op(op) && !find_function(node)) collect(finding(label, op, unknown_op(op)));
  } catch (const Error& error) {
    collect(finding(label, op, error.what()));
  }
  define_unknown(node, place);
}

void Importer::refuse_size() const {
  fail_as(ErrorCode::limit, "more than {} nodes, local functions expanded", most_nodes);
}

void Importer::collect(Finding finding) {
  const auto same = [&](const Finding& other) {
    return other.node == finding.node && other.message == finding.message;
  };
  if (std::none_of(findings_.begin(), findings_.end(), same)) {
    findings_.push_back(std::move(finding));
  }
}

void Importer::define_unknown(const proto::NodeProto& node, Place place) {
  for (const std::string& name : node.output()) {
    if (!name.empty() && !place.scope.has(name)) place.scope.define(name, Value());
  }
}

void Importer::apply(const proto::NodeProto& node, const std::string& label, Place place) {
  if (const proto::FunctionProto* function = find_function(node)) {
    return call_function(*function, node, label, place);
  }
  const int64_t opset = opset_of(node, place.frame);
  const std::string domain = normal_domain(node.domain());
  const Origins origins = {label};
  if (domain.empty() && node.op_type() == "Constant") {
    return import_constant(node, origins, place);
  }
  const size_t outputs = wanted_outputs(node);
  if (outputs == 0) return;  // nobody can see what it does
  OnnxNode onnx_node{.op = qualified(domain, node.op_type()),
                     .opset = opset,
                     .outputs = outputs,
                     .origins = origins,
                     .build = Builder(place.scope.graph(), {}, origins)};
  for (const std::string& name : node.input()) {
    onnx_node.inputs.push_back(place.scope.find_or_absent(name));
  }
  while (!onnx_node.inputs.empty() && !onnx_node.inputs.back().valid()) {
    onnx_node.inputs.pop_back();
  }
  try {
    apply_op(onnx_node, node, place);
  } catch (const NeedsValue& error) {
    const std::set<std::string> inputs = inputs_behind(place.scope.level(), error.value);
    needed_inputs_.insert(inputs.begin(), inputs.end());
    add_needed_inputs(onnx_node, place);
    throw explain(error, inputs);
  }
  for (int k = 0; k < node.output_size(); ++k) {
    if (node.output(k).empty()) continue;
    const auto at = static_cast<size_t>(k);
    if (at >= onnx_node.results.size() || !onnx_node.results[at].valid()) {
      fail("there is no output {}", k);
    }
    define(node.output(k), onnx_node.results[at], origins, place);
  }
}

/// Where one value must be known, others of the node must be, too: a caller learns of all at once.
void Importer::add_needed_inputs(const OnnxNode& node, Place place) {
  const OpDef* def = find_op(node.op);
  for (size_t k = 0; def && k < std::min(node.inputs.size(), def->inputs.size()); ++k) {
    if (!def->inputs[k].known || !node.has(k)) continue;
    if (known_values(place.scope.graph(), node.inputs[k])) continue;
    needed_inputs_.merge(inputs_behind(place.scope.level(), node.inputs[k]));
  }
}

void Importer::apply_op(OnnxNode& node, const proto::NodeProto& from, Place place) {
  const size_t first_symbol = symbols_.count();
  node.attrs = plain_attrs(from, place);
  if (!import_control(node, from, place)) upgrade(node);
  if (!node.results.empty()) return;
  if (!find_op(node.op)) throw Error(ErrorCode::unsupported, unknown_op(node.op));
  add_to_graph(node, from, place, first_symbol);
}

/// Where a value that decides shapes comes out of the model itself, another op may do without it.
std::vector<Type> Importer::types_of_results(OnnxNode& node, Place place) {
  const auto types = [&] {
    return infer(node.graph(), node.op, node.inputs, node.attrs, node.outputs);
  };
  try {
    return types();
  } catch (const NeedsValue& error) {
    const std::string_view instead = op(node.op).on_unknown;
    if (instead.empty() || !inputs_behind(place.scope.level(), error.value).empty()) throw;
    node.op = instead;
  }
  return types();
}

void Importer::add_to_graph(OnnxNode& node, const proto::NodeProto& from, Place place,
                            size_t first_symbol) {
  std::vector<Type> types = types_of_results(node, place);
  settle_types(types, node, from, place.scope, first_symbol);
  for (size_t k = 0; k < types.size(); ++k) {
    if (from.output(static_cast<int>(k)).empty()) types[k] = Type();
  }
  const NodeId id =
      node.graph().add_node(node.op, node.inputs, node.attrs, std::move(types), node.origins);
  node.results = node.graph().node(id).outputs;
}

void Importer::import_constant(const proto::NodeProto& node, const Origins& origins, Place place) {
  if (node.attribute_size() != 1 || node.output_size() != 1) {
    fail("a Constant has one attribute and one output");
  }
  const std::optional<BoundAttr> attr = resolve(node.attribute(0), place);
  if (!attr) fail("the value is missing");
  // The name says what the value is: that of a reference may be another.
  proto::AttributeProto named;
  const proto::AttributeProto* value = attr->attr;
  if (value->name() != node.attribute(0).name()) {
    named = *value;
    named.set_name(node.attribute(0).name());
    value = &named;
  }
  Tensor tensor = read_constant(*value, tensors_);
  if (value == &named) tensor = tensor.clone();
  const Value constant = place.scope.graph().add_constant(std::move(tensor));
  place.scope.graph().add_origins(place.scope.graph().producer(constant), origins);
  define(node.output(0), constant, origins, place);
}

/// Follows a reference to an attribute of the function around; nullopt: it is not given.
std::optional<BoundAttr> Importer::resolve(const proto::AttributeProto& attr, Place place) const {
  if (attr.ref_attr_name().empty()) return BoundAttr{&attr, &place.frame, &place.scope};
  const auto found = place.frame.attrs.find(attr.ref_attr_name());
  if (found == place.frame.attrs.end()) return std::nullopt;
  return found->second;
}

AttrMap Importer::plain_attrs(const proto::NodeProto& node, Place place) {
  AttrMap attrs;
  for (const auto& attr : node.attribute()) {
    if (attr.name().empty()) fail("an attribute has no name");
    const std::optional<BoundAttr> bound = resolve(attr, place);
    if (!bound || bound->attr->has_g()) continue;
    const auto context = [&] { return "attribute " + attr.name(); };
    with_context(context, [&] {
      if (!attrs.emplace(attr.name(), read_attr(*bound->attr, tensors_, symbols_)).second) {
        fail("it is given twice");
      }
    });
  }
  return attrs;
}

void Importer::define(const std::string& name, Value value, const Origins& origins, Place place) {
  if (name.empty()) return;
  Graph& graph = place.scope.graph();
  // A loop's variable may begin as an optional, and have a value once the loop has run.
  const auto declared = place.scope.declared.find(name);
  if (declared != place.scope.declared.end() && !declared->second->has_optional_type() &&
      graph.type(value).kind == Type::Kind::optional) {
    value = Builder(graph, {}, origins)("OptionalGetElement", {value});
  }
  check_declared(name, graph.type(value), place.scope);
  // Names inside of functions are not the model's, and come as often as the function is called.
  if (place.frame.origin.empty()) {
    if (!graph.name(value).empty() || !graph.producer(value).valid()) {
      value = Builder(graph, {}, origins)("Identity", {value});
    }
    if (!is_generated(name)) place.scope.level().set_name(value, name);
  }
  place.scope.define(name, value);
}

}  // namespace dlc::onnx
