// Index arithmetic that rows share. See index_math.h.
// Next: compiler/ops/shape.cpp, movement.cpp, index.cpp.
#include "compiler/ops/index_math.h"

#include "runtime/numeric.h"

namespace dlc {

Expr value_of(DType dtype, double value) {
  const DType wide = arithmetic_type(dtype);
  if (is_float(dtype))
    return wide == dtype ? constant(dtype, value) : cast(dtype, constant(wide, value));
  return constant_integer(dtype, static_cast<int64_t>(value));
}

Expr zero_of(DType dtype) { return value_of(dtype, 0); }

Expr element_of(const Tensor& tensor) {
  if (tensor.size() != 1) fail("the value must have one element, not {}", tensor.size());
  const DType dtype = tensor.dtype();
  if (is_float(dtype)) return value_of(dtype, load_real(dtype, tensor.data(), 0));
  return constant_integer(dtype, load_integer(dtype, tensor.data(), 0));
}

Expr pick(const Dims& values, const Expr& i) {
  if (values.empty()) return index(0);
  Expr result = dim(values.back());
  for (size_t k = values.size() - 1; k-- > 0;)
    result = select(equal(i, static_cast<double>(k)), dim(values[k]), result);
  return result;
}

Expr within(const Expr& i, const Dim& size) { return i >= index(0) && i < dim(size); }

Expr ceil_div(const Expr& a, int64_t b) {
  return b == 1 ? a : floor_div(a + index(b - 1), index(b));
}

Expr safe_index(const Expr& raw, const Dim& size) {
  const Expr i = raw.dtype() == DType::i64 ? raw : cast(DType::i64, raw);
  const Expr wrapped = select(i < index(0), i + dim(size), i);
  return clamp(wrapped, index(0), dim(maximum(size - 1, 0)));
}

Expr if_not_empty(const Dim& size, const Expr& load) {
  if (size.lower_bound().value_or(0) >= 1) return load;
  if (size == Dim(0)) return zero_of(load.dtype());
  return select(dim(size) > index(0), load, zero_of(load.dtype()));
}

Dim at_most(const Dim& value, const Dim& high) {
  if ((high - value).is_non_negative()) return value;
  if ((value - high).is_non_negative()) return high;
  return minimum(value, high);
}

Dim at_least(const Dim& value, const Dim& low) {
  if ((value - low).is_non_negative()) return value;
  if ((low - value).is_non_negative()) return low;
  return maximum(value, low);
}

bool is_position(const Dim& value) {
  if (value.is_non_negative()) return true;
  std::map<std::string, Dim> larger;
  value.visit_symbols([&](const std::string& name) {
    if (name[0] != '$') larger[name] = Dim::symbol(name) + 1;
  });
  return value.substitute(larger).is_non_negative();
}

Dims with_dim(Dims dims, int64_t axis, Dim value) {
  dims[axis] = std::move(value);
  return dims;
}

Indices with_index(Indices indices, int64_t axis, Expr value) {
  indices[axis] = std::move(value);
  return indices;
}

void expect_scalar(const OpArgs& args, std::string_view input, DType dtype) {
  if (args.dtype(input) != dtype)
    fail("{} is {}, but must be {}", input, name(args.dtype(input)), name(dtype));
  args.require(SizeRule::equal, product(args.shape(input)), 1,
               fmt::format("elements of {}", input));
}

Dim common_dim(const OpArgs& args, const Dim& a, const Dim& b, std::string what) {
  args.require(SizeRule::equal, b, a, std::move(what));
  return a.is_number() ? a : b.is_number() ? b : a;
}

}  // namespace dlc
