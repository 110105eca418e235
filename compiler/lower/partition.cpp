// Kernels from formulas: what is stored, in the order in which it can be computed.
#include "compiler/lower/partition.h"

#include <algorithm>
#include <set>

#include "compiler/expr/simplify.h"
#include "compiler/lower/attention.h"
#include "compiler/lower/contraction.h"
#include "compiler/lower/gates.h"
#include "compiler/lower/stages.h"
#include "compiler/ops/size_givers.h"

namespace dlc {
namespace {

/// "Conv+Relu": the ops of a kernel, in order, at most six.
std::string kernel_name(const Graph& graph, const std::vector<NodeId>& nodes) {
  std::string text;
  size_t shown = 0;
  for (NodeId id : nodes) {
    if (++shown > 6) return text + "+...";
    text += (text.empty() ? "" : "+") + graph.node(id).op;
  }
  return text;
}

/// If the value's formula only renames the elements of one stored value: that value.
Value aliased(const Formulas& formulas, Value value) {
  const TensorExpr formula = formulas.stored_formula(value);
  if (formula.body->kind != ExprKind::load) return {};
  const Value source{formula.body->input};
  const Dims shape = formulas.stored_type(source).shape;
  if (!(product(formula.shape()) == product(shape))) return {};
  Ranges ranges;
  Indices own;
  for (const Axis& axis : formula.axes) {
    ranges[axis.variable] = axis.extent;
    own.push_back(variable(axis.variable));
  }
  const Expr from =
      formula.body->flat ? formula.body->args[0] : flatten_index(formula.body->args, shape);
  const Expr to = flatten_index(own, formula.shape());
  return same(simplify(from, ranges), simplify(to, ranges)) ? source : Value();
}

class Partitioner {
 public:
  Partitioner(Partition& result, const FusionOptions& options, std::vector<Kernel>& kernels)
      : result_(result),
        graph_(result.graph),
        options_(options),
        kernels_(kernels),
        formulas_(graph_, options) {}

  void run() {
    find_needed();
    if (options_.fuse) find_groups();
    for (NodeId id : graph_.nodes()) add_node(id);
    for (Value value : needed_)
      if (!formulas_.order(value).empty()) result_.orders[value] = formulas_.order(value);
  }

 private:
  // --- for --explain fusion
  void note_miss(std::string_view what, NodeId id, std::string_view condition) {
    if (options_.notes)
      options_.notes->near_misses.push_back(
          {std::string(what), graph_.describe(id), std::string(condition)});
  }

  /// Of the kernel that is added next: what it writes and why, and what it keeps to itself.
  void note_kernel(const KernelItem& item, const std::vector<Value>& values) {
    if (!options_.notes) return;
    std::vector<std::string> inside;
    for (NodeId id : nodes_of(values)) {
      for (Value value : graph_.node(id).outputs) {
        if (!value.valid() || graph_.name(value).empty()) continue;
        if (std::find(item.outputs.begin(), item.outputs.end(), value) == item.outputs.end())
          inside.push_back(graph_.name(value));
      }
    }
    options_.notes->without_memory.push_back(std::move(inside));
    for (Value value : item.outputs) {
      const Obstacle obstacle = formulas_.obstacle(value);
      if (obstacle != Obstacle::none && obstacle != Obstacle::is_output)
        note_miss("compute where it is used", graph_.producer(value), condition(obstacle));
    }
  }

  /// Marks the values that something stored or a host node reads, from the outputs backwards.
  void find_needed() {
    for (Value output : graph_.outputs()) needed_.insert(output);
    for (NodeId id : graph_.nodes_backward()) {
      const Node& node = graph_.node(id);
      const OpDef& def = op(node.op);
      if (def.kind() == OpKind::host || (def.kind() == OpKind::structural && !is_constant(id))) {
        if (!must_run(id)) continue;
        need_node_inputs(node);
        continue;
      }
      for (Value output : node.outputs) {
        if (output.valid() && needed_.contains(output)) need_operands(output);
      }
    }
  }

  /// For its results, for what else it does, or for sizes that only it can tell.
  bool must_run(NodeId id) const {
    return graph_.has_users(id) || op(graph_.node(id).op).effect || gives_sizes(graph_, id);
  }
  bool is_constant(NodeId id) const { return graph_.node(id).op == "Constant"; }

  void need_node_inputs(const Node& node) {
    for (Value input : node.inputs) {
      if (!input.valid()) continue;
      needed_.insert(input);
      readers_[input].insert(Value());
    }
  }

