// Which values are stored and which are computed where they are used.
// Next: partition.cpp, which makes kernels of what is stored.
#include "compiler/lower/formulas.h"

#include <algorithm>
#include <set>

#include "compiler/expr/simplify.h"
#include "compiler/ops/infer.h"

namespace dlc {
namespace {

/// Up to this cost an element is rather computed again than stored and loaded.
constexpr double cheap = 4;

bool is_pure_load(const Expr& e) { return e->kind == ExprKind::load; }

/// Iterations of the whole nest: axes of the result and of reductions within.
Dim iterations(const TensorExpr& t) {
  Dim count = product(t.shape());
  visit(t.body, [&](const Expr& e) {
    if (e->kind != ExprKind::reduce) return;
    for (const Axis& axis : e->axes) count = count * axis.extent;
  });
  return count;
}

bool inside_reduction(const Expr& e, int input) {
  bool found = false;
  visit(e, [&](const Expr& node) {
    if (node->kind != ExprKind::reduce) return;
    const std::vector<int> loaded = loaded_inputs(node);
    found = found || std::find(loaded.begin(), loaded.end(), input) != loaded.end();
  });
  return found;
}

/// Whether registers hold sums of a product with this element type.
bool has_accumulators(DType type, const Contraction& c) {
  return is_float(arithmetic_type(type)) || (type == DType::i32 && c.alpha == 1 && c.beta == 1);
}

}  // namespace

double scalar_cost(const Expr& e) {
  double cost = 0;
  visit(e, [&](const Expr& node) {
    if (node->dtype == DType::i64 && node->kind != ExprKind::load) return;  // index arithmetic
    switch (node->kind) {
      case ExprKind::unary:
        cost += node->unary == UnaryOp::negate || node->unary == UnaryOp::abs ||
                        node->unary == UnaryOp::logical_not
                    ? 1
                    : 10;
        break;
      case ExprKind::binary:
        cost += node->binary == BinaryOp::divide || node->binary == BinaryOp::power ? 8 : 1;
        break;
      case ExprKind::select:
        cost += 1;
        break;
      case ExprKind::reduce:
        cost += 20;
        break;
      default:
        break;
    }
  });
  return cost;
}

size_t expression_count(const Expr& e) {
  size_t count = 0;
  visit(e, [&](const Expr&) { ++count; });
  return count;
}

std::vector<int> loaded_inputs(const Expr& e) {
  std::set<int> inputs;
  visit(e, [&](const Expr& node) {
    if (node->kind == ExprKind::load) inputs.insert(node->input);
  });
  return {inputs.begin(), inputs.end()};
}

bool loads(const Expr& e, int input) {
  bool found = false;
  visit(e, [&](const Expr& node) {
    found = found || (node->kind == ExprKind::load && node->input == input);
  });
  return found;
}

Expr replace_loads(const Expr& e, const std::function<Expr(const ExprNode& load)>& replace) {
  return rewrite(e, [&](const Expr& node) {
    return node->kind == ExprKind::load ? replace(node.node()) : Expr();
  });
}

Formulas::Formulas(const Graph& graph, const FusionOptions& options)
    : graph_(graph),
      options_(options),
      formulas_(graph.value_count()),
      inlined_(graph.value_count(), false),
      obstacles_(graph.value_count(), Obstacle::none),
      orders_(graph.value_count()) {
  for (NodeId id : graph.nodes()) {
    position_.resize(std::max(position_.size(), static_cast<size_t>(id.id) + 1));
    position_[id.id] = next_position_++;
  }
  for (NodeId id : graph.nodes()) add_node(id);
}

const Anchor* Formulas::anchor(Value value) const {
  const auto found = anchors_.find(value);
  return found == anchors_.end() ? nullptr : &found->second;
}

const Computation& Formulas::raw(NodeId id) const {
  const auto found = raw_.find(id);
  if (found != raw_.end()) return found->second;
  return raw_[id] = compute(graph_, id);
}

Expr Formulas::element(Value value, const Indices& indices) const {
  const Type& type = graph_.type(value);
  if (const Tensor* constant = graph_.constant(value);
      constant && constant->size() == 1 && arithmetic_type(type.dtype) == type.dtype) {
    return is_float(type.dtype) ? dlc::constant(type.dtype, constant->to_reals()[0])
                                : constant_integer(type.dtype, constant->to_ints()[0]);
  }
  if (inlined(value)) return formula(value).at(indices);
  return load(value.id, type.dtype, to_memory(indices, order(value)));
}

Type Formulas::stored_type(Value value) const {
  Type type = graph_.type(value);
  type.shape = to_memory(type.shape, order(value));
  return type;
}

TensorExpr Formulas::stored_formula(Value value) const {
  return {to_memory(formula(value).axes, order(value)), formula(value).body};
}

Expr Formulas::resolve(const Expr& e, const std::vector<Value>& inputs) const {
  return replace_loads(e, [&](const ExprNode& node) {
    const Value value = inputs[node.input];
    if (!node.flat) return element(value, node.args);
    if (!inlined(value) && order(value).empty()) {
      return load_flat(value.id, node.dtype, node.args[0]);
    }
    return element(value, unflatten_index(node.args[0], graph_.type(value).shape));
  });
}

void Formulas::add_node(NodeId id) {
  const Node& node = graph_.node(id);
  if (in_chain_.contains(id) || node.op == "Constant") return;
  const OpDef& def = op(node.op);
  if (def.kind() != OpKind::elementwise && def.kind() != OpKind::loops) return;
  if (def.contraction && add_anchor(id)) return;
  add_formulas(id);
}

void Formulas::add_formulas(NodeId id) {
  const Node& node = graph_.node(id);
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    const Value value = node.outputs[k];
    if (!value.valid()) continue;
    TensorExpr formula = raw(id).outputs[k];
    formula.body = resolve(formula.body, node.inputs);
    formulas_[value.id] = simplify(formula);
    obstacles_[value.id] = obstacle_to_inline(value);
    inlined_[value.id] = obstacles_[value.id] == Obstacle::none;
    if (options_.fuse && !inlined(value) && may_reorder(value)) {
      orders_[value.id] = follow_operands(
          *formulas_[value.id], [&](int id) -> const AxisOrder& { return orders_[id]; },
          [&](int id) -> const Dims& { return graph_.type(Value{id}).shape; });
    }
  }
}

