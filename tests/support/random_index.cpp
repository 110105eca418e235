// Index expressions of all the kinds that ops make: shifted, reversed, strided, divided, gathered.
// Next: random_expr.cpp.
#include "tests/support/random_index.h"

#include <algorithm>

#include "runtime/numeric.h"

namespace dlc::testing {

int64_t RandomIndices::number(const Dim& extent) const {
  std::map<std::string, Dim> values;
  for (const auto& [name, value] : case_.symbols) values.emplace(name, Dim(value));
  return extent.substitute(values).number();
}

Shape RandomIndices::numbers(const Dims& shape) const {
  Shape result;
  for (const Dim& extent : shape) result.push_back(number(extent));
  return result;
}

Dim RandomIndices::extent(bool symbolic) {
  static const std::vector<int64_t> sizes = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33};
  const int64_t size = random_.chance(60) ? 0 : random_.pick(sizes);
  if (!symbolic || !random_.chance(3)) return size;
  const std::string name = "n" + std::to_string(case_.symbols.size());
  case_.symbols[name] = size;
  const Dim symbol = Dim::symbol(name);
  return random_.chance(4) ? symbol + 1 : symbol;
}

Dims RandomIndices::shape(bool symbolic) {
  Dims result;
  int64_t elements = 1;
  const int64_t rank = random_.below(5);
  for (int64_t i = 0; i < rank; ++i) {
    result.push_back(elements > 2000 ? Dim(2) : extent(symbolic));
    elements *= number(result.back());
  }
  return result;
}

Dims RandomIndices::reduced_extents() {
  Dims result = {scope_.size() > 5 ? Dim(2) : extent(false)};
  if (scope_.size() < 4 && random_.chance(4)) result.push_back(1 + random_.below(4));
  return result;
}

void RandomIndices::enter(const Indices& variables, const Dims& extents) {
  for (size_t i = 0; i < variables.size(); ++i) scope_.push_back({variables[i], extents[i]});
}

void RandomIndices::leave(size_t variables) { scope_.resize(scope_.size() - variables); }

std::pair<Expr, int64_t> RandomIndices::any_index() {
  const Index drawn = index();
  return {drawn.e, std::max<int64_t>(1, number(drawn.extent))};
}

RandomIndices::Index RandomIndices::index() {
  if (scope_.empty() || random_.chance(12)) {
    const int64_t at = random_.below(4);
    return {dlc::index(at), at + 1 + random_.below(3)};
  }
  if (random_.chance(15)) return gathered();
  const InScope& v = random_.pick(scope_);
  if (!random_.chance(8)) return random_.chance(2) ? Index{v.variable, v.extent} : index_of(v);
  const InScope& w = random_.pick(scope_);
  return {v.variable * dim(w.extent) + w.variable, v.extent * w.extent};
}

RandomIndices::Index RandomIndices::index_of(const InScope& v) {
  const int64_t c = 1 + random_.below(4);
  switch (random_.below(6)) {
    case 0:
      return {v.variable + c, v.extent + c};
    case 1:
      return {dim(v.extent) - 1 - v.variable, v.extent};
    case 2:
      return {v.variable * c + (c - 1), v.extent * c};
    case 3:
      return {floor_div(v.variable, dlc::index(c)), ceil_div(v.extent, Dim(c))};
    case 4:
      return {floor_mod(v.variable, dlc::index(c)), c};
    default: {
      const int64_t end = 1 + random_.below(9);
      return {clamp(v.variable * c - 2, 0, static_cast<double>(end - 1)), end};
    }
  }
}

RandomIndices::Index RandomIndices::gathered() {
  const int64_t end = 1 + random_.below(6);
  const DType type = random_.chance(2) ? DType::i64 : DType::i32;
  const InScope& v = random_.pick(scope_);
  const int number = operand(type, {v.extent}, end);
  return {cast(DType::i64, dlc::load(number, type, {v.variable})), end};
}

std::pair<Expr, double> RandomIndices::load(DType type) {
  Indices indices;
  Dims shape;
  int64_t elements = 1;
  const int64_t rank = random_.below(4);
  for (int64_t i = 0; i < rank; ++i) {
    Index drawn = index();
    elements *= std::max<int64_t>(1, number(drawn.extent));
    if (elements > 1 << 16) break;
    indices.push_back(drawn.e);
    shape.push_back(drawn.extent);
  }
  const double magnitude = is_float(type) ? 8 : type == DType::boolean ? 1 : 40;
  if (!indices.empty() && random_.chance(6)) {
    // Padding: outside of the operand there is a constant.
    const Expr at = indices[0] - 1, end = dim(shape[0]) - 1;
    indices[0] = at;
    shape[0] = maximum(shape[0] - 1, Dim(0));
    const int number = operand(type, shape, 0);
    const Expr inside = at >= 0 && at < dim(shape[0]);
    return {select(inside, dlc::load(number, type, indices), constant(type, 1)), magnitude};
  }
  const int number = operand(type, shape, 0);
  if (random_.chance(6)) return {load_flat(number, type, flatten_index(indices, shape)), magnitude};
  return {dlc::load(number, type, indices), magnitude};
}

int RandomIndices::operand(DType type, const Dims& shape, int64_t end) {
  const Type wanted = Type::tensor(type, shape);
  for (size_t i = 0; i < case_.types.size(); ++i)
    if (ends_[i] == end && case_.types[i] == wanted && random_.chance(2))
      return static_cast<int>(i);
  case_.types.push_back(wanted);
  case_.operands.push_back(random_tensor(type, numbers(shape), end));
  ends_.push_back(end);
  return static_cast<int>(case_.types.size()) - 1;
}

Tensor RandomIndices::random_tensor(DType type, const Shape& shape, int64_t end) {
  Tensor result = Tensor::allocate(type, shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    // Eighths up to 4 have at most 6 bits: exact in every float type here.
    double value = static_cast<double>(random_.below(65) - 32) / 8;
    if (!is_float(type)) value = static_cast<double>(random_.below(81) - 40);
    if (!is_float(type) && !is_signed(type)) value = std::abs(value);
    if (type == DType::boolean) value = static_cast<double>(random_.below(2));
    if (end > 0) value = static_cast<double>(random_.below(end));
    store_real(type, result.mutable_data(), i, value);
  }
  return result;
}

}  // namespace dlc::testing
