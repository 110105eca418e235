// Types from rows: broadcasting for `scalar`, the formula's shape for `compute`, the body's types
// for composites, `infer` for the rest.
#include "compiler/ops/infer.h"

#include <algorithm>
#include <cassert>

#include "compiler/ir/verify.h"
#include "compiler/ops/apart.h"
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/guard_loads.h"
#include "compiler/ops/on_strings.h"

namespace dlc {
namespace {

void check_input(const InputSpec& spec, const Type& type) {
  if (!type.is_tensor() || spec.types == types::all) return;
  if (spec.types & one(type.dtype)) return;
  fail_as(ErrorCode::unsupported, "input {} has element type {}, which this op does not take",
          spec.name, name(type.dtype));
}

void check_inputs(const OpDef& def, const Graph& graph, std::span<const Value> inputs) {
  const Presence last = def.inputs.empty() ? Presence::required : def.inputs.back().presence;
  const bool variadic = last == Presence::variadic || last == Presence::any;
  if (inputs.size() > def.inputs.size() && !variadic) {
    fail("{} inputs, but at most {} are possible", inputs.size(), def.inputs.size());
  }
  constexpr size_t most = 1024;  // a formula takes all inputs of an elementwise op at once
  if (def.scalar && inputs.size() > most)
    fail_as(ErrorCode::limit, "{} inputs, but at most {} are possible; split the node",
            inputs.size(), most);
  for (size_t k = 0; k < std::max(inputs.size(), def.inputs.size()); ++k) {
    const InputSpec& spec = def.inputs[std::min(k, def.inputs.size() - 1)];
    if (k >= inputs.size() || !inputs[k].valid()) {
      if (spec.presence == Presence::optional || k >= def.inputs.size()) continue;
      if (spec.presence == Presence::any) continue;
      fail("input {} is missing", spec.name);
    }
    check_input(spec, graph.type(inputs[k]));
  }
}

void check_result(const Type& type) {
  for (const Dim& size : type.shape) {
    if (size.is_number() && size.number() < 0) fail("the result has a size of {}", size.number());
  }
}

/// The kind of an attribute is that of its default, if it has one.
void check_kind(const AttrSpec& spec, const Attr& value) {
  const auto expect = [&](bool right, std::string_view kind) {
    if (!right) fail("attribute {} must be {}", spec.name, kind);
  };
  const bool integer = std::holds_alternative<int64_t>(value);
  if (std::holds_alternative<int64_t>(spec.value)) expect(integer, "an integer");
  if (std::holds_alternative<double>(spec.value))
    expect(integer || std::holds_alternative<double>(value), "a number");
  if (std::holds_alternative<std::string_view>(spec.value))
    expect(std::holds_alternative<std::string>(value), "a string");
  if (std::holds_alternative<Ints>(spec.value))
    expect(std::holds_alternative<Ints>(value), "a list of integers");
}

void check_attrs(const OpDef& def, const AttrMap& attrs) {
  for (const auto& [attr, value] : attrs) {
    const auto found = std::find_if(def.attrs.begin(), def.attrs.end(),
                                    [&](const AttrSpec& spec) { return spec.name == attr; });
    if (found == def.attrs.end())
      fail_as(ErrorCode::unsupported, "attribute {} is not known", attr);
    check_kind(*found, value);
  }
  for (const AttrSpec& spec : def.attrs) {
    if (std::holds_alternative<RequiredAttr>(spec.value) && !attrs.contains(spec.name)) {
      fail("attribute {} is missing", spec.name);
    }
  }
}

/// A row's inputs as the narrow float type they all have, or undefined.
DType narrow_type(const OpArgs& args) {
  DType narrow = DType::undefined;
  for (size_t k = 0; k < args.input_count(); ++k) {
    const InputSpec& spec = args.def().inputs[std::min(k, args.def().inputs.size() - 1)];
    if (!args.input(k).valid() || spec.known || !args.type(k).is_tensor()) continue;
    const DType type = args.type(k).dtype;
    if (type == DType::f32) return DType::undefined;
    if (is_float(type) && arithmetic_type(type) != type) narrow = type;
  }
  return narrow;
}

TensorExpr compute_elementwise(const OpArgs& args) {
  const Dims shape = broadcast_shape(args);
  return tensor(shape, [&](const Indices& indices) {
    std::vector<Expr> elements(std::max(args.input_count(), args.def().inputs.size()));
    for (size_t k = 0; k < args.input_count(); ++k) {
      if (!args.input(k).valid()) continue;
      const Operand operand(static_cast<int>(k), args.type(k));
      const Indices at = broadcast_indices(indices, shape, args.shape(k));
      elements[k] = args.def().final_type ? operand.raw(at) : operand(at);
    }
    return args.def().scalar(ScalarArgs(args, std::move(elements)));
  });
}

std::vector<TensorExpr> compute_outputs(const OpArgs& args) {
  const OpDef& def = args.def();
  std::vector<TensorExpr> outputs;
  if (def.scalar) {
    outputs.push_back(compute_elementwise(args));
  } else {
    outputs = def.compute(ComputeArgs(args)).outputs;
  }
  for (TensorExpr& output : outputs) output = guard_loads(args, output);
  if (def.final_type) return outputs;
  const DType narrow = narrow_type(args);
  for (TensorExpr& output : outputs) {
    if (narrow != DType::undefined && output.dtype() == DType::f32) {
      output.body = cast(narrow, output.body);
    }
  }
  return outputs;
}

enum class Depth : uint8_t {
  node,   ///< what the node's own row requires
  bodies  ///< and the composites that its body holds: they are expanded before they are computed
};

std::vector<Type> infer(const Graph& graph, std::string_view op_name, std::span<const Value> inputs,
                        const AttrMap& attrs, size_t outputs, Requirements& requirements,
                        Depth depth);

/// The types of a composite's body, expanded in a graph of its own.
std::vector<Type> infer_composite(const Graph& graph, std::string_view op,
                                  std::span<const Value> inputs, const AttrMap& attrs,
                                  size_t outputs, Requirements& requirements, Depth depth) {
  const auto known = [&](Value value) { return known_values(graph, value); };
  const ExpandedBody body = expand_apart(graph, op, inputs, attrs, outputs, known, &requirements);
  std::vector<Type> types;
  for (Value output : body.outputs) {
    types.push_back(output.valid() ? body.graph.type(output) : Type());
  }
  if (depth == Depth::node) return types;
  for (NodeId id : body.graph.nodes()) {
    const Node& node = body.graph.node(id);
    if (kind_of(body.graph, node) == OpKind::composite)
      infer(body.graph, node.op, node.inputs, node.attrs, node.outputs.size(), requirements, depth);
  }
  return types;
}

std::vector<Type> infer(const Graph& graph, std::string_view op_name, std::span<const Value> inputs,
                        const AttrMap& attrs, size_t outputs, Requirements& requirements,
                        Depth depth) {
  const OpDef& def = op(op_name);
  check_inputs(def, graph, inputs);
  check_attrs(def, attrs);
  if (is_replaced(def, graph, inputs, attrs))
    return infer(graph, def.on_strings, inputs, attrs, outputs, requirements, depth);
  const OpArgs args(def, graph, inputs, attrs, outputs, &requirements);
  std::vector<Type> types;
  if (def.infer) {
    types = def.infer(args);
  } else if (def.kind() == OpKind::composite) {
    types = infer_composite(graph, op_name, inputs, attrs, outputs, requirements, depth);
  } else {
    for (const TensorExpr& output : compute_outputs(args)) types.push_back(output.type());
  }
  if (types.size() < outputs) fail("{} outputs, but only {} exist", outputs, types.size());
  for (const Type& type : types) check_result(type);
  types.resize(outputs);
  return types;
}

}  // namespace

std::vector<Type> infer(const Graph& graph, std::string_view op_name, std::span<const Value> inputs,
                        const AttrMap& attrs, size_t outputs) {
  Requirements unused;
  return infer(graph, op_name, inputs, attrs, outputs, unused, Depth::node);
}

std::vector<NodeRequirement> requirements(const Graph& graph) {
  std::vector<NodeRequirement> all;
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const auto symbolic = [&](Value v) {
      return v.valid() && graph.type(v).is_tensor() && !graph.type(v).is_static();
    };
    if (std::none_of(node.inputs.begin(), node.inputs.end(), symbolic)) continue;
    Requirements own;
    infer(graph, node.op, node.inputs, node.attrs, node.outputs.size(), own, Depth::bodies);
    for (Requirement& rule : own.rules) all.push_back({graph.describe(id), std::move(rule)});
  }
  return all;
}