  void need_operands(Value value) {
    std::vector<Expr> parts;
    const Anchor* anchor = formulas_.anchor(value);
    if (anchor) {
      parts = contraction_reads(formulas_, graph_, *anchor);
    } else if (formulas_.has_formula(value)) {
      parts = {formulas_.formula(value).body};
    }
    for (const Expr& part : parts) {
      for (int input : loaded_inputs(part)) {
        if (input < 0) continue;
        needed_.insert(Value{input});
        if (!in_stages(value)) readers_[Value{input}].insert(value);
      }
    }
  }

  bool is_alias(Value value) const {
    return options_.fuse && !graph_.is_output(value) && formulas_.has_formula(value) &&
           aliased(formulas_, value).valid();
  }

  void find_groups() {
    std::set<Value> read_elsewhere;
    for (const auto& [value, readers] : readers_) read_elsewhere.insert(value);
    stages_.emplace(graph_, formulas_, stored_in_loops(), read_elsewhere);
    for (NodeId id : graph_.nodes()) {
      for (Value output : graph_.node(id).outputs) {
        if (!output.valid() || !needed_.contains(output) || !formulas_.anchor(output)) continue;
        std::string_view refusal;
        std::optional<Attention> found =
            find_attention(graph_, formulas_, *stages_, output, readers_, refusal);
        if (!found && !refusal.empty()) note_miss("attention", id, refusal);
        if (!found) continue;
        groups_done_.insert(found->group);
        absorbed_.insert(found->scores);
        attentions_.emplace(output, std::move(*found));
      }
    }
    for (NodeId id : graph_.nodes())
      for (Value output : graph_.node(id).outputs)
        if (output.valid() && needed_.contains(output)) find_gates(output);
  }

  /// Products that one pointwise kernel alone reads become part of it.
  void find_gates(Value product) {
    const Anchor* anchor = formulas_.anchor(product);
    const std::vector<Value> readers = stages_->readers(product);
    if (!anchor || anchor->contraction.kind != Contraction::Kind::matmul || readers.empty() ||
        readers_.contains(product) || graph_.is_output(product) || absorbed_.contains(product))
      return;
    const std::optional<int> group = group_of(readers[0]);
    const bool alone = group ? stages_->is_pointwise(*group) &&
                                   std::all_of(readers.begin(), readers.end(),
                                               [&](Value v) { return group_of(v) == group; })
                             : readers.size() == 1 && stages_->may_be_pointwise(readers[0]);
    if (!alone) return;
    const std::vector<Value> made = group ? stages_->members(*group) : readers;
    const bool taken =
        std::any_of(made.begin(), made.end(), [&](Value v) { return gated_.contains(v); });
    const std::string_view refusal =
        taken ? "one product is in the kernel"
              : gates_refusal(graph_, formulas_, *stages_, product, readers);
    if (!refusal.empty())
      return note_miss("gates in the product's kernel", graph_.producer(product), refusal);
    absorbed_.insert(product);
    for (Value value : made) gated_[value] = product;
  }

  /// Whether stages can be made of it: not of what has another order in memory.
  bool in_stages(Value value) const {
    return formulas_.has_formula(value) && !is_alias(value) && formulas_.order(value).empty() &&
           bits(graph_.type(value).dtype) >= 8;  // packed.h: packed ones are kernels of their own
  }

  std::vector<Value> stored_in_loops() const {
    std::vector<Value> values;
    for (NodeId id : graph_.nodes()) {
      for (Value output : graph_.node(id).outputs) {
        if (output.valid() && needed_.contains(output) && in_stages(output) &&
            !formulas_.inlined(output))
          values.push_back(output);
      }
    }
    return values;
  }

  /// Adds what the node makes, after what it needs. Stages wait for the last of their group, or
  /// until something else needs one of them.
  void add_node(NodeId id) {
    if (!done_.insert(id).second) return;
    with_context([&] { return graph_.describe(id); }, [&] { add(id); });
  }

  void require(Value value) {
    if (const std::optional<int> group = group_of(value)) return add_group(*group);
    if (graph_.producer(value).valid()) add_node(graph_.producer(value));
  }

  void require_loads(const Expr& e) {
    for (int input : loaded_inputs(e))
      if (input >= 0) require(Value{input});
  }

  std::optional<int> group_of(Value value) const {
    return stages_ ? stages_->group(value) : std::nullopt;
  }

