// The scalar expression language: what one element of a tensor is, by its indices.
// Readers: interpret.h, simplify.h, compiler/lower (fusion), compiler/backends/llvm (code).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/type.h"

namespace dlc {

enum class ExprKind : uint8_t {
  constant,
  dim,
  variable,
  load,
  unary,
  binary,
  select,
  cast,
  reduce
};

/// f(x). Float functions take f32 or f64; negate, abs, sign any number; bit_not integers;
/// logical_not bool; is_nan, is_inf give bool. round: half to even. floor, ceil, trunc keep the
/// type.
enum class UnaryOp : uint8_t {
  negate,
  abs,
  sign,
  floor,
  ceil,
  round,
  trunc,
  sqrt,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  bit_not,
  logical_not,
  is_nan,
  is_inf,
};

/// Both operands have one type. divide: IEEE for floats, towards zero for integers (x / 0 = 0,
/// lowest / -1 = lowest). floor_div, floor_mod: Python's // and % (mod has the divisor's sign; by
/// 0: 0); truncated_mod: C's fmod / %. minimum, maximum: NaN if either is. Comparisons give bool.
/// Integers wrap. shift amounts >= the width give 0.
enum class BinaryOp : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_div,
  floor_mod,
  truncated_mod,
  power,
  minimum,
  maximum,
  atan2,
  logical_and,
  logical_or,
  logical_xor,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
};

/// sum and product start at 0 and 1; minimum and maximum at the type's greatest and lowest (floats:
/// infinities) and give NaN if any is; argmin/argmax give the i64 position along the single axis of
/// the first or last best element (NaN counts as best). any/all: or / and of bools.
enum class ReduceOp : uint8_t {
  sum,
  product,
  minimum,
  maximum,
  argmin_first,
  argmin_last,
  argmax_first,
  argmax_last,
  any,
  all,
};

/// A loop index. Fresh ones differ from all others; the name is for printing.
struct Variable {
  int64_t id = -1;
  auto operator<=>(const Variable&) const = default;
};
Variable fresh_variable();

/// An index variable running over [0, extent).
struct Axis {
  Variable variable;
  Dim extent;
};

struct ExprNode;

/// An immutable expression; copies share it. Arithmetic is on bool, integers, f32 and f64; values
/// of narrower floats (f16, bf16, f8, ...) are only loaded, selected and cast. Constructing
/// simplifies: constants fold, x + 0 is x. Operands of one type are the caller's duty (asserted); a
/// bare number takes the type of the other side.
class Expr {
 public:
  Expr() = default;
  explicit Expr(std::shared_ptr<const ExprNode> node) : node_(std::move(node)) {}
  bool valid() const { return node_ != nullptr; }
  const ExprNode& node() const { return *node_; }
  const ExprNode* operator->() const { return node_.get(); }
  DType dtype() const;
  const void* identity() const { return node_.get(); }

 private:
  std::shared_ptr<const ExprNode> node_;
};

using Indices = std::vector<Expr>;  // i64 expressions

struct ExprNode {
  ExprKind kind;
  DType dtype;
  double real = 0;      ///< constant of a float type
  int64_t integer = 0;  ///< constant of an integer type or bool
  Dim dim;              ///< dim: its value, as i64
  Variable variable;    ///< variable (i64)
  int input = -1;       ///< load: number of the operand
  bool flat = false;    ///< load: args is one index into the row-major elements
  UnaryOp unary = {};
  BinaryOp binary = {};
  ReduceOp reduce = {};
  std::vector<Axis> axes;  ///< reduce: the variables that args[0] is reduced over
  /// Operands: load: the indices; unary, cast: {x}; binary: {a, b}; select: {condition, if true, if
  /// false}, of which only the chosen one needs to be valid (loads included); reduce: {body}.
  std::vector<Expr> args;
};

