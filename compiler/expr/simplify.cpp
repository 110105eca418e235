// Simplification: walks the expression, with i64 arithmetic as canonical sums.
// Next: index_form.h (the sums), index_divide.cpp (why reshapes vanish).
#include "compiler/expr/simplify.h"

#include <algorithm>
#include <cassert>
#include <unordered_map>

#include "compiler/expr/index_form.h"

namespace dlc {
namespace {

bool is_comparison(BinaryOp op) { return op >= BinaryOp::equal; }
bool is_constant(const Expr& e) { return e->kind == ExprKind::constant; }

bool is_position(ReduceOp op) {
  return op >= ReduceOp::argmin_first && op <= ReduceOp::argmax_last;
}

/// The same condition with the operands exchanged, so that only < and <= are left.
struct Inequality {
  Expr smaller, greater;
  bool strict;
};
Inequality inequality(const ExprNode& e) {
  const bool strict = e.binary == BinaryOp::less || e.binary == BinaryOp::greater;
  const bool swapped = e.binary == BinaryOp::greater || e.binary == BinaryOp::greater_equal;
  return {e.args[swapped ? 1 : 0], e.args[swapped ? 0 : 1], strict};
}

class Simplifier {
 public:
  explicit Simplifier(const Ranges& ranges) : space_(ranges), scopes_(1) {}

  FormSpace& space() { return space_; }

  Expr operator()(const Expr& e) {
    Scope& scope = scopes_.back();
    if (auto found = scope.exprs.find(e.identity()); found != scope.exprs.end())
      return found->second.value;
    Expr value = is_arithmetic(e) ? space_.expr(form(e)) : rebuild(e);
    scopes_.back().exprs.emplace(e.identity(), Known<Expr>{e, value});
    return value;
  }

  Form form(const Expr& e) {
    Scope& scope = scopes_.back();
    if (auto found = scope.forms.find(e.identity()); found != scope.forms.end())
      return found->second.value;
    Form value = make_form(e);
    scopes_.back().forms.emplace(e.identity(), Known<Form>{e, value});
    return value;
  }

 private:
  template <typename T>
  struct Known {
    Expr key;  ///< keeps the address taken
    T value;
  };
  /// What has been simplified under the facts that hold here.
  struct Scope {
    std::unordered_map<const void*, Known<Expr>> exprs;
    std::unordered_map<const void*, Known<Form>> forms;
  };
  /// Branches of selects are simplified on their own, up to this many: shared terms are simplified
  /// once a branch, and nested selects have exponentially many of them.
  static constexpr int max_branches = 256;

  static bool is_arithmetic(const Expr& e) {
    if (e.dtype() != DType::i64) return false;
    switch (e->kind) {
      case ExprKind::constant:
      case ExprKind::dim:
      case ExprKind::variable:
        return true;
      case ExprKind::unary:
        return e->unary == UnaryOp::negate;
      case ExprKind::binary:
        return e->binary <= BinaryOp::truncated_mod || e->binary == BinaryOp::minimum ||
               e->binary == BinaryOp::maximum;
      default:
        return false;
    }
  }

  Form make_form(const Expr& e) {
    if (!is_arithmetic(e)) {
      const Expr value = (*this)(e);
      // A select on a known condition leaves one of its branches.
      return is_arithmetic(value) && value.identity() != e.identity() ? form(value) : opaque(value);
    }
    switch (e->kind) {
      case ExprKind::constant:
        return {e->integer, {}};
      case ExprKind::dim:
        return {e->dim, {}};
      case ExprKind::variable:
        return space_.variable(e->variable);
      case ExprKind::unary:
        return space_.multiply(form(e->args[0]), -1);
      default:
        return binary_form(e->binary, form(e->args[0]), form(e->args[1]));
    }
  }