  void add(NodeId id) {
    const Node& node = graph_.node(id);
    const OpDef& def = op(node.op);
    if (is_constant(id)) return;
    if (def.kind() == OpKind::composite) {
      fail_as(ErrorCode::failed, "composite {} was not expanded", node.op);
    }
    if (def.kind() == OpKind::host || def.kind() == OpKind::structural) {
      if (!must_run(id)) return;
      for (Value input : node.inputs)
        if (input.valid()) require(input);
      add_host_node(id);
      return;
    }
    for (const Requirement& rule : formulas_.requirements(id))
      result_.requirements.push_back({graph_.describe(id), rule});
    for (Value output : node.outputs) {
      if (!output.valid() || !needed_.contains(output) || formulas_.inlined(output)) continue;
      if (absorbed_.contains(output)) continue;
      if (const auto attention = attentions_.find(output); attention != attentions_.end()) {
        add_attention(attention->second);
      } else if (const Anchor* anchor = formulas_.anchor(output)) {
        add_contraction(output, *anchor);
      } else if (const std::optional<int> group = group_of(output)) {
        if (stages_->members(*group).back() == output) add_group(*group);
      } else if (formulas_.has_formula(output)) {
        add_loops(output);
      }
    }
  }

  void add_host_node(NodeId id) {
    const Node& node = graph_.node(id);
    NodeItem item{id, {}};
    for (const auto& [name, attr] : node.attrs) {
      if (const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr)) {
        item.nested.emplace_back(name, partition(**nested, options_, kernels_));
      }
    }
    result_.items.push_back(std::move(item));
    BindItem bind;
    for (Value output : node.outputs) {
      if (!output.valid()) continue;
      const Type& type = graph_.type(output);
      if (type.is_tensor() && type.ranked) bind.values.push_back(output);
    }
    if (!bind.values.empty()) result_.items.push_back(std::move(bind));
  }

  void add_loops(Value value) {
    const TensorExpr formula = formulas_.stored_formula(value);
    require_loads(formula.body);
    if (is_alias(value)) {
      result_.items.push_back(AliasItem{value, aliased(formulas_, value)});
      return;
    }
    if (gated_.contains(value)) return add_gated({value}, {value}, {formula});
    add_loops({value}, {value}, {formula});
    if (stages_ && !stages_->refusal(value).empty())
      note_miss("join the stages beside it", graph_.producer(value), stages_->refusal(value));
  }

  /// After what makes its operands. `parts`: the values that it computes.
  void add_kernel(KernelItem item, Kernel kernel, const std::vector<Value>& parts) {
    for (Value operand : item.operands) require(operand);
    item.kernel = kernels_.size();
    note_kernel(item, parts);
    kernels_.push_back(std::move(kernel));
    result_.items.push_back(std::move(item));
  }

  /// One kernel of loops for `outputs`, by these formulas, in which `parts` are computed.
  void add_loops(const std::vector<Value>& parts, const std::vector<Value>& outputs,
                 const std::vector<TensorExpr>& formulas) {
    LoopKernel kernel;
    describe(kernel, parts);
    KernelItem item{0, {}, outputs};
    for (const TensorExpr& output : formulas)
      kernel.outputs.push_back({output.axes, renumber(output.body, kernel, item.operands)});
    add_kernel(std::move(item), std::move(kernel), parts);
  }

  void add_group(int group) {
    if (!groups_done_.insert(group).second) return;
    for (Value operand : stages_->operands(group)) require(operand);
    if (stages_->is_pointwise(group)) return add_pointwise_group(group);
    KernelItem item{0, {}, {}};
    StagedKernel kernel = stages_->kernel(group, item.outputs);
    describe(kernel, stages_->members(group));
    for (StagedKernel::Stage& stage : kernel.stages)
      stage.body = renumber(stage.body, kernel, item.operands);
    add_kernel(std::move(item), std::move(kernel), stages_->members(group));
  }

  void add_pointwise_group(int group) {
    const std::vector<Value>& members = stages_->members(group);
    std::vector<Value> outputs;
    const std::vector<TensorExpr> formulas = stages_->loops(group, outputs);
    gated_.contains(members[0]) ? add_gated(members, outputs, formulas)
                                : add_loops(members, outputs, formulas);
  }

  /// The product of which `parts` read gates, with `results`, their formulas, as epilogue.
  void add_gated(std::vector<Value> parts, const std::vector<Value>& outputs,
                 const std::vector<TensorExpr>& results) {
    const Value product = gated_.at(parts[0]);
    const Anchor& anchor = *formulas_.anchor(product);
    auto kernel = std::get<MatmulKernel>(make_contraction(formulas_, graph_, anchor));
    add_gates(kernel, formulas_, product, results);
    if (!outputs_without_sums(kernel).empty()) return add_loops(parts, outputs, kernel.outputs);
    parts.insert(parts.begin(), product);
    describe(kernel, parts);
    KernelItem item{0, {}, outputs};
    finish(kernel, item.operands);
    add_kernel(std::move(item), std::move(kernel), parts);
  }