/// Callers, host functions and nested graphs take row-major tensors.
bool Formulas::may_reorder(Value value) const {
  if (graph_.is_output(value)) return false;
  const auto& users = graph_.users(value);
  return std::all_of(users.begin(), users.end(), [&](const Use& use) {
    const OpKind kind = op(graph_.node(use.node).op).kind();
    return kind == OpKind::elementwise || kind == OpKind::loops;
  });
}

Obstacle Formulas::obstacle_to_inline(Value value) const {
  if (!options_.fuse) return Obstacle::fusion_is_off;
  if (graph_.is_output(value)) return Obstacle::is_output;
  const Expr& body = formula(value).body;
  if (expression_count(body) > most_expressions) return Obstacle::too_large;
  const double cost = scalar_cost(body);
  const bool reduces = has_reduction(body);
  const auto& users = graph_.users(value);
  if (reduces && users.size() != 1) return Obstacle::reduction_used_twice;
  if (users.size() > 1 && cost > cheap) return Obstacle::costly_and_used_twice;
  for (const Use& use : users) {
    const Obstacle obstacle = obstacle_of_user(use, value, cost, reduces);
    if (obstacle != Obstacle::none) return obstacle;
  }
  return Obstacle::none;
}

Obstacle Formulas::obstacle_of_user(const Use& use, Value value, double cost, bool reduces) const {
  const Node& user = graph_.node(use.node);
  const OpDef& def = op(user.op);
  if (def.kind() != OpKind::elementwise && def.kind() != OpKind::loops)
    return Obstacle::user_has_no_formula;
  if (const auto chain = in_chain_.find(use.node); chain != in_chain_.end()) {
    // Part of an epilogue that exists already: evaluated once per element of the result.
    return reduces ? Obstacle::reduction_in_epilogue : Obstacle::none;
  }
  if (def.contraction)
    return is_pure_load(formula(value).body) ? Obstacle::none : Obstacle::operand_of_product;
  const Dim size = product(graph_.type(value).shape);
  for (const TensorExpr& output : raw(use.node).outputs) {
    int loads = 0;
    visit(output.body, [&](const Expr& e) {
      loads += e->kind == ExprKind::load && e->input == use.input ? 1 : 0;
    });
    if (loads == 0) continue;
    const bool once = iterations(output) == size && loads == 1;
    if (reduces && (!once || inside_reduction(output.body, use.input)))
      return Obstacle::reduction_read_again;
    if (!once && cost > cheap) return Obstacle::costly_and_read_again;
  }
  return Obstacle::none;
}

