// Making expressions: constructors, which fold what is plainly constant, and operators.
// Next: rewrite.cpp (walks and substitution), print.cpp, scalar.h (what the operations mean).
#include "compiler/expr/expr.h"

#include <atomic>
#include <cassert>

#include "compiler/expr/scalar.h"

namespace dlc {
namespace {

Expr make(ExprNode node) { return Expr(std::make_shared<const ExprNode>(std::move(node))); }

bool is_constant(const Expr& e) { return e->kind == ExprKind::constant; }
/// Constants of integer types and bool keep their value in `integer`.
bool is_real(DType type) { return is_float(type); }
bool is_number(const Expr& e, double value) {
  if (!is_constant(e)) return false;
  return is_real(e.dtype()) ? e->real == value : scalar::to_real(e.dtype(), e->integer) == value;
}
/// Values that a Dim can stand for: i64 constants and dims.
bool is_size(const Expr& e) {
  return e.dtype() == DType::i64 && (is_constant(e) || e->kind == ExprKind::dim);
}
Dim size_of(const Expr& e) { return is_constant(e) ? Dim(e->integer) : e->dim; }

bool commutes(BinaryOp op) {
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::multiply:
    case BinaryOp::minimum:
    case BinaryOp::maximum:
    case BinaryOp::logical_and:
    case BinaryOp::logical_or:
    case BinaryOp::logical_xor:
    case BinaryOp::bit_and:
    case BinaryOp::bit_or:
    case BinaryOp::bit_xor:
    case BinaryOp::equal:
    case BinaryOp::not_equal:
      return true;
    default:
      return false;
  }
}

Expr fold_constants(BinaryOp op, const Expr& a, const Expr& b) {
  const DType type = scalar::is_comparison(op) ? DType::boolean : a.dtype();
  if (is_real(a.dtype())) return constant(type, scalar::apply(op, a->real, b->real));
  return constant_integer(type, scalar::apply(op, a.dtype(), a->integer, b->integer));
}

/// Arithmetic on sizes that no value of the symbols can make fail.
Expr fold_sizes(BinaryOp op, const Dim& a, const Dim& b) {
  switch (op) {
    case BinaryOp::add:
      return dim(a + b);
    case BinaryOp::subtract:
      return dim(a - b);
    case BinaryOp::multiply:
      return dim(a * b);
    case BinaryOp::minimum:
      return dim(minimum(a, b));
    case BinaryOp::maximum:
      return dim(maximum(a, b));
    case BinaryOp::floor_div:
      return b.lower_bound().value_or(0) > 0 ? dim(floor_div(a, b)) : Expr();
    case BinaryOp::floor_mod:
      return b.lower_bound().value_or(0) > 0 ? dim(modulo(a, b)) : Expr();
    default:
      return {};
  }
}

Expr fold_logic(BinaryOp op, const Expr& a, const Expr& b) {
  if (!is_constant(b)) return {};
  const bool value = b->integer != 0;
  if (op == BinaryOp::logical_and) return value ? a : b;
  if (op == BinaryOp::logical_or) return value ? b : a;
  if (op == BinaryOp::logical_xor) return value ? !a : a;
  return {};
}

/// x with a neutral or absorbing number `b`; an invalid Expr if there is nothing to fold.
Expr fold_neutral(BinaryOp op, const Expr& a, const Expr& b) {
  const bool exact = !is_real(a.dtype());
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::subtract:
      return is_number(b, 0) ? a : Expr();
    case BinaryOp::multiply:
      if (is_number(b, 1)) return a;
      return exact && is_number(b, 0) ? b : Expr();
    case BinaryOp::divide:
      return is_number(b, 1) ? a : Expr();
    case BinaryOp::floor_div:
      if (!exact) return {};
      return is_number(b, 1) || is_number(a, 0) ? a : Expr();
    case BinaryOp::floor_mod:
    case BinaryOp::truncated_mod:
      if (!exact) return {};
      if (is_number(b, 1)) return constant(a.dtype(), 0);
      return is_number(a, 0) ? a : Expr();
    case BinaryOp::power:
      return is_number(b, 1) ? a : Expr();
    default:
      return {};
  }
}

