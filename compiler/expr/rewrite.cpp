// Walking, comparing and rebuilding expressions, and tensors by formula.
// Next: simplify.cpp.
#include <algorithm>
#include <cassert>
#include <cstring>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "compiler/expr/expr.h"

namespace dlc {
namespace {

void visit_once(const Expr& e, std::unordered_set<const void*>& seen,
                const std::function<void(const Expr&)>& call) {
  if (!seen.insert(e.identity()).second) return;
  for (const Expr& arg : e->args) visit_once(arg, seen, call);
  call(e);
}

/// Positions of the variables that reductions in `e` bind.
std::map<Variable, int> bound_variables(const Expr& e) {
  std::map<Variable, int> bound;
  visit(e, [&](const Expr& node) {
    for (size_t i = 0; i < node->axes.size(); ++i)
      bound.emplace(node->axes[i].variable, static_cast<int>(i));
  });
  return bound;
}

class Rewriter {
 public:
  explicit Rewriter(const std::function<Expr(const Expr&)>& replace) : replace_(replace) {}

  Expr operator()(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    std::vector<Expr> args;
    args.reserve(e->args.size());
    bool changed = false;
    for (const Expr& arg : e->args) {
      args.push_back((*this)(arg));
      changed = changed || args.back().identity() != arg.identity();
    }
    Expr result = changed ? with_args(e, args) : e;
    // What folding makes of new operands is one of them or a part of one: replaced already.
    if (!changed || is_application(result, e, args)) {
      if (Expr replaced = replace_(result); replaced.valid()) result = std::move(replaced);
    }
    done_.emplace(e.identity(), result);
    return result;
  }

 private:
  /// Whether `result` is e's operation on `args`, and not something that it folded to.
  static bool is_application(const Expr& result, const Expr& e, const std::vector<Expr>& args) {
    return result->kind == e->kind &&
           std::equal(result->args.begin(), result->args.end(), args.begin(), args.end(),
                      [](const Expr& a, const Expr& b) { return a.identity() == b.identity(); });
  }

  const std::function<Expr(const Expr&)>& replace_;
  std::unordered_map<const void*, Expr> done_;
};

/// Compares two expressions; reductions' variables by position.
class Comparer {
 public:
  bool operator()(const Expr& a, const Expr& b) {
    if (a.identity() == b.identity() && renamed_.empty()) return true;
    const auto key = std::pair(a.identity(), b.identity());
    if (equal_.contains(key)) return true;
    if (!same_node(a.node(), b.node())) return false;
    for (size_t i = 0; i < a->axes.size(); ++i) renamed_[a->axes[i].variable] = b->axes[i].variable;
    for (size_t i = 0; i < a->args.size(); ++i)
      if (!(*this)(a->args[i], b->args[i])) return false;
    equal_.insert(key);
    return true;
  }

 private:
  bool same_node(const ExprNode& a, const ExprNode& b) const {
    if (a.kind != b.kind || a.dtype != b.dtype || a.args.size() != b.args.size() ||
        a.axes.size() != b.axes.size())
      return false;
    for (size_t i = 0; i < a.axes.size(); ++i)
      if (!(a.axes[i].extent == b.axes[i].extent)) return false;
    switch (a.kind) {
      case ExprKind::constant:
        return a.integer == b.integer && same_real(a.real, b.real);
      case ExprKind::dim:
        return a.dim == b.dim;
      case ExprKind::variable:
        return same_variable(a.variable, b.variable);
      case ExprKind::load:
        return a.input == b.input && a.flat == b.flat;
      case ExprKind::unary:
        return a.unary == b.unary;
      case ExprKind::binary:
        return a.binary == b.binary;
      case ExprKind::reduce:
        return a.reduce == b.reduce;
      case ExprKind::select:
      case ExprKind::cast:
        return true;
    }
    return false;
  }
  /// By bits, so that NaN is itself and 0 is not -0.
  static bool same_real(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  bool same_variable(Variable a, Variable b) const {
    const auto found = renamed_.find(a);
    return found == renamed_.end() ? a == b : found->second == b;
  }

  std::map<Variable, Variable> renamed_;
  std::set<std::pair<const void*, const void*>> equal_;
};

class Hasher {
 public:
  explicit Hasher(const Expr& e) : bound_(bound_variables(e)) {}

  size_t operator()(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    size_t h =
        mix(static_cast<size_t>(e->kind) * 64 + static_cast<size_t>(e->dtype), own(e.node()));
    for (const Axis& axis : e->axes) h = mix(h, axis.extent.hash());
    for (const Expr& arg : e->args) h = mix(h, (*this)(arg));
    return done_[e.identity()] = h;
  }

