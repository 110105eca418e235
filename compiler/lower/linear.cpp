// Index expressions as sums: see linear.h.
// Next: compiler/lower/schedule.cpp.
#include "compiler/lower/linear.h"

#include <algorithm>

namespace dlc {
namespace {

bool is_pure(const Linear& l) { return l.terms.empty(); }

Linear of_constant(Dim value) { return Linear{std::move(value), {}}; }

Linear of_atom(const Expr& e) { return Linear{0, {{e, Dim(1)}}}; }

Linear scaled(const Linear& l, const Dim& factor) {
  Linear result;
  result.add(l, factor);
  return result;
}

Linear of_binary(const Expr& e) {
  const Linear a = linear(e->args[0]), b = linear(e->args[1]);
  Linear sum = a;
  switch (e->binary) {
    case BinaryOp::add:
      sum.add(b, 1);
      return sum;
    case BinaryOp::subtract:
      sum.add(b, -1);
      return sum;
    case BinaryOp::multiply:
      if (is_pure(b)) return scaled(a, b.constant);
      if (is_pure(a)) return scaled(b, a.constant);
      return of_atom(e);
    case BinaryOp::floor_div:
      if (is_pure(a) && is_pure(b) && b.constant != Dim(0))
        return of_constant(floor_div(a.constant, b.constant));
      return of_atom(e);
    case BinaryOp::minimum:
      if (is_pure(a) && is_pure(b)) return of_constant(minimum(a.constant, b.constant));
      return of_atom(e);
    case BinaryOp::maximum:
      if (is_pure(a) && is_pure(b)) return of_constant(maximum(a.constant, b.constant));
      return of_atom(e);
    default:
      return of_atom(e);
  }
}

}  // namespace

Dim Linear::coefficient(Variable v) const {
  for (const Term& term : terms)
    if (term.atom->kind == ExprKind::variable && term.atom->variable == v) return term.coefficient;
  return 0;
}

Linear Linear::without(Variable v) const {
  Linear result = *this;
  std::erase_if(result.terms, [&](const Term& term) {
    return term.atom->kind == ExprKind::variable && term.atom->variable == v;
  });
  return result;
}

void Linear::add_term(const Expr& atom, const Dim& coefficient) {
  if (coefficient == Dim(0)) return;
  const auto found = std::find_if(terms.begin(), terms.end(), [&](const Term& term) {
    return term.atom.identity() == atom.identity() || same(term.atom, atom);
  });
  if (found == terms.end()) {
    terms.push_back({atom, coefficient});
    return;
  }
  found->coefficient = found->coefficient + coefficient;
  if (found->coefficient == Dim(0)) terms.erase(found);
}

void Linear::add(const Linear& other, const Dim& factor) {
  constant = constant + other.constant * factor;
  for (const Term& term : other.terms) add_term(term.atom, term.coefficient * factor);
}

Expr Linear::expr() const {
  Expr result = dim(constant);
  for (const Term& term : terms) result = result + term.atom * dim(term.coefficient);
  return result;
}

Linear linear(const Expr& e) {
  switch (e->kind) {
    case ExprKind::constant:
      return of_constant(e->integer);
    case ExprKind::dim:
      return of_constant(e->dim);
    case ExprKind::binary:
      return of_binary(e);
    case ExprKind::unary:
      if (e->unary == UnaryOp::negate) return scaled(linear(e->args[0]), -1);
      return of_atom(e);
    default:
      return of_atom(e);
  }
}

bool equal(Linear a, const Linear& b) {
  a.add(b, -1);
  return a.terms.empty() && a.constant == Dim(0);
}

Linear load_offset(const ExprNode& load, const Dims& shape) {
  if (load.flat) return linear(load.args[0]);
  Linear result;
  Dim stride = 1;
  for (size_t k = load.args.size(); k-- > 0;) {
    result.add(linear(load.args[k]), stride);
    stride = stride * shape[k];
  }
  return result;
}

const std::set<Variable>& FreeVariables::of(const Expr& e) {
  if (const auto found = known_.find(e.identity()); found != known_.end())
    return found->second->variables;
  auto entry = std::make_unique<Entry>(Entry{e, {}});
  if (e->kind == ExprKind::variable) entry->variables.insert(e->variable);
  for (const Expr& arg : e->args) {
    const std::set<Variable>& inner = of(arg);
    entry->variables.insert(inner.begin(), inner.end());
  }
  for (const Axis& axis : e->axes) entry->variables.erase(axis.variable);
  return known_.emplace(e.identity(), std::move(entry)).first->second->variables;
}

}  // namespace dlc