/// (x + 1) + 2 and (x * 2) * 3 of integers.
Expr fold_nested(BinaryOp op, const Expr& a, const Expr& b) {
  const bool associates = op == BinaryOp::add || op == BinaryOp::multiply;
  if (!associates || is_real(a.dtype()) || !is_constant(b)) return {};
  if (a->kind != ExprKind::binary || a->binary != op || !is_constant(a->args[1])) return {};
  return binary(op, a->args[0], binary(op, a->args[1], b));
}

Expr fold(BinaryOp op, const Expr& a, const Expr& b) {
  if (is_constant(a) && is_constant(b)) return fold_constants(op, a, b);
  if (is_size(a) && is_size(b)) {
    if (Expr folded = fold_sizes(op, size_of(a), size_of(b)); folded.valid()) return folded;
  }
  if (a.dtype() == DType::boolean) {
    if (Expr folded = fold_logic(op, a, b); folded.valid()) return folded;
  }
  if (Expr folded = fold_neutral(op, a, b); folded.valid()) return folded;
  if (a.identity() == b.identity()) {
    if (op == BinaryOp::minimum || op == BinaryOp::maximum) return a;
    if (op == BinaryOp::subtract && !is_real(a.dtype())) return constant(a.dtype(), 0);
  }
  return fold_nested(op, a, b);
}

/// Every value of `from` is a value of `to`, so that a cast there and back changes nothing.
bool widens(DType from, DType to) {
  if (from == DType::boolean) return is_integer(to) || is_float(to);
  if (is_float(from) && is_float(to))
    return to == DType::f64 || (to == DType::f32 && from != DType::f64);
  if (is_integer(from) && is_integer(to))
    return bits(from) < bits(to) && (is_signed(to) || !is_signed(from));
  if (is_integer(from) && is_float(to))
    return (to == DType::f64 && bits(from) <= 32) || (to == DType::f32 && bits(from) <= 16);
  return false;
}

Expr number_like(const Expr& e, double value) { return constant(e.dtype(), value); }

}  // namespace

Variable fresh_variable() {
  static std::atomic<int64_t> next = 0;
  return {next++};
}

DType Expr::dtype() const { return node_->dtype; }

Expr constant(DType dtype, double value) {
  ExprNode node{.kind = ExprKind::constant, .dtype = dtype};
  if (is_real(dtype)) {
    node.real = round_to(dtype, value);
  } else {
    node.integer = wrap_to(dtype, scalar::to_integer(dtype, value));
  }
  return make(std::move(node));
}

Expr constant_integer(DType dtype, int64_t value) {
  if (is_real(dtype)) return constant(dtype, static_cast<double>(value));
  const bool wraps = is_integer(dtype) || dtype == DType::boolean;
  return make({.kind = ExprKind::constant,
               .dtype = dtype,
               .integer = wraps ? wrap_to(dtype, value) : value});
}

Expr index(int64_t value) { return constant_integer(DType::i64, value); }

Expr dim(const Dim& value) {
  if (value.is_number()) return index(value.number());
  return make({.kind = ExprKind::dim, .dtype = DType::i64, .dim = value});
}

Expr variable(Variable variable) {
  return make({.kind = ExprKind::variable, .dtype = DType::i64, .variable = variable});
}

Expr load(int input, DType dtype, Indices indices) {
  return make({.kind = ExprKind::load, .dtype = dtype, .input = input, .args = std::move(indices)});
}

Expr load_flat(int input, DType dtype, Expr offset) {
  return make({.kind = ExprKind::load,
               .dtype = dtype,
               .input = input,
               .flat = true,
               .args = {std::move(offset)}});
}

