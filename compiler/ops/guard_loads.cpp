// Proving and guarding of loads. See guard_loads.h.
#include "compiler/ops/guard_loads.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "compiler/expr/simplify.h"
#include "compiler/ops/index_math.h"

namespace dlc {
namespace {

bool is_true(const Expr& e) { return e->kind == ExprKind::constant && e->integer != 0; }

bool compares_indices(const Expr& condition) {
  bool found = false;
  visit(condition, [&](const Expr& e) {
    const bool compares = e->kind == ExprKind::binary && e->binary >= BinaryOp::equal;
    found = found || (compares && e->args[0].dtype() == DType::i64);
  });
  return found;
}

/// Whether the bounds of an index are reached: sums and the like of different variables.
bool has_tight_bounds(const Expr& e, std::vector<Variable>& seen) {
  switch (e->kind) {
    case ExprKind::constant:
    case ExprKind::dim:
      return true;
    case ExprKind::variable:
      if (std::find(seen.begin(), seen.end(), e->variable) != seen.end()) return false;
      seen.push_back(e->variable);
      return true;
    case ExprKind::unary:
      return e->unary == UnaryOp::negate && has_tight_bounds(e->args[0], seen);
    case ExprKind::binary: {
      const bool monotone = e->binary == BinaryOp::add || e->binary == BinaryOp::subtract ||
                            e->binary == BinaryOp::multiply || e->binary == BinaryOp::floor_div ||
                            e->binary == BinaryOp::minimum || e->binary == BinaryOp::maximum;
      return monotone && has_tight_bounds(e->args[0], seen) && has_tight_bounds(e->args[1], seen);
    }
    default:
      return false;
  }
}

class LoadGuard {
 public:
  explicit LoadGuard(const OpArgs& args) : args_(args), scopes_(1) {}

  TensorExpr operator()(const TensorExpr& formula) {
    axes_ = formula.axes;
    visit(formula.body, [&](const Expr& e) {
      const bool loads = std::any_of(e->args.begin(), e->args.end(), [&](const Expr& arg) {
        return loading_.contains(arg.identity());
      });
      if (loads || e->kind == ExprKind::load) loading_.insert(e.identity());
    });
    return {formula.axes, walk(formula.body)};
  }

 private:
  struct Condition {
    Expr expr;
    bool value;
  };
  /// What has been guarded under the conditions that hold here.
  using Scope = std::unordered_map<const void*, Expr>;

  Expr walk(const Expr& e) {
    if (!loading_.contains(e.identity())) return e;
    if (const auto found = scopes_.back().find(e.identity()); found != scopes_.back().end())
      return found->second;
    Expr result = guarded(e);
    scopes_.back().emplace(e.identity(), result);
    return result;
  }

  Expr guarded(const Expr& e) {
    if (e->kind == ExprKind::select) return guarded_select(e);
    if (e->kind == ExprKind::reduce) axes_.insert(axes_.end(), e->axes.begin(), e->axes.end());
    std::vector<Expr> args;
    bool changed = false;
    for (const Expr& arg : e->args) {
      args.push_back(walk(arg));
      changed = changed || args.back().identity() != arg.identity();
    }
    if (e->kind == ExprKind::reduce) axes_.resize(axes_.size() - e->axes.size());
    if (e->kind == ExprKind::load) return guarded_load(e, std::move(args), changed);
    return changed ? with_args(e, std::move(args)) : e;
  }

  Expr guarded_select(const Expr& e) {
    const Expr condition = walk(e->args[0]);
    const Expr if_true = branch(condition, true, e->args[1]);
    const Expr if_false = branch(condition, false, e->args[2]);
    const bool same_parts = condition.identity() == e->args[0].identity() &&
                            if_true.identity() == e->args[1].identity() &&
                            if_false.identity() == e->args[2].identity();
    return same_parts ? e : select(condition, if_true, if_false);
  }

  Expr branch(const Expr& condition, bool value, const Expr& e) {
    if (!loading_.contains(e.identity()) || !compares_indices(condition)) return walk(e);
    conditions_.push_back({condition, value});
    scopes_.emplace_back();
    Expr result = walk(e);
    scopes_.pop_back();
    conditions_.pop_back();
    return result;
  }

  Expr guarded_load(const Expr& e, std::vector<Expr> indices, bool changed) {
    const auto input = static_cast<size_t>(e->input);
    Dims shape = args_.shape(input);
    if (e->flat) shape = {product(shape)};
    if (indices.size() != shape.size())
      fail("input {} has rank {}, but the op reads it with {} indices", name_of(input),
           shape.size(), indices.size());
    Expr not_empty = constant_integer(DType::boolean, 1);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const Expr at = guarded_index(indices[axis], shape[axis], input, axis);
      if (at.identity() == indices[axis].identity()) continue;
      indices[axis] = at;
      changed = true;
      if (shape[axis].lower_bound().value_or(0) < 1)
        not_empty = not_empty && dim(shape[axis]) > index(0);
    }
    if (!changed) return e;
    return select(not_empty, with_args(e, std::move(indices)), zero_of(e.dtype()));
  }

  Expr guarded_index(const Expr& i, const Dim& size, size_t input, size_t axis) {
    if (is_inside(i, size)) return i;
    std::vector<Variable> seen;
    if (conditions_.empty() && has_tight_bounds(i, seen)) {
      const Ranges ranges = ranges_here();
      const std::optional<Dim> low = lower_bound(i, ranges), high = upper_bound(i, ranges);
      if (low && high) {
        require_inside(*low, *high, size,
                       fmt::format("of input {} along axis {}", name_of(input), axis));
        return i;
      }
    }
    if (args_.requirements()) args_.requirements()->clamped = true;
    return clamp(i, index(0), dim(at_least(size - 1, 0)));
  }

