// Loop nests from formulas: see loops.h.
// Next: schedule.cpp.
#include "compiler/lower/loops.h"

#include <cassert>
#include <set>
#include <unordered_map>

#include "compiler/lower/linear.h"

namespace dlc {
namespace {

/// Where variables occur: in the affine offsets of loads, or anywhere else.
class Uses {
 public:
  explicit Uses(const std::vector<Type>& operands) : operands_(operands) {}

  void collect(const Expr& e) {
    if (!seen_.insert(e.identity()).second) return;
    if (e->kind == ExprKind::variable) elsewhere.insert(e->variable);
    if (e->kind != ExprKind::load) {
      for (const Expr& arg : e->args) collect(arg);
      return;
    }
    offsets.push_back(load_offset(e.node(), operands_[e->input].shape));
    for (const Linear::Term& term : offsets.back().terms)
      if (term.atom->kind != ExprKind::variable) collect(term.atom);
  }

  std::vector<Linear> offsets;
  std::set<Variable> elsewhere;

 private:
  const std::vector<Type>& operands_;
  std::set<const void*> seen_;
};

/// Merges what can be merged within one list of axes.
class Merger {
 public:
  Merger(const std::vector<Type>& operands, const std::vector<Expr>& bodies)
      : operands_(operands), uses_(operands) {
    for (const Expr& body : bodies) {
      uses_.collect(body);
      visit(body, [&](const Expr& e) {
        if (e->kind == ExprKind::reduce) merge(e->axes);
      });
    }
  }

  const std::vector<Axis>& merge(const std::vector<Axis>& axes) {
    std::vector<Axis>& result = merged_[axes.empty() ? Variable{} : axes[0].variable];
    for (const Axis& axis : axes) {
      if (axis.extent == Dim(1)) {
        zero_.insert(axis.variable);
        continue;
      }
      result.push_back(axis);
      while (result.size() > 1 && is_one_walk(result[result.size() - 2], result.back())) {
        const Axis inner = result.back();
        result.pop_back();
        dropped_.insert(result.back().variable);
        result.back() = {inner.variable, result.back().extent * inner.extent};
      }
    }
    return result;
  }

  Expr apply(const Expr& e) const {
    return rewrite(e, [&](const Expr& node) {
      if (node->kind == ExprKind::variable && zero_.contains(node->variable)) return index(0);
      if (node->kind == ExprKind::load) return flat_load(node);
      if (node->kind == ExprKind::reduce) return merged_reduce(node);
      return Expr();
    });
  }

 private:
  bool is_one_walk(const Axis& outer, const Axis& inner) const {
    if (uses_.elsewhere.contains(outer.variable) || uses_.elsewhere.contains(inner.variable))
      return false;
    for (const Linear& offset : uses_.offsets)
      if (!(offset.coefficient(outer.variable) ==
            offset.coefficient(inner.variable) * inner.extent))
        return false;
    return true;
  }

  Expr flat_load(const Expr& node) const {
    Linear offset = load_offset(node.node(), operands_[node->input].shape);
    std::erase_if(offset.terms, [&](const Linear::Term& term) {
      return term.atom->kind == ExprKind::variable &&
             (dropped_.contains(term.atom->variable) || zero_.contains(term.atom->variable));
    });
    return load_flat(node->input, node.dtype(), offset.expr());
  }

  Expr merged_reduce(const Expr& node) const {
    const bool position =
        node->reduce >= ReduceOp::argmin_first && node->reduce <= ReduceOp::argmax_last;
    if (position) return {};
    const auto found = merged_.find(node->axes[0].variable);
    assert(found != merged_.end() && "every reduction was looked at");
    return reduce(node->reduce, found->second, node->args[0]);
  }

  const std::vector<Type>& operands_;
  Uses uses_;
  std::map<Variable, std::vector<Axis>> merged_;
  std::set<Variable> dropped_, zero_;
};

/// Makes equal nodes one, so that they are computed once.
class Interner {
 public:
  Expr apply(const Expr& e) {
    return rewrite(e, [&](const Expr& node) { return canonical(node); });
  }

 private:
  Expr canonical(const Expr& node) {
    std::vector<Expr>& known = nodes_[key(node)];
    for (const Expr& other : known)
      if (is_equal(node, other)) return other;
    known.push_back(node);
    return node;
  }

  static size_t key(const Expr& e) {
    size_t result = static_cast<size_t>(e->kind) * 31 + static_cast<size_t>(e->dtype);
    const auto mix = [&](size_t value) { result = (result ^ value) * 0x9E3779B97F4A7C15u; };
    mix(static_cast<size_t>(e->integer));
    mix(std::hash<double>()(e->real));
    mix(static_cast<size_t>(e->variable.id));
    mix(static_cast<size_t>(e->input) * 256 + static_cast<size_t>(e->unary));
    mix(static_cast<size_t>(e->binary) * 256 + static_cast<size_t>(e->reduce));
    if (e->kind == ExprKind::reduce) return result;  // the variables in it may differ
    for (const Expr& arg : e->args) mix(std::hash<const void*>()(arg.identity()));
    return result;
  }

  static bool is_equal(const Expr& a, const Expr& b) {
    if (a->kind != b->kind || a->dtype != b->dtype) return false;
    if (a->kind == ExprKind::reduce || a->args.empty()) return same(a, b);
    if (a->input != b->input || a->flat != b->flat || a->unary != b->unary ||
        a->binary != b->binary || a->args.size() != b->args.size())
      return false;
    for (size_t i = 0; i < a->args.size(); ++i)
      if (a->args[i].identity() != b->args[i].identity()) return false;
    return true;
  }

  std::unordered_map<size_t, std::vector<Expr>> nodes_;
};

}  // namespace

LoopNest make_loop_nest(const LoopKernel& kernel) {
  LoopNest nest;
  const std::vector<Axis>& axes = kernel.outputs[0].axes;
  const Indices shared = own_indices(axes);
  for (const TensorExpr& output : kernel.outputs)
    nest.bodies.push_back(&output == &kernel.outputs[0] ? output.body : output.at(shared));
  Merger merger(kernel.operands, nest.bodies);
  nest.axes = axes.empty() ? axes : merger.merge(axes);
  Interner interner;
  for (Expr& body : nest.bodies) body = interner.apply(merger.apply(body));
  return nest;
}

}  // namespace dlc