Expr unary(UnaryOp op, const Expr& x) {
  assert(arithmetic_type(x.dtype()) == x.dtype() && "cast narrow floats before computing");
  const DType type = scalar::gives_bool(op) ? DType::boolean : x.dtype();
  if (is_constant(x)) {
    if (is_real(x.dtype())) return constant(type, scalar::apply(op, x->real));
    return constant_integer(type, scalar::apply(op, x.dtype(), x->integer));
  }
  const bool twice = x->kind == ExprKind::unary && x->unary == op;
  if (twice && (op == UnaryOp::logical_not || op == UnaryOp::negate || op == UnaryOp::bit_not))
    return x->args[0];
  if (x->kind == ExprKind::dim && op == UnaryOp::negate) return dim(Dim(0) - x->dim);
  return make({.kind = ExprKind::unary, .dtype = type, .unary = op, .args = {x}});
}

Expr binary(BinaryOp op, const Expr& a, const Expr& b) {
  assert(a.dtype() == b.dtype() && "operands of one type");
  assert(arithmetic_type(a.dtype()) == a.dtype() && "cast narrow floats before computing");
  if (commutes(op) && is_constant(a) && !is_constant(b)) return binary(op, b, a);
  if (Expr folded = fold(op, a, b); folded.valid()) return folded;
  const DType type = scalar::is_comparison(op) ? DType::boolean : a.dtype();
  return make({.kind = ExprKind::binary, .dtype = type, .binary = op, .args = {a, b}});
}

Expr select(const Expr& condition, const Expr& if_true, const Expr& if_false) {
  assert(condition.dtype() == DType::boolean && if_true.dtype() == if_false.dtype());
  if (is_constant(condition)) return condition->integer ? if_true : if_false;
  if (if_true.identity() == if_false.identity()) return if_true;
  return make(
      {.kind = ExprKind::select, .dtype = if_true.dtype(), .args = {condition, if_true, if_false}});
}

Expr cast(DType dtype, const Expr& x) {
  const DType from = x.dtype();
  if (from == dtype) return x;
  if (is_constant(x)) {
    if (is_real(from)) return constant(dtype, x->real);
    if (is_real(dtype)) return constant(dtype, scalar::to_real(from, x->integer));
    return constant_integer(dtype, dtype == DType::boolean ? x->integer != 0 : x->integer);
  }
  if (x->kind == ExprKind::cast && x->args[0].dtype() == dtype && widens(dtype, from))
    return x->args[0];
  return make({.kind = ExprKind::cast, .dtype = dtype, .args = {x}});
}

Expr reduce(ReduceOp op, std::vector<Axis> axes, const Expr& body) {
  const bool position = op >= ReduceOp::argmin_first && op <= ReduceOp::argmax_last;
  assert((!position || axes.size() == 1) && "argmin and argmax have one axis");
  if (axes.empty()) return body;
  return make({.kind = ExprKind::reduce,
               .dtype = position ? DType::i64 : body.dtype(),
               .reduce = op,
               .axes = std::move(axes),
               .args = {body}});
}

Expr reduce(ReduceOp op, const Dims& extents, const std::function<Expr(const Indices&)>& body) {
  const TensorExpr reduced = tensor(extents, body);
  return reduce(op, reduced.axes, reduced.body);
}

Expr sum(const Dims& extents, const std::function<Expr(const Indices&)>& body) {
  return reduce(ReduceOp::sum, extents, body);
}