 private:
  static size_t mix(size_t a, size_t b) {
    return (a ^ (b + 0x9e3779b97f4a7c15 + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccd;
  }
  size_t own(const ExprNode& e) const {
    switch (e.kind) {
      case ExprKind::constant:
        return mix(std::hash<int64_t>()(e.integer), std::hash<double>()(e.real));
      case ExprKind::dim:
        return e.dim.hash();
      case ExprKind::variable: {
        const auto found = bound_.find(e.variable);
        if (found != bound_.end()) return static_cast<size_t>(found->second);
        return mix(1, static_cast<size_t>(e.variable.id));
      }
      case ExprKind::load:
        return static_cast<size_t>(e.input * 2 + e.flat);
      case ExprKind::unary:
        return static_cast<size_t>(e.unary);
      case ExprKind::binary:
        return static_cast<size_t>(e.binary);
      case ExprKind::reduce:
        return static_cast<size_t>(e.reduce);
      case ExprKind::select:
      case ExprKind::cast:
        return 0;
    }
    return 0;
  }

  std::map<Variable, int> bound_;
  std::unordered_map<const void*, size_t> done_;
};

/// Replaces free variables and gives reductions the variables that `renamed` has for them.
Expr replace_variables(const Expr& e, const std::map<Variable, Expr>& values,
                       const std::map<Variable, Variable>& renamed) {
  return rewrite(e, [&](const Expr& node) -> Expr {
    if (node->kind == ExprKind::variable) {
      if (const auto found = renamed.find(node->variable); found != renamed.end())
        return variable(found->second);
      const auto found = values.find(node->variable);
      return found == values.end() ? Expr() : found->second;
    }
    if (node->kind != ExprKind::reduce || renamed.empty()) return {};
    std::vector<Axis> axes = node->axes;
    for (Axis& axis : axes)
      if (auto found = renamed.find(axis.variable); found != renamed.end())
        axis.variable = found->second;
    return reduce(node->reduce, std::move(axes), node->args[0]);
  });
}

std::map<Variable, Variable> fresh_names(const Expr& e) {
  std::map<Variable, Variable> renamed;
  for (const auto& [variable, position] : bound_variables(e)) renamed[variable] = fresh_variable();
  return renamed;
}

}  // namespace

Expr with_args(const Expr& e, std::vector<Expr> args) {
  switch (e->kind) {
    case ExprKind::constant:
    case ExprKind::dim:
    case ExprKind::variable:
      return e;
    case ExprKind::load:
      return e->flat ? load_flat(e->input, e->dtype, std::move(args[0]))
                     : load(e->input, e->dtype, std::move(args));
    case ExprKind::unary:
      return unary(e->unary, args[0]);
    case ExprKind::binary:
      return binary(e->binary, args[0], args[1]);
    case ExprKind::select:
      return select(args[0], args[1], args[2]);
    case ExprKind::cast:
      return cast(e->dtype, args[0]);
    case ExprKind::reduce:
      return reduce(e->reduce, e->axes, args[0]);
  }
  return e;
}

bool same(const Expr& a, const Expr& b) { return Comparer()(a, b); }

size_t hash(const Expr& e) { return Hasher(e)(e); }

void visit(const Expr& e, const std::function<void(const Expr&)>& visit) {
  std::unordered_set<const void*> seen;
  visit_once(e, seen, visit);
}

Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& replace) {
  return Rewriter(replace)(e);
}

Indices own_indices(const std::vector<Axis>& axes) {
  Indices own;
  for (const Axis& axis : axes) own.push_back(variable(axis.variable));
  return own;
}

Expr substitute(const Expr& e, const std::map<Variable, Expr>& values) {
  if (values.empty()) return e;
  std::map<Variable, Expr> free = values;
  for (const auto& [variable, position] : bound_variables(e)) free.erase(variable);
  return replace_variables(e, free, {});
}

Expr with_fresh_variables(const Expr& e) {
  const auto renamed = fresh_names(e);
  return renamed.empty() ? e : replace_variables(e, {}, renamed);
}

bool has_reduction(const Expr& e) {
  bool found = false;
  visit(e, [&](const Expr& node) { found = found || node->kind == ExprKind::reduce; });
  return found;
}

Dims TensorExpr::shape() const {
  Dims shape;
  shape.reserve(axes.size());
  for (const Axis& axis : axes) shape.push_back(axis.extent);
  return shape;
}

Expr TensorExpr::at(const Indices& indices) const {
  assert(indices.size() == axes.size() && "one index an axis");
  std::map<Variable, Expr> values;
  for (size_t i = 0; i < axes.size(); ++i) values.emplace(axes[i].variable, indices[i]);
  return replace_variables(body, values, fresh_names(body));
}

TensorExpr tensor(Dims shape, const std::function<Expr(const Indices&)>& body) {
  TensorExpr result;
  Indices indices;
  for (Dim& extent : shape) {
    result.axes.push_back({fresh_variable(), std::move(extent)});
    indices.push_back(variable(result.axes.back().variable));
  }
  result.body = body(indices);
  return result;
}

Expr flatten_index(const Indices& indices, const Dims& shape) {
  assert(indices.size() == shape.size() && "one index an axis");
  Expr offset = index(0);
  for (size_t i = 0; i < shape.size(); ++i) offset = offset * dim(shape[i]) + indices[i];
  return offset;
}

Indices unflatten_index(const Expr& offset, const Dims& shape) {
  Indices indices(shape.size());
  Dim stride = 1;
  for (size_t i = shape.size(); i-- > 0; stride = stride * shape[i]) {
    if (shape[i] == Dim(1)) {
      indices[i] = index(0);
      continue;
    }
    const Expr quotient = floor_div(offset, dim(stride));
    // The offset is inside the tensor, so the first index needs no remainder.
    indices[i] = i == 0 ? quotient : floor_mod(quotient, dim(shape[i]));
  }
  return indices;
}

}  // namespace dlc
