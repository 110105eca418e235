// Values that sizes and constants determine: shape arithmetic, symbolically or in numbers.
#include <map>

#include "compiler/expr/interpret.h"
#include "compiler/ops/apart.h"
#include "compiler/ops/evaluate.h"
#include "compiler/ops/infer.h"

namespace dlc {
namespace {

constexpr int64_t largest = 1024;  // elements; shape arithmetic is far below

/// Looks values up towards the inputs, each once.
class KnownValues {
 public:
  explicit KnownValues(const Graph& graph) : graph_(graph) {}

  std::optional<Dims> dims(Value value) {
    const Type& type = graph_.type(value);
    if (!is_small(type) || !(is_integer(type.dtype) || type.dtype == DType::boolean)) return {};
    const auto [entry, fresh] = dims_.try_emplace(value);
    if (!fresh) return entry->second;
    std::optional<Dims> found = find_dims(value);
    return dims_[value] = std::move(found);
  }

  /// The value in numbers, floats on the way included (sizes that are scaled, for instance).
  std::optional<Tensor> tensor(Value value) {
    if (!is_small(graph_.type(value))) return {};
    if (const Tensor* constant = graph_.constant(value)) return *constant;
    const auto [entry, fresh] = tensors_.try_emplace(value);
    if (!fresh) return entry->second;
    std::optional<Tensor> found = evaluate_known(value);
    return tensors_[value] = std::move(found);
  }

 private:
  static bool is_small(const Type& type) {
    if (!type.is_tensor() || !type.ranked || !type.is_static()) return false;
    const Dim count = product(type.shape);
    return count.number() <= largest && type.dtype != DType::string;
  }

  std::optional<Dims> find_dims(Value value) {
    if (const Tensor* constant = graph_.constant(value)) {
      const Ints ints = constant->to_ints();
      return Dims(ints.begin(), ints.end());
    }
    const NodeId id = graph_.producer(value);
    if (!id.valid()) return {};
    const OpDef& def = op(graph_.node(id).op);
    const OpKind kind = kind_of(graph_, graph_.node(id));
    if (!def.effect && kind == OpKind::composite) {
      if (std::optional<Dims> found = in_body(id, graph_.output_index(value))) return found;
    }
    if (def.effect || (kind != OpKind::elementwise && kind != OpKind::loops)) {
      return numbers(value);
    }
    if (std::optional<Dims> symbolic = interpret_node(id, graph_.output_index(value))) {
      return symbolic;
    }
    return numbers(value);
  }

  std::optional<Dims> interpret_node(NodeId id, int output) {
    const Node& node = graph_.node(id);
    std::vector<std::optional<Dims>> operands;
    std::vector<Type> operand_types;
    for (Value input : node.inputs) {
      operands.push_back(input.valid() ? dims(input) : std::nullopt);
      operand_types.push_back(input.valid() ? graph_.type(input) : Type());
    }
    const std::vector<TensorExpr> outputs = compute(graph_, id).outputs;
    return interpret_symbolic(outputs[output], operands, operand_types);
  }

  /// What a composite's body says.
  std::optional<Dims> in_body(NodeId id, int output) {
    const Node& node = graph_.node(id);
    const auto known = [this](Value value) { return dims(value); };
    const ExpandedBody body =
        expand_apart(graph_, node.op, node.inputs, node.attrs, node.outputs.size(), known);
    return KnownValues(body.graph).dims(body.outputs[static_cast<size_t>(output)]);
  }

  std::optional<Dims> numbers(Value value) {
    const std::optional<Tensor> known = tensor(value);
    if (!known) return {};
    const Ints ints = known->to_ints();
    return Dims(ints.begin(), ints.end());
  }

  std::optional<Tensor> evaluate_known(Value value) {
    const NodeId id = graph_.producer(value);
    if (!id.valid()) return {};
    const Node& node = graph_.node(id);
    const OpDef& def = op(node.op);
    if (def.effect || def.kind() == OpKind::structural || node.op == "dlc.Sizes") return {};
    if (const auto known = integers(value)) return known;
    std::vector<Datum> inputs;
    for (Value input : node.inputs) {
      if (!input.valid()) {
        inputs.emplace_back();
        continue;
      }
      std::optional<Tensor> known = tensor(input);
      if (!known) return {};
      inputs.emplace_back(std::move(*known));
    }
    if (inputs.empty()) return {};
    const Datum result = evaluate_node(graph_, id, inputs)[graph_.output_index(value)];
    if (result.kind != Datum::Kind::tensor) return {};
    return result.tensor;
  }

  /// Sizes that are numbers, as a tensor: what Shape gives where all dims are static.
  std::optional<Tensor> integers(Value value) {
    const NodeId id = graph_.producer(value);
    const Type& type = graph_.type(value);
    const OpKind kind = kind_of(graph_, graph_.node(id));
    if (!is_integer(type.dtype) || (kind != OpKind::elementwise && kind != OpKind::loops))
      return {};
    const auto known = interpret_node(id, graph_.output_index(value));
    if (!known) return {};
    Reals values;
    for (const Dim& dim : *known) {
      if (!dim.is_number()) return {};
      values.push_back(static_cast<double>(dim.number()));
    }
    Shape shape;
    for (const Dim& dim : type.shape) shape.push_back(dim.number());
    return Tensor::of(type.dtype, std::move(shape), values);
  }

  const Graph& graph_;
  std::map<Value, std::optional<Dims>> dims_;
  std::map<Value, std::optional<Tensor>> tensors_;
};

}  // namespace

std::optional<Dims> known_values(const Graph& graph, Value value) {
  if (!value.valid()) return {};
  return KnownValues(graph).dims(value);
}

std::optional<Tensor> known_tensor(const Graph& graph, Value value) {
  if (!value.valid()) return {};
  if (const Tensor* constant = graph.constant(value)) return *constant;
  return KnownValues(graph).tensor(value);
}

}  // namespace dlc