/// Whether a convolution has a kernel; loops compute the others.
bool Formulas::has_kernel(const Node& node, const Contraction& convolution) const {
  const Dims& w = graph_.type(node.inputs[convolution.b]).shape;
  const Dims& x = graph_.type(node.inputs[convolution.a]).shape;
  const Type& y = graph_.type(node.outputs[0]);
  if (y.dtype != DType::f32 || x.size() < 3 || !w[0].is_number() || !w[1].is_number()) return false;
  if (w[0] == Dim(0) || w[1] == Dim(0)) return false;  // no tile has no channels
  if (convolution.group == 1 || !(w[1] == Dim(1))) return true;
  // Depthwise: one output channel for each input channel.
  return w[0] == Dim(convolution.group) && x.size() <= 4 && !(y.shape.back() == Dim(0));
}

bool Formulas::add_anchor(NodeId id) {
  const Node& node = graph_.node(id);
  const OpArgs args(op(node.op), graph_, node.inputs, node.attrs, node.outputs.size());
  Contraction contraction = op(node.op).contraction(args);
  if (!has_accumulators(graph_.type(node.outputs[0]).dtype, contraction)) return false;
  if (contraction.kind == Contraction::Kind::convolution && !has_kernel(node, contraction))
    return false;
  // Blocked kernels read as the row says, and know of no guards.
  if (raw(id).requirements.clamped) return false;
  Anchor anchor{id, std::move(contraction), node.outputs[0], {}};
  if (options_.fuse) extend_chain(anchor);
  const Value key = anchor.result;
  if (may_reorder(key)) orders_[key.id] = order_of_result(anchor);
  anchors_.emplace(key, std::move(anchor));
  return true;
}

/// A convolution's channels are adjacent. A product with batches of its own is stored as all its
/// users read it, if they do no more than permute axes and leave its rows whole: the heads of an
/// attention lie side by side.
AxisOrder Formulas::order_of_result(const Anchor& anchor) const {
  const Dims& shape = graph_.type(anchor.result).shape;
  if (anchor.contraction.kind == Contraction::Kind::convolution) return channels_last(shape.size());
  const Dims& b = graph_.type(graph_.node(anchor.node).inputs[anchor.contraction.b]).shape;
  if (b.size() <= 2 || product({b.begin(), b.end() - 2}) == Dim(1)) return {};
  AxisOrder wanted;
  for (const Use& use : graph_.users(anchor.result)) {
    const std::vector<TensorExpr>& formulas = raw(use.node).outputs;
    const AxisOrder order = formulas.size() == 1 ? order_read_by(formulas[0]) : AxisOrder();
    const bool agrees = wanted.empty() || wanted == order;
    if (order.empty() || order.back() + 1 != shape.size() || !agrees) return {};
    wanted = order;
  }
  return wanted;
}

/// Takes in pointwise users of the result's own shape, as long as there is a point at which all but
/// one value (the new result) are used within the chain only: x * sigmoid(x) is taken whole.
void Formulas::extend_chain(Anchor& anchor) {
  constexpr size_t longest = 16;
  const Dims shape = graph_.type(anchor.result).shape;
  std::set<Value> inside = {anchor.result};
  std::vector<NodeId> chain;
  while (chain.size() < longest) {
    const std::optional<NodeId> next = next_in_chain(inside, chain, shape);
    if (!next) break;
    chain.push_back(*next);
    inside.insert(graph_.node(*next).outputs[0]);
    if (only_leaves_by(inside, graph_.node(*next).outputs[0])) {
      anchor.chain = chain;
      anchor.result = graph_.node(*next).outputs[0];
    }
  }
  for (NodeId id : anchor.chain) in_chain_[id] = anchor.result;
}