// --- making expressions
Expr constant(DType dtype, double value);
/// Exact for 64 bits. Of complex numbers and strings there is 0 only: all bits 0, the empty string.
Expr constant_integer(DType dtype, int64_t value);
Expr index(int64_t value);   ///< i64 constant
Expr dim(const Dim& value);  ///< i64; a number becomes a constant
Expr variable(Variable variable);
Expr load(int input, DType dtype, Indices indices);
Expr load_flat(int input, DType dtype, Expr offset);
Expr unary(UnaryOp op, const Expr& x);
Expr binary(BinaryOp op, const Expr& a, const Expr& b);
Expr select(const Expr& condition, const Expr& if_true, const Expr& if_false);
/// Cast as ONNX's: float to integer towards zero (out of range: scalar::to_integer); to bool: != 0;
/// narrowing floats round to nearest even. Saturating f8 rules are runtime/numeric.h's.
Expr cast(DType dtype, const Expr& x);
Expr reduce(ReduceOp op, std::vector<Axis> axes, const Expr& body);
/// reduce(sum) etc. over fresh variables of the given extents; `body` gets them as i64 expressions.
Expr reduce(ReduceOp op, const Dims& extents, const std::function<Expr(const Indices&)>& body);
Expr sum(const Dims& extents, const std::function<Expr(const Indices&)>& body);

Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);
Expr operator-(const Expr& x);
Expr operator<(const Expr& a, const Expr& b);
Expr operator<=(const Expr& a, const Expr& b);
Expr operator>(const Expr& a, const Expr& b);
Expr operator>=(const Expr& a, const Expr& b);
Expr equal(const Expr& a, const Expr& b);
Expr not_equal(const Expr& a, const Expr& b);
Expr operator&&(const Expr& a, const Expr& b);
Expr operator||(const Expr& a, const Expr& b);
Expr operator!(const Expr& x);
// The same with a number on one side.
Expr operator+(const Expr& a, double b);
Expr operator+(double a, const Expr& b);
Expr operator-(const Expr& a, double b);
Expr operator-(double a, const Expr& b);
Expr operator*(const Expr& a, double b);
Expr operator*(double a, const Expr& b);
Expr operator/(const Expr& a, double b);
Expr operator/(double a, const Expr& b);
Expr operator<(const Expr& a, double b);
Expr operator<=(const Expr& a, double b);
Expr operator>(const Expr& a, double b);
Expr operator>=(const Expr& a, double b);
Expr equal(const Expr& a, double b);

Expr minimum(const Expr& a, const Expr& b);
Expr maximum(const Expr& a, const Expr& b);
Expr clamp(const Expr& x, const Expr& low, const Expr& high);  ///< minimum(maximum(x, low), high)
Expr clamp(const Expr& x, double low, double high);
Expr floor_div(const Expr& a, const Expr& b);
Expr floor_mod(const Expr& a, const Expr& b);
Expr pow(const Expr& a, const Expr& b);
Expr abs(const Expr& x);
Expr sqrt(const Expr& x);
Expr exp(const Expr& x);
Expr log(const Expr& x);
Expr tanh(const Expr& x);
Expr erf(const Expr& x);
Expr floor(const Expr& x);
Expr ceil(const Expr& x);
Expr round(const Expr& x);
Expr sigmoid(const Expr& x);  ///< 1 / (1 + exp(-x))

// --- reading and rewriting
/// f32 for the narrow floats, else the type itself: in what arithmetic on it is done.
DType arithmetic_type(DType dtype);
/// The same form, variables of reductions counted as equal by position.
bool same(const Expr& a, const Expr& b);
size_t hash(const Expr& e);
/// "a[i0, i1 + 2] * 0.5", operands a, b, c, ...; variables numbered by first occurrence.
std::string to_string(const Expr& e);
/// Calls `visit` for each distinct node, operands first.
void visit(const Expr& e, const std::function<void(const Expr&)>& visit);
/// Rebuilds bottom-up (each shared node once); `replace` gives the new form of a rebuilt node, or
/// an invalid Expr to keep it.
Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& replace);
/// The same operation on other operands, folding as the constructors do.
Expr with_args(const Expr& e, std::vector<Expr> args);
/// Substitutes variables. Bound variables of reductions are left alone.
/// The variables of the axes, in order.
Indices own_indices(const std::vector<Axis>& axes);
Expr substitute(const Expr& e, const std::map<Variable, Expr>& values);
/// Copies with fresh variables in reductions (so that a body can be used twice in one expression).
Expr with_fresh_variables(const Expr& e);
bool has_reduction(const Expr& e);

/// A tensor by a formula: element [axes] is `body`, of type body.dtype().
struct TensorExpr {
  std::vector<Axis> axes;
  Expr body;

  DType dtype() const { return body.dtype(); }
  Dims shape() const;
  Type type() const { return Type::tensor(dtype(), shape()); }
  /// The body with its axes replaced: what a consumer's load of element [indices] becomes.
  Expr at(const Indices& indices) const;
};
TensorExpr tensor(Dims shape, const std::function<Expr(const Indices&)>& body);

/// Row-major position of `indices` in a tensor of the given shape, and back.
Expr flatten_index(const Indices& indices, const Dims& shape);
Indices unflatten_index(const Expr& offset, const Dims& shape);

}  // namespace dlc