  Form binary_form(BinaryOp op, const Form& a, const Form& b) {
    switch (op) {
      case BinaryOp::add:
        return space_.add(a, b);
      case BinaryOp::subtract:
        return space_.add(a, b, -1);
      case BinaryOp::multiply:
        if (b.is_size()) return space_.multiply(a, b.constant);
        return a.is_size() ? space_.multiply(b, a.constant) : operation(op, a, b);
      case BinaryOp::minimum:
        if (space_.is_non_negative(space_.add(b, a, -1))) return a;
        return space_.is_non_negative(space_.add(a, b, -1)) ? b : operation(op, a, b);
      case BinaryOp::maximum:
        if (space_.is_non_negative(space_.add(b, a, -1))) return b;
        return space_.is_non_negative(space_.add(a, b, -1)) ? a : operation(op, a, b);
      default:
        return division_form(op, a, b);
    }
  }

  Form division_form(BinaryOp op, const Form& a, const Form& b) {
    const bool by_size = b.is_size() && b.constant.is_non_negative() && !(b.constant == Dim(0));
    const bool floors = op == BinaryOp::floor_div || op == BinaryOp::floor_mod;
    if (!by_size || (!floors && !space_.is_non_negative(a))) return operation(op, a, b);
    const bool quotient = op == BinaryOp::floor_div || op == BinaryOp::divide;
    return quotient ? space_.floor_div(a, b.constant) : space_.floor_mod(a, b.constant);
  }

  /// An operation that sums cannot say.
  Form operation(BinaryOp op, const Form& a, const Form& b) {
    const Expr e = binary(op, space_.expr(a), space_.expr(b));
    if (e->kind != ExprKind::binary) return form(e);
    const Bounds x = space_.bounds(a), y = space_.bounds(b);
    Bounds bounds;
    if (op == BinaryOp::minimum) {
      if (x.low && y.low) bounds.low = minimum(*x.low, *y.low);
      bounds.high = !x.high ? y.high : !y.high ? x.high : minimum(*x.high, *y.high);
    }
    if (op == BinaryOp::maximum) {
      if (x.high && y.high) bounds.high = maximum(*x.high, *y.high);
      bounds.low = !x.low ? y.low : !y.low ? x.low : maximum(*x.low, *y.low);
    }
    const bool sizes = x.low && y.low && x.low->is_non_negative() && y.low->is_non_negative();
    if (op == BinaryOp::multiply && sizes) {
      bounds.low = *x.low * *y.low;
      if (x.high && y.high) bounds.high = *x.high * *y.high;
    }
    return space_.opaque(e, bounds);
  }

  Form opaque(const Expr& e) {
    Bounds bounds;
    if (e->kind == ExprKind::cast && e->args[0].dtype() == DType::boolean)
      bounds = {Dim(0), Dim(1)};
    if (e->kind == ExprKind::select) {
      const Bounds a = space_.bounds(form(e->args[1])), b = space_.bounds(form(e->args[2]));
      if (a.low && b.low) bounds.low = minimum(*a.low, *b.low);
      if (a.high && b.high) bounds.high = maximum(*a.high, *b.high);
    }
    if (e->kind == ExprKind::reduce && is_position(e->reduce))
      bounds = {Dim(0), maximum(e->axes[0].extent - 1, Dim(0))};
    return space_.opaque(e, bounds);
  }

  Expr rebuild(const Expr& e) {
    if (e->kind == ExprKind::select) return rebuild_select(e);
    if (e->kind == ExprKind::reduce) return rebuild_reduce(e);
    const bool compares = e->kind == ExprKind::binary && is_comparison(e->binary);
    if (compares && e->args[0].dtype() == DType::i64) return compare(e);
    std::vector<Expr> args;
    args.reserve(e->args.size());
    bool changed = false;
    for (const Expr& arg : e->args) {
      args.push_back((*this)(arg));
      changed = changed || args.back().identity() != arg.identity();
    }
    return changed ? with_args(e, std::move(args)) : e;
  }

  // --- conditions

