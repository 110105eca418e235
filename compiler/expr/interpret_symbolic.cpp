// The interpreter over sizes: elements are Dims, so that shape arithmetic vanishes.
// Next: scalar.h (the same operations on numbers).
#include <cassert>
#include <cmath>
#include <unordered_map>

#include "compiler/expr/interpret.h"
#include "compiler/expr/scalar.h"

namespace dlc {
namespace {

/// A number of a float type, or size / denominator: an integer (denominator 1), or a float type's
/// value that comes from one (exporters compute sizes in floats, as in floor(width * 0.5)).
struct Value {
  bool is_real = false;
  double real = 0;
  Dim size;
  int64_t denominator = 1;

  static Value number(double value) { return {.is_real = true, .real = value}; }
  static Value of(Dim size, int64_t denominator = 1) {
    return {.size = std::move(size), .denominator = denominator};
  }
  bool is_number() const { return is_real || size.is_number(); }
  double as_real() const {
    return is_real ? real : static_cast<double>(size.number()) / static_cast<double>(denominator);
  }
};
using Known = std::optional<Value>;

/// A float as a fraction, if it is one with a small denominator.
Known fraction(const Value& value) {
  if (!value.is_real) return value;
  constexpr int64_t denominator = 1 << 16;
  const double scaled = value.real * denominator;
  if (scaled != std::floor(scaled) || std::fabs(scaled) > 0x1p50) return std::nullopt;
  return Value::of(static_cast<int64_t>(scaled), denominator);
}

std::optional<bool> is_less(const Dim& a, const Dim& b) {
  if ((b - a - 1).is_non_negative()) return true;
  if ((a - b).is_non_negative()) return false;
  return std::nullopt;
}
std::optional<bool> is_equal(const Dim& a, const Dim& b) {
  if (a == b) return true;
  if (is_less(a, b).value_or(false) || is_less(b, a).value_or(false)) return false;
  return std::nullopt;
}
Known truth(std::optional<bool> value, bool negated = false) {
  if (!value) return std::nullopt;
  return Value::of(*value != negated ? 1 : 0);
}

bool holds_sizes(DType type) { return type == DType::i64 || type == DType::i32; }

class SymbolicInterpreter {
 public:
  SymbolicInterpreter(std::span<const std::optional<Dims>> operands, std::span<const Type> types)
      : operands_(operands), types_(types) {}

  /// Sets the variables of `axes` to the point at row-major position `at`.
  void set_point(const std::vector<Axis>& axes, int64_t at) {
    for (size_t i = axes.size(); i-- > 0;) {
      const int64_t extent = axes[i].extent.number();
      variables_[axes[i].variable] = at % extent;
      at /= extent;
    }
    done_.clear();
  }

  Known operator()(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    Known value = evaluate(e);
    done_[e.identity()] = value;
    return value;
  }

 private:
  Known evaluate(const Expr& e) {
    switch (e->kind) {
      case ExprKind::constant:
        return is_float(e.dtype()) ? Value::number(e->real) : Value::of(e->integer);
      case ExprKind::dim:
        return Value::of(e->dim);
      case ExprKind::variable:
        return Value::of(variables_.at(e->variable));
      case ExprKind::load:
        return load_element(e.node());
      case ExprKind::unary: {
        const Known x = (*this)(e->args[0]);
        return x ? of_unary(e.node(), *x) : x;
      }
      case ExprKind::binary: {
        const Known a = (*this)(e->args[0]);
        const Known b = a ? (*this)(e->args[1]) : a;
        return b ? of_binary(e.node(), *a, *b) : b;
      }
      case ExprKind::select:
        return of_select(e.node());
      case ExprKind::cast: {
        const Known x = (*this)(e->args[0]);
        return x ? of_cast(e->dtype, e->args[0].dtype(), *x) : x;
      }
      case ExprKind::reduce:
        return of_reduce(e.node());
    }
    return std::nullopt;
  }

  Known load_element(const ExprNode& e) {
    const auto& elements = operands_[static_cast<size_t>(e.input)];
    if (!elements || is_float(e.dtype)) return std::nullopt;
    int64_t position = 0;
    for (size_t i = 0; i < e.args.size(); ++i) {
      const Known index = (*this)(e.args[i]);
      if (!index || !index->is_number()) return std::nullopt;
      if (!e.flat) {
        const auto extent = types_[static_cast<size_t>(e.input)].shape[i].as_number();
        if (!extent) return std::nullopt;
        position *= *extent;
      }
      position += index->size.number();
    }
    if (position < 0 || position >= static_cast<int64_t>(elements->size())) return std::nullopt;
    const Value value = Value::of((*elements)[static_cast<size_t>(position)]);
    return of_cast(e.dtype, e.dtype, value);
  }

