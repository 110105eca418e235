// Formulas over values, as nodes.
// Next: normalization.cpp.
#include "compiler/ops/term.h"

#include "compiler/expr/expr.h"

namespace dlc {
namespace {

Term number_like(const Term& x, double value) {
  return {x.build(), x.build().scalar(x.dtype(), value)};
}

}  // namespace

Term apply(std::string_view op, const Term& x, AttrMap attrs) {
  return {x.build(), x.build()(op, {x}, std::move(attrs))};
}

Term apply(std::string_view op, const Term& x, Value y, AttrMap attrs) {
  return {x.build(), x.build()(op, {x, y}, std::move(attrs))};
}

Term operator+(const Term& a, const Term& b) { return apply("Add", a, b); }
Term operator-(const Term& a, const Term& b) { return apply("Sub", a, b); }
Term operator*(const Term& a, const Term& b) { return apply("Mul", a, b); }
Term operator/(const Term& a, const Term& b) { return apply("Div", a, b); }
Term operator+(const Term& a, double b) { return a + number_like(a, b); }
Term operator*(const Term& a, double b) { return a * number_like(a, b); }
Term operator/(const Term& a, double b) { return a / number_like(a, b); }
Term sqrt(const Term& x) { return apply("Sqrt", x); }
Term exp(const Term& x) { return apply("Exp", x); }
Term log(const Term& x) { return apply("Log", x); }
Term square(const Term& x) { return x * x; }

Term select(const Term& condition, const Term& if_true, const Term& if_false) {
  Builder& build = condition.build();
  return {build, build("Where", {condition, if_true, if_false})};
}

Term cast(DType dtype, const Term& x) {
  if (x.dtype() == dtype) return x;
  const DTypes both = one(dtype) | one(x.dtype());
  const std::string_view op = (both & ~types::floats) == 0 ? "dlc.Convert" : "Cast";
  return apply(op, x, {{"to", static_cast<int64_t>(dtype)}});
}

Term widen(const Term& x) { return cast(arithmetic_type(x.dtype()), x); }

Term reduce(std::string_view op, const Term& x, Ints axes) {
  if (axes.empty()) return apply(op, x, {{"noop_with_empty_axes", int64_t{1}}});
  return apply(op, x, x.build().ints(std::move(axes)));
}

Term reshape(const Term& x, const Dims& shape) {
  return apply("Reshape", x, x.build().sizes(shape), {{"allowzero", int64_t{1}}});
}

Term transpose(const Term& x, Ints permutation) {
  return apply("Transpose", x, {{"perm", std::move(permutation)}});
}

Term append_axes(const Term& x, int64_t count) {
  if (count == 0) return x;
  Ints axes;
  for (int64_t k = 0; k < count; ++k) axes.push_back(x.rank() + k);
  return apply("Unsqueeze", x, x.build().ints(std::move(axes)));
}

}  // namespace dlc