/// The first node, in the graph's order, that uses a value of the chain and could join it.
std::optional<NodeId> Formulas::next_in_chain(const std::set<Value>& inside,
                                              const std::vector<NodeId>& chain,
                                              const Dims& shape) const {
  std::optional<NodeId> first;
  for (Value value : inside) {
    for (const Use& use : graph_.users(value)) {
      const Node& user = graph_.node(use.node);
      if (std::find(chain.begin(), chain.end(), use.node) != chain.end()) continue;
      if (in_chain_.contains(use.node) || !is_pointwise(use.node, inside)) continue;
      if (!(graph_.type(user.outputs[0]).shape == shape)) continue;
      if (bits(graph_.type(user.outputs[0]).dtype) < 8) continue;  // packed.h: loops of its own
      if (!first || position_[use.node.id] < position_[first->id]) first = use.node;
    }
  }
  return first;
}

/// Whether the node's one result is made, element by element, of those of the chain at its place.
bool Formulas::is_pointwise(NodeId id, const std::set<Value>& inside) const {
  const Node& node = graph_.node(id);
  const OpDef& def = op(node.op);
  if (def.scalar) return true;
  if (def.kind() != OpKind::loops || def.contraction || node.outputs.size() != 1) return false;
  const TensorExpr& formula = raw(id).outputs[0];
  if (raw(id).requirements.clamped || has_reduction(formula.body)) return false;
  bool pointwise = true;
  visit(formula.body, [&](const Expr& e) {
    if (e->kind != ExprKind::load) return;
    pointwise = pointwise && !e->flat;
    if (!inside.contains(node.inputs[e->input])) return;
    pointwise = pointwise && e->args.size() == formula.axes.size();
    for (size_t k = 0; pointwise && k < e->args.size(); ++k)
      pointwise = same(e->args[k], variable(formula.axes[k].variable));
  });
  return pointwise;
}

bool Formulas::only_leaves_by(const std::set<Value>& inside, Value exit) const {
  return std::all_of(inside.begin(), inside.end(), [&](Value value) {
    if (value == exit) return true;
    const auto& users = graph_.users(value);
    return !graph_.is_output(value) && std::all_of(users.begin(), users.end(), [&](const Use& use) {
      const auto& outputs = graph_.node(use.node).outputs;
      return outputs.size() == 1 && inside.contains(outputs[0]);
    });
  });
}

TensorExpr Formulas::epilogue(const Anchor& anchor, const TensorExpr& sum) const {
  std::map<Value, Expr> inside = {{graph_.node(anchor.node).outputs[0], sum.body}};
  for (NodeId id : anchor.chain) {
    const Node& node = graph_.node(id);
    const TensorExpr& own = raw(id).outputs[0];
    std::map<Variable, Expr> axes;
    for (size_t k = 0; k < own.axes.size(); ++k) {
      axes.emplace(own.axes[k].variable, variable(sum.axes[k].variable));
    }
    const Expr body = substitute(own.body, axes);
    inside[node.outputs[0]] = replace_loads(body, [&](const ExprNode& load) {
      const auto found = inside.find(node.inputs[load.input]);
      return found != inside.end() ? found->second : element(node.inputs[load.input], load.args);
    });
  }
  return {sum.axes, inside.at(anchor.result)};
}

std::vector<NodeId> Formulas::nodes_in(Value value) const {
  std::vector<NodeId> nodes;
  std::set<Value> seen;
  std::vector<Value> open = {value};
  const auto add = [&](NodeId id, bool follow_all) {
    nodes.push_back(id);
    for (Value input : graph_.node(id).inputs) {
      if (input.valid() && (follow_all || inlined(input)) && seen.insert(input).second &&
          inlined(input)) {
        open.push_back(input);
      }
    }
  };
  if (const Anchor* found = anchor(value)) {
    open.clear();
    add(found->node, false);
    for (NodeId id : found->chain) add(id, false);
  }
  while (!open.empty()) {
    const Value next = open.back();
    open.pop_back();
    if (graph_.producer(next).valid()) add(graph_.producer(next), false);
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

}  // namespace dlc