  Expr compare(const Expr& e) {
    const bool equality = e->binary == BinaryOp::equal || e->binary == BinaryOp::not_equal;
    if (equality) return compare_equal(e);
    const auto [smaller, greater, strict] = inequality(e.node());
    const Form a = form(smaller), b = form(greater);
    // a <= b where `difference` >= 0
    const Form difference = space_.add(space_.add(b, a, -1), {strict ? -1 : 0, {}});
    if (space_.is_non_negative(difference)) return constant(DType::boolean, 1);
    const Form opposite = space_.add(space_.multiply(difference, -1), {-1, {}});
    if (space_.is_non_negative(opposite)) return constant(DType::boolean, 0);
    if (!space_.is_bounded(difference)) return in_order(e, space_.expr(a), space_.expr(b));
    return at_least_zero(space_.reduced_sign(difference));
  }

  /// `e` with operands given as those of inequality().
  static Expr in_order(const Expr& e, const Expr& smaller, const Expr& greater) {
    const bool swapped = e->binary == BinaryOp::greater || e->binary == BinaryOp::greater_equal;
    return swapped ? with_args(e, {greater, smaller}) : with_args(e, {smaller, greater});
  }

  Expr compare_equal(const Expr& e) {
    const bool wanted = e->binary == BinaryOp::equal;
    const Form a = form(e->args[0]), b = form(e->args[1]);
    const Form difference = space_.add(a, b, -1);
    if (difference.is_size() && difference.constant == Dim(0))
      return constant(DType::boolean, wanted);
    const Form above = space_.add(difference, {-1, {}});
    const Form below = space_.add(space_.multiply(difference, -1), {-1, {}});
    if (space_.is_non_negative(above) || space_.is_non_negative(below))
      return constant(DType::boolean, !wanted);
    return with_args(e, {space_.expr(a), space_.expr(b)});
  }

  /// sum >= 0 with each term on the side where it is positive.
  Expr at_least_zero(const Form& sum) {
    Form positive{0, {}}, negative{0, {}};
    for (const auto& [atom, coefficient] : sum.terms) {
      const Dim opposite = Dim(0) - coefficient;
      if (opposite.is_non_negative()) {
        negative.terms.emplace_back(atom, opposite);
      } else {
        positive.terms.emplace_back(atom, coefficient);
      }
    }
    if (negative.terms.empty()) return space_.expr(positive) >= dim(Dim(0) - sum.constant);
    positive.constant = sum.constant + 1;
    return space_.expr(negative) < space_.expr(positive);
  }

  /// Adds what is known where the condition is `value`.
  void add_facts(const Expr& condition, bool value) {
    if (condition->kind == ExprKind::unary && condition->unary == UnaryOp::logical_not)
      return add_facts(condition->args[0], !value);
    if (condition->kind != ExprKind::binary) return;
    const BinaryOp op = condition->binary;
    if (op == (value ? BinaryOp::logical_and : BinaryOp::logical_or)) {
      add_facts(condition->args[0], value);
      add_facts(condition->args[1], value);
      return;
    }
    if (!is_comparison(op) || condition->args[0].dtype() != DType::i64) return;
    if (op == BinaryOp::equal || op == BinaryOp::not_equal) {
      if (value != (op == BinaryOp::equal)) return;
      const Form difference = space_.add(form(condition->args[0]), form(condition->args[1]), -1);
      space_.facts().push_back(difference);
      space_.facts().push_back(space_.multiply(difference, -1));
      return;
    }
    const auto [smaller, greater, strict] = inequality(condition.node());
    const Form difference = space_.add(form(greater), form(smaller), -1);
    const Form fact = value ? space_.add(difference, {strict ? -1 : 0, {}})
                            : space_.add(space_.multiply(difference, -1), {strict ? 0 : -1, {}});
    space_.facts().push_back(fact);
  }