  /// Loops without iterations read nothing.
  void require_inside(const Dim& low, const Dim& high, const Dim& size, const std::string& what) {
    Dim any = 1;
    for (const Axis& axis : axes_) {
      if (!(axis.extent - 1).is_non_negative()) any = any * minimum(axis.extent, 1);
    }
    args_.require(SizeRule::at_most, (high + 1) * any, size, "elements read " + what);
    if (!low.is_non_negative())
      args_.require(SizeRule::at_most, (0 - low) * any, 0,
                    "elements read before the start " + what);
  }

  bool is_inside(const Expr& i, const Dim& size) const {
    const auto is_empty = [](const Axis& axis) { return axis.extent == Dim(0); };
    if (std::any_of(axes_.begin(), axes_.end(), is_empty)) return true;  // nothing is read
    if (i->kind == ExprKind::variable) {
      for (const Axis& axis : axes_) {
        if (axis.variable == i->variable && axis.extent == size) return true;
      }
    }
    if (i->kind == ExprKind::constant && i->integer >= 0)
      return i->integer < size.lower_bound().value_or(0);
    const std::map<std::string, Dim> known = known_symbols();
    Expr check = substituted(i >= index(0) && i < dim(size), known);
    const Expr yes = constant_integer(DType::boolean, 1);
    for (size_t k = conditions_.size(); k-- > 0;) {
      const Expr condition = substituted(conditions_[k].expr, known);
      check = conditions_[k].value ? select(condition, check, yes) : select(condition, yes, check);
    }
    Ranges ranges = ranges_here();
    for (auto& [variable, extent] : ranges) extent = extent.substitute(known);
    return is_true(simplify(check, ranges));
  }

  /// What equal sizes, and sizes that are not 0 here, say about symbols.
  std::map<std::string, Dim> known_symbols() const {
    std::map<std::string, Dim> known;
    if (args_.requirements()) {
      for (const Requirement& rule : args_.requirements()->rules) {
        if (rule.rule != SizeRule::equal) continue;
        const Dim a = rule.a.substitute(known), b = rule.b.substitute(known);
        const auto of_a = a.as_symbol(), of_b = b.as_symbol();
        if (of_a && !mentions(b, *of_a)) {
          define(known, *of_a, b);
        } else if (of_b && !mentions(a, *of_b)) {
          define(known, *of_b, a);
        }
      }
    }
    for (const Condition& condition : conditions_) {
      if (condition.value) add_positive(condition.expr, known);
    }
    return known;
  }

  static bool mentions(const Dim& dim, const std::string& symbol) {
    bool found = false;
    dim.visit_symbols([&](const std::string& name) { found = found || name == symbol; });
    return found;
  }

  static void define(std::map<std::string, Dim>& known, const std::string& symbol,
                     const Dim& value) {
    for (auto& [name, dim] : known) dim = dim.substitute({{symbol, value}});
    known[symbol] = value;
  }

  /// 0 < n: n is one more than something.
  static void add_positive(const Expr& condition, std::map<std::string, Dim>& known) {
    if (condition->kind != ExprKind::binary) return;
    if (condition->binary == BinaryOp::logical_and) {
      add_positive(condition->args[0], known);
      return add_positive(condition->args[1], known);
    }
    const bool greater = condition->binary == BinaryOp::greater;
    if (!greater || condition->args[0]->kind != ExprKind::dim) return;
    const Expr& bound = condition->args[1];
    if (bound->kind != ExprKind::constant || bound->integer != 0) return;
    const auto symbol = condition->args[0]->dim.as_symbol();
    if (symbol && (*symbol)[0] != '$' && !known.contains(*symbol))
      define(known, *symbol, Dim::symbol(*symbol) + 1);
  }

  static Expr substituted(const Expr& e, const std::map<std::string, Dim>& known) {
    if (known.empty()) return e;
    return rewrite(e, [&](const Expr& node) {
      if (node->kind == ExprKind::dim) return dim(node->dim.substitute(known));
      if (node->kind != ExprKind::reduce) return Expr();
      std::vector<Axis> axes = node->axes;
      for (Axis& axis : axes) axis.extent = axis.extent.substitute(known);
      return reduce(node->reduce, std::move(axes), node->args[0]);
    });
  }

  Ranges ranges_here() const {
    Ranges ranges;
    for (const Axis& axis : axes_) ranges[axis.variable] = axis.extent;
    return ranges;
  }

  std::string name_of(size_t input) const {
    const std::vector<InputSpec>& specs = args_.def().inputs;
    if (input + 1 < specs.size() || args_.input_count() <= specs.size())
      return std::string(specs[input].name);
    return fmt::format("{}[{}]", specs.back().name, input + 1 - specs.size());
  }

  const OpArgs& args_;
  std::vector<Axis> axes_;  ///< of the loops around
  std::vector<Condition> conditions_;
  std::vector<Scope> scopes_;
  std::unordered_set<const void*> loading_;  ///< expressions with loads in them
};

}  // namespace

TensorExpr guard_loads(const OpArgs& args, const TensorExpr& formula) {
  return LoadGuard(args)(formula);
}

}  // namespace dlc