  void add_attention(const Attention& attention) {
    AttentionKernel kernel = attention.kernel;
    std::vector<Value> parts = stages_->members(attention.group);
    parts.insert(parts.end(), {attention.scores, attention.result});
    describe(kernel, parts);
    KernelItem item{0, {}, {attention.result}};
    for (StagedKernel::Stage& stage : kernel.stages.stages)
      stage.body = renumber(stage.body, kernel, item.operands);
    for (Expr* part : {&kernel.query, &kernel.key, &kernel.value, &kernel.output})
      *part = renumber(*part, kernel, item.operands);
    kernel.stages.operands = kernel.operands;
    add_kernel(std::move(item), std::move(kernel), parts);
  }

  void add_contraction(Value value, const Anchor& anchor) {
    KernelItem item{0, {}, {value}};
    Kernel kernel = make_contraction(formulas_, graph_, anchor);
    if (const std::vector<TensorExpr> rest = outputs_without_sums(kernel); !rest.empty())
      return add_loops({value}, {value}, rest);
    std::visit(
        [&](auto& k) {
          describe(k, {value});
          finish(k, item.operands);
        },
        kernel);
    add_kernel(std::move(item), std::move(kernel), {value});
  }

  std::vector<NodeId> nodes_of(const std::vector<Value>& values) const {
    std::set<NodeId> all;
    for (Value value : values) {
      const std::vector<NodeId> own = formulas_.nodes_in(value);
      all.insert(own.begin(), own.end());
    }
    return {all.begin(), all.end()};
  }

  void describe(KernelBase& kernel, const std::vector<Value>& values) {
    const std::vector<NodeId> nodes = nodes_of(values);
    kernel.name = kernel_name(graph_, nodes);
    for (NodeId id : nodes) {
      const Origins& origins = graph_.node(id).origins;
      kernel.origins.insert(origins.begin(), origins.end());
    }
  }

  /// Loads of values become loads of operands, numbered in order of first appearance.
  Expr renumber(const Expr& e, KernelBase& kernel, std::vector<Value>& operands) {
    return replace_loads(e, [&](const ExprNode& node) {
      if (node.input < 0) return Expr();  // the accumulated sum, a stage
      const Value value{node.input};
      auto found = std::find(operands.begin(), operands.end(), value);
      if (found == operands.end()) {
        operands.push_back(value);
        kernel.operands.push_back(formulas_.stored_type(value));
        found = operands.end() - 1;
      }
      const int number = static_cast<int>(found - operands.begin());
      return node.flat ? load_flat(number, node.dtype, node.args[0])
                       : load(number, node.dtype, node.args);
    });
  }

  void finish(LoopKernel&, std::vector<Value>&) {}
  void finish(StagedKernel&, std::vector<Value>&) {}
  void finish(AttentionKernel&, std::vector<Value>&) {}
  void finish(MatmulKernel& kernel, std::vector<Value>& operands) {
    kernel.a.body = renumber(kernel.a.body, kernel, operands);
    kernel.b.body = renumber(kernel.b.body, kernel, operands);
    for (TensorExpr& output : kernel.outputs) output.body = renumber(output.body, kernel, operands);
    for (Value value : operands) kernel.constants.push_back(graph_.constant(value));
  }
  void finish(ConvolutionKernel& kernel, std::vector<Value>& operands) {
    kernel.x.body = renumber(kernel.x.body, kernel, operands);
    kernel.w.body = renumber(kernel.w.body, kernel, operands);
    kernel.output.body = renumber(kernel.output.body, kernel, operands);
    for (Value value : operands) kernel.constants.push_back(graph_.constant(value));
  }

  Partition& result_;
  const Graph& graph_;
  const FusionOptions& options_;
  std::vector<Kernel>& kernels_;
  Formulas formulas_;
  std::optional<StagePlan> stages_;
  std::map<Value, Attention> attentions_;  ///< by their results
  std::set<Value> needed_;
  std::set<Value> absorbed_;                  ///< scores of attentions, products of gates
  std::map<Value, Value> gated_;              ///< values made in the kernel of a product
  std::map<Value, std::set<Value>> readers_;  ///< but for loops; invalid: no anchor or alias
  std::set<NodeId> done_;
  std::set<int> groups_done_;
};

}  // namespace

std::unique_ptr<Partition> partition(Graph graph, const FusionOptions& options,
                                     std::vector<Kernel>& kernels) {
  auto result = std::make_unique<Partition>(std::move(graph));
  Partitioner(*result, options, kernels).run();
  return result;
}

}  // namespace dlc