  static Value real_result(DType type, double value) {
    return type == DType::boolean ? Value::of(value != 0) : Value::number(round_to(type, value));
  }

  static Known of_unary(const ExprNode& e, const Value& x) {
    const DType from = e.args[0].dtype();
    if (x.is_number()) {
      if (!is_float(from))
        return Value::of(wrap_to(e.dtype, scalar::apply(e.unary, from, x.size.number())));
      const double value = scalar::apply(e.unary, x.as_real());
      return real_result(e.dtype, value);
    }
    switch (e.unary) {
      case UnaryOp::negate:
        return Value::of(Dim(0) - x.size, x.denominator);
      case UnaryOp::abs:
        return x.size.is_non_negative() ? Known(x) : std::nullopt;
      case UnaryOp::sign:
        return (x.size - 1).is_non_negative() ? Known(Value::of(1)) : std::nullopt;
      case UnaryOp::floor:
        return Value::of(floor_div(x.size, x.denominator));
      case UnaryOp::ceil:
        return Value::of(ceil_div(x.size, x.denominator));
      case UnaryOp::trunc:
        return x.size.is_non_negative() ? Known(Value::of(floor_div(x.size, x.denominator)))
                                        : std::nullopt;
      case UnaryOp::round:
        return x.denominator == 1 ? Known(x) : std::nullopt;
      case UnaryOp::is_nan:
      case UnaryOp::is_inf:
        return Value::of(0);
      default:
        return std::nullopt;
    }
  }

  static Known of_binary(const ExprNode& e, const Value& a, const Value& b) {
    const DType from = e.args[0].dtype();
    if (a.is_number() && b.is_number()) {
      if (!is_float(from))
        return Value::of(
            wrap_to(e.dtype, scalar::apply(e.binary, from, a.size.number(), b.size.number())));
      const double value = scalar::apply(e.binary, a.as_real(), b.as_real());
      return real_result(e.dtype, value);
    }
    const Known x = fraction(a), y = fraction(b);
    if (!x || !y) return std::nullopt;
    return is_float(from) ? of_fractions(e.binary, *x, *y) : of_sizes(e.binary, x->size, y->size);
  }

  static Known of_sizes(BinaryOp op, const Dim& a, const Dim& b) {
    const bool towards_zero_is_floor = a.is_non_negative() && b.is_non_negative();
    switch (op) {
      case BinaryOp::add:
        return Value::of(a + b);
      case BinaryOp::subtract:
        return Value::of(a - b);
      case BinaryOp::multiply:
        return Value::of(a * b);
      case BinaryOp::floor_div:
        return Value::of(floor_div(a, b));
      case BinaryOp::floor_mod:
        return Value::of(modulo(a, b));
      case BinaryOp::divide:
        return towards_zero_is_floor ? Known(Value::of(floor_div(a, b))) : std::nullopt;
      case BinaryOp::truncated_mod:
        return towards_zero_is_floor ? Known(Value::of(modulo(a, b))) : std::nullopt;
      case BinaryOp::minimum:
        return Value::of(minimum(a, b));
      case BinaryOp::maximum:
        return Value::of(maximum(a, b));
      default:
        return compare(op, a, b);
    }
  }

  /// Of what is equal in value; also for fractions brought to one denominator.
  static Known compare(BinaryOp op, const Dim& a, const Dim& b) {
    switch (op) {
      case BinaryOp::equal:
        return truth(is_equal(a, b));
      case BinaryOp::not_equal:
        return truth(is_equal(a, b), true);
      case BinaryOp::less:
        return truth(is_less(a, b));
      case BinaryOp::less_equal:
        return truth(is_less(b, a), true);
      case BinaryOp::greater:
        return truth(is_less(b, a));
      case BinaryOp::greater_equal:
        return truth(is_less(a, b), true);
      default:
        return std::nullopt;
    }
  }

