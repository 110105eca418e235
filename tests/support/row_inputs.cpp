// Inputs of a drawn node: their values, and how they lie in memory.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/numeric.h"
#include "tests/support/random_inputs.h"
#include "tests/support/row_variant.h"

namespace dlc::test {

using testing::Random;

Tensor InputMaker::values(DType dtype, const Shape& shape, bool mild) {
  std::mt19937 engine(static_cast<uint32_t>(random_.below(1 << 30)));
  Tensor tensor = random_tensor(dtype, shape, engine);
  const bool positive = random_.chance(4), whole = random_.chance(6);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (is_integer(dtype)) {
      const int64_t end = mild ? 2 : 5;
      if (mild || positive) store_integer(dtype, tensor.mutable_data(), i, random_.below(end));
    } else if (is_float(dtype) && (positive || whole)) {
      double v = load_real(dtype, tensor.data(), i);
      if (whole) v = std::floor(v);
      if (positive) v = 0.25 + std::fabs(v);
      store_real(dtype, tensor.mutable_data(), i, v);
    }
  }
  return tensor;
}

/// A new input of the graph; `open`: with symbols for sizes that are open.
Value InputMaker::add(DType dtype, const Shape& shape, bool open, bool mild) {
  Dims dims;
  for (int64_t size : shape) {
    dims.push_back(open && open_.contains(size) ? Dim::symbol("n" + std::to_string(size))
                                                : Dim(size));
  }
  case_.inputs.emplace_back(values(dtype, shape, mild));
  return case_.graph.add_input(Type::tensor(dtype, std::move(dims)));
}

Value InputMaker::make(const DrawnNode::Input& input, bool mild) {
  if (!input.given) return {};
  if (input.constant) return build_.constant(*input.constant);
  if (!input.type.is_tensor()) {
    std::mt19937 engine(static_cast<uint32_t>(random_.below(1 << 30)));
    case_.inputs.push_back(random_value(input.type, engine));
    return case_.graph.add_input(input.type);
  }
  Shape shape;
  for (const Dim& dim : input.type.shape) shape.push_back(dim.number());
  const DType dtype = input.type.dtype;
  if (random_.chance(8)) return build_.constant(values(dtype, shape, mild));
  if (input.known || random_.chance(2)) return add(dtype, shape, !input.known, mild);
  return laid_out(dtype, shape, mild);
}

Value InputMaker::laid_out(DType dtype, const Shape& shape, bool mild) {
  ++layouts_;
  switch (random_.below(5)) {
    case 0:
    case 1:
      if (shape.size() > 1) return transposed(dtype, shape, mild);
      break;
    case 2:
      return joined(dtype, shape, mild);
    case 3:
      if (!shape.empty()) return expanded(dtype, shape, mild);
      break;
    default:
      break;
  }
  if (!shape.empty()) return sliced(dtype, shape, mild);
  return build_("Reshape", {add(dtype, {1, 1}, true, mild), build_.ints({})});
}

Value InputMaker::transposed(DType dtype, const Shape& shape, bool mild) {
  Ints perm(shape.size());
  std::iota(perm.begin(), perm.end(), 0);
  for (size_t k = perm.size(); k > 1; --k)
    std::swap(perm[k - 1], perm[static_cast<size_t>(random_.below(static_cast<int64_t>(k)))]);
  Shape from(shape.size());
  for (size_t k = 0; k < perm.size(); ++k) from[static_cast<size_t>(perm[k])] = shape[k];
  return build_("Transpose", {add(dtype, from, true, mild)}, {{"perm", perm}});
}

/// Every element, every second, or backwards, of a longer axis.
Value InputMaker::sliced(DType dtype, const Shape& shape, bool mild) {
  const int64_t axis = random_.below(static_cast<int64_t>(shape.size()));
  const int64_t size = shape[static_cast<size_t>(axis)], step = random_.pick(Ints{1, 1, 2, -1});
  const int64_t before = random_.below(3), after = random_.below(3);
  Shape from = shape;
  from[static_cast<size_t>(axis)] = before + size * std::abs(step) + after;
  int64_t start = before, end = before + size * std::abs(step);
  if (step < 0) {
    start = before + size - 1;
    end = before == 0 ? -100000 : before - 1;
  }
  if (size == 0) end = start = before;
  return build_("Slice", {add(dtype, from, size > 0 && step == 1, mild), build_.ints({start}),
                          build_.ints({end}), build_.ints({axis}), build_.ints({step})});
}

/// The same element along an axis.
Value InputMaker::expanded(DType dtype, const Shape& shape, bool mild) {
  Shape from = shape;
  from[static_cast<size_t>(random_.below(static_cast<int64_t>(shape.size())))] = 1;
  return build_("Expand", {add(dtype, from, false, mild), build_.ints(Ints(shape))});
}

/// A Concat of two parts, or a Reshape of all elements in a row.
Value InputMaker::joined(DType dtype, const Shape& shape, bool mild) {
  if (shape.empty() || random_.chance(2)) {
    return build_("Reshape",
                  {add(dtype, {element_count(shape)}, false, mild), build_.ints(Ints(shape))},
                  {{"allowzero", int64_t{1}}});
  }
  const int64_t axis = random_.below(static_cast<int64_t>(shape.size()));
  Shape first = shape, second = shape;
  int64_t& part = first[static_cast<size_t>(axis)];
  part = random_.below(part + 1);
  second[static_cast<size_t>(axis)] -= part;
  return build_("Concat", {add(dtype, first, false, mild), add(dtype, second, false, mild)},
                {{"axis", axis}});
}

}  // namespace dlc::test