Computation compute(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  Computation result;
  const OpArgs args(op(node.op), graph, node.inputs, node.attrs, node.outputs.size(),
                    &result.requirements);
  result.outputs = compute_outputs(args);
  return result;
}

namespace {

/// Whether a declared type and an inferred one can be of the same value: symbols match anything.
bool compatible(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype) return false;
  if (!a.is_tensor()) return a.kind == Type::Kind::none || compatible(*a.element, *b.element);
  if (!a.ranked || !b.ranked) return true;
  if (a.rank() != b.rank()) return false;
  for (size_t k = 0; k < a.shape.size(); ++k) {
    if (a.shape[k].is_number() && b.shape[k].is_number() && !(a.shape[k] == b.shape[k])) {
      return false;
    }
  }
  return true;
}

}  // namespace

void check(const Graph& graph) {
  verify(graph);
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    with_context(
        [&] { return graph.describe(id); },
        [&] {
          const auto types = infer(graph, node.op, node.inputs, node.attrs, node.outputs.size());
          for (size_t k = 0; k < types.size(); ++k) {
            if (!node.outputs[k].valid() || compatible(graph.type(node.outputs[k]), types[k]))
              continue;
            fail_as(ErrorCode::failed, "output {} is declared {}, but its op gives {}", k,
                    to_string(graph.type(node.outputs[k])), to_string(types[k]));
          }
          for (const auto& [name, attr] : node.attrs) {
            if (const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr))
              check(**nested);
          }
        });
  }
}

}  // namespace dlc