  static Known of_fractions(BinaryOp op, const Value& a, const Value& b) {
    const Dim left = a.size * b.denominator, right = b.size * a.denominator;
    const int64_t denominator = a.denominator * b.denominator;
    if (denominator > int64_t{1} << 40) return std::nullopt;
    switch (op) {
      case BinaryOp::add:
        return Value::of(left + right, denominator);
      case BinaryOp::subtract:
        return Value::of(left - right, denominator);
      case BinaryOp::multiply:
        return Value::of(a.size * b.size, denominator);
      case BinaryOp::minimum:
        return Value::of(minimum(left, right), denominator);
      case BinaryOp::maximum:
        return Value::of(maximum(left, right), denominator);
      case BinaryOp::divide: {
        const auto divisor = right.as_number();
        if (!divisor || *divisor <= 0 || *divisor > int64_t{1} << 40) return std::nullopt;
        return Value::of(left, *divisor);
      }
      default:
        return compare(op, left, right);
    }
  }

  Known of_select(const ExprNode& e) {
    const Known condition = (*this)(e.args[0]);
    if (condition && condition->is_number())
      return (*this)(e.args[condition->size.number() != 0 ? 1 : 2]);
    const Known a = (*this)(e.args[1]), b = (*this)(e.args[2]);
    const bool alike = a && b && !a->is_real && !b->is_real && a->size == b->size &&
                       a->denominator == b->denominator;
    return alike ? a : std::nullopt;
  }

  static Known of_cast(DType to, DType from, const Value& x) {
    if (x.is_number()) {
      if (is_float(to)) return Value::number(round_to(to, x.as_real()));
      if (is_float(from)) return Value::of(wrap_to(to, scalar::to_integer(to, x.as_real())));
      return Value::of(to == DType::boolean ? x.size.number() != 0 : wrap_to(to, x.size.number()));
    }
    if (is_float(to)) return x;
    if (to == DType::boolean) return truth(is_equal(x.size, 0), true);
    if (!holds_sizes(to)) return std::nullopt;
    if (x.denominator != 1 && !x.size.is_non_negative()) return std::nullopt;
    return Value::of(floor_div(x.size, x.denominator));
  }

  Known of_reduce(const ExprNode& e) {
    int64_t count = 1;
    for (const Axis& axis : e.axes) {
      const auto extent = axis.extent.as_number();
      if (!extent || *extent < 0 || *extent > 4096) return std::nullopt;
      count *= *extent;
    }
    const bool sum = e.reduce == ReduceOp::sum, product = e.reduce == ReduceOp::product;
    const bool extreme = e.reduce == ReduceOp::minimum || e.reduce == ReduceOp::maximum;
    if (!(sum || product || (extreme && count > 0)) || count > 4096) return std::nullopt;
    if (is_float(e.dtype)) return std::nullopt;
    Known total;
    if (!extreme) total = Value::of(product ? 1 : 0);
    for (int64_t at = 0; at < count; ++at) {
      set_point(e.axes, at);
      const Known term = (*this)(e.args[0]);
      if (!term) return term;
      total = total ? combine(e.reduce, total->size, term->size) : *term;
    }
    done_.clear();  // the variables have no value any more
    return of_cast(e.dtype, e.dtype, *total);
  }

  static Value combine(ReduceOp op, const Dim& a, const Dim& b) {
    switch (op) {
      case ReduceOp::sum:
        return Value::of(a + b);
      case ReduceOp::product:
        return Value::of(a * b);
      case ReduceOp::minimum:
        return Value::of(minimum(a, b));
      default:
        return Value::of(maximum(a, b));
    }
  }

  std::span<const std::optional<Dims>> operands_;
  std::span<const Type> types_;
  std::map<Variable, int64_t> variables_;
  std::unordered_map<const void*, Known> done_;
};

}  // namespace

std::optional<Dims> interpret_symbolic(const TensorExpr& t,
                                       std::span<const std::optional<Dims>> operands,
                                       std::span<const Type> operand_types) {
  int64_t count = 1;
  for (const Axis& axis : t.axes) {
    const auto extent = axis.extent.as_number();
    if (!extent) return std::nullopt;
    count *= *extent;
  }
  SymbolicInterpreter evaluate(operands, operand_types);
  Dims elements;
  for (int64_t at = 0; at < count; ++at) {
    evaluate.set_point(t.axes, at);
    const Known value = evaluate(t.body);
    if (!value || value->is_real || value->denominator != 1) return std::nullopt;
    elements.push_back(value->size);
  }
  return elements;
}

}  // namespace dlc