Expr operator+(const Expr& a, const Expr& b) { return binary(BinaryOp::add, a, b); }
Expr operator-(const Expr& a, const Expr& b) { return binary(BinaryOp::subtract, a, b); }
Expr operator*(const Expr& a, const Expr& b) { return binary(BinaryOp::multiply, a, b); }
Expr operator/(const Expr& a, const Expr& b) { return binary(BinaryOp::divide, a, b); }
Expr operator-(const Expr& x) { return unary(UnaryOp::negate, x); }
Expr operator<(const Expr& a, const Expr& b) { return binary(BinaryOp::less, a, b); }
Expr operator<=(const Expr& a, const Expr& b) { return binary(BinaryOp::less_equal, a, b); }
Expr operator>(const Expr& a, const Expr& b) { return binary(BinaryOp::greater, a, b); }
Expr operator>=(const Expr& a, const Expr& b) { return binary(BinaryOp::greater_equal, a, b); }
Expr equal(const Expr& a, const Expr& b) { return binary(BinaryOp::equal, a, b); }
Expr not_equal(const Expr& a, const Expr& b) { return binary(BinaryOp::not_equal, a, b); }
Expr operator&&(const Expr& a, const Expr& b) { return binary(BinaryOp::logical_and, a, b); }
Expr operator||(const Expr& a, const Expr& b) { return binary(BinaryOp::logical_or, a, b); }
Expr operator!(const Expr& x) { return unary(UnaryOp::logical_not, x); }

Expr operator+(const Expr& a, double b) { return a + number_like(a, b); }
Expr operator+(double a, const Expr& b) { return number_like(b, a) + b; }
Expr operator-(const Expr& a, double b) { return a - number_like(a, b); }
Expr operator-(double a, const Expr& b) { return number_like(b, a) - b; }
Expr operator*(const Expr& a, double b) { return a * number_like(a, b); }
Expr operator*(double a, const Expr& b) { return number_like(b, a) * b; }
Expr operator/(const Expr& a, double b) { return a / number_like(a, b); }
Expr operator/(double a, const Expr& b) { return number_like(b, a) / b; }
Expr operator<(const Expr& a, double b) { return a < number_like(a, b); }
Expr operator<=(const Expr& a, double b) { return a <= number_like(a, b); }
Expr operator>(const Expr& a, double b) { return a > number_like(a, b); }
Expr operator>=(const Expr& a, double b) { return a >= number_like(a, b); }
Expr equal(const Expr& a, double b) { return equal(a, number_like(a, b)); }

Expr minimum(const Expr& a, const Expr& b) { return binary(BinaryOp::minimum, a, b); }
Expr maximum(const Expr& a, const Expr& b) { return binary(BinaryOp::maximum, a, b); }
Expr clamp(const Expr& x, const Expr& low, const Expr& high) {
  return minimum(maximum(x, low), high);
}
Expr clamp(const Expr& x, double low, double high) {
  return clamp(x, number_like(x, low), number_like(x, high));
}
Expr floor_div(const Expr& a, const Expr& b) { return binary(BinaryOp::floor_div, a, b); }
Expr floor_mod(const Expr& a, const Expr& b) { return binary(BinaryOp::floor_mod, a, b); }
Expr pow(const Expr& a, const Expr& b) { return binary(BinaryOp::power, a, b); }
Expr abs(const Expr& x) { return unary(UnaryOp::abs, x); }
Expr sqrt(const Expr& x) { return unary(UnaryOp::sqrt, x); }
Expr exp(const Expr& x) { return unary(UnaryOp::exp, x); }
Expr log(const Expr& x) { return unary(UnaryOp::log, x); }
Expr tanh(const Expr& x) { return unary(UnaryOp::tanh, x); }
Expr erf(const Expr& x) { return unary(UnaryOp::erf, x); }
Expr floor(const Expr& x) { return unary(UnaryOp::floor, x); }
Expr ceil(const Expr& x) { return unary(UnaryOp::ceil, x); }
Expr round(const Expr& x) { return unary(UnaryOp::round, x); }
Expr sigmoid(const Expr& x) { return 1.0 / (1.0 + exp(-x)); }

DType arithmetic_type(DType dtype) {
  const bool narrow = is_float(dtype) && dtype != DType::f32 && dtype != DType::f64;
  return narrow ? DType::f32 : dtype;
}

}  // namespace dlc