  Expr rebuild_select(const Expr& e) {
    const Expr condition = (*this)(e->args[0]);
    if (is_constant(condition)) return (*this)(e->args[condition->integer ? 1 : 2]);
    const Expr if_true = branch(condition, true, e->args[1]);
    const Expr if_false = branch(condition, false, e->args[2]);
    if (same(if_true, if_false)) return if_true;
    return select(condition, if_true, if_false);
  }

  Expr branch(const Expr& condition, bool value, const Expr& e) {
    if (e->args.empty()) return (*this)(e);
    const size_t before = space_.facts().size();
    if (branches_ < max_branches) add_facts(condition, value);
    if (space_.facts().size() == before) return (*this)(e);
    ++branches_;
    scopes_.emplace_back();
    Expr result = (*this)(e);
    scopes_.pop_back();
    space_.facts().resize(before);
    return result;
  }

  // --- reductions

  Expr rebuild_reduce(const Expr& e) {
    std::vector<Axis> axes;
    for (const Axis& axis : e->axes) {
      space_.add_range(axis.variable, axis.extent);
      if (!(axis.extent == Dim(1))) axes.push_back(axis);
    }
    const Expr body = (*this)(e->args[0]);
    if (!axes.empty()) {
      const bool kept = body.identity() == e->args[0].identity() && axes.size() == e->axes.size();
      return kept ? e : reduce(e->reduce, std::move(axes), body);
    }
    return is_position(e->reduce) ? index(0) : body;
  }

  FormSpace space_;
  std::vector<Scope> scopes_;
  int branches_ = 0;
};

/// Strides of all nodes of an expression along one variable; those without it have stride 0.
class StrideFinder {
 public:
  explicit StrideFinder(Variable v) : variable_(v) {}

  std::optional<Expr> operator()(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    return done_[e.identity()] = find(e);
  }

 private:
  using Stride = std::optional<Expr>;

  static bool is_zero(const Stride& stride) {
    return stride && is_constant(*stride) && (*stride)->integer == 0;
  }

  Stride find(const Expr& e) {
    if (e->kind == ExprKind::variable) return index(e->variable == variable_ ? 1 : 0);
    std::vector<Stride> strides;
    for (const Expr& arg : e->args) strides.push_back((*this)(arg));
    if (std::all_of(strides.begin(), strides.end(), is_zero)) return index(0);
    if (e.dtype() != DType::i64) return std::nullopt;
    if (!std::all_of(strides.begin(), strides.end(), [](const Stride& s) { return s.has_value(); }))
      return std::nullopt;
    if (e->kind == ExprKind::unary && e->unary == UnaryOp::negate) return -*strides[0];
    if (e->kind != ExprKind::binary) return std::nullopt;
    switch (e->binary) {
      case BinaryOp::add:
        return *strides[0] + *strides[1];
      case BinaryOp::subtract:
        return *strides[0] - *strides[1];
      case BinaryOp::multiply:
        if (is_zero(strides[1])) return *strides[0] * e->args[1];
        return is_zero(strides[0]) ? Stride(e->args[0] * *strides[1]) : std::nullopt;
      default:
        return std::nullopt;
    }
  }

  Variable variable_;
  std::unordered_map<const void*, Stride> done_;
};

}  // namespace

Expr simplify(const Expr& e, const Ranges& ranges) { return Simplifier(ranges)(e); }

TensorExpr simplify(const TensorExpr& t) {
  Ranges ranges;
  for (const Axis& axis : t.axes) ranges[axis.variable] = axis.extent;
  return {t.axes, simplify(t.body, ranges)};
}

std::optional<Expr> stride_of(const Expr& e, Variable v) { return StrideFinder(v)(e); }

std::optional<Dim> lower_bound(const Expr& e, const Ranges& ranges) {
  Simplifier simplifier(ranges);
  return simplifier.space().bounds(simplifier.form(e)).low;
}

std::optional<Dim> upper_bound(const Expr& e, const Ranges& ranges) {
  Simplifier simplifier(ranges);
  return simplifier.space().bounds(simplifier.form(e)).high;
}

}  // namespace dlc
