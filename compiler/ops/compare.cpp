// Comparing outputs with what was expected, as ONNX's backend tests do.
#include "compiler/ops/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "runtime/numeric.h"

namespace dlc {
namespace {

std::string kind_text(Datum::Kind kind) {
  switch (kind) {
    case Datum::Kind::none:
      return "nothing";
    case Datum::Kind::tensor:
      return "a tensor";
    case Datum::Kind::sequence:
      return "a sequence";
    case Datum::Kind::map:
      return "a map";
  }
  return "";
}

std::string type_text(const Tensor& tensor) {
  return fmt::format("{}[{}]", name(tensor.dtype()), fmt::join(tensor.shape(), ","));
}

/// Complex tensors are pairs of reals.
struct Reals {
  DType part;
  int64_t per_element;
  explicit Reals(DType dtype)
      : part(dtype == DType::c64    ? DType::f32
             : dtype == DType::c128 ? DType::f64
                                    : dtype),
        per_element(is_complex(dtype) ? 2 : 1) {}
};

/// Wide enough for all 64-bit integers.
long double number(DType dtype, const Tensor& tensor, int64_t position) {
  if (!is_integer(dtype)) return load_real(dtype, tensor.data(), position);
  const int64_t value = load_integer(dtype, tensor.data(), position);
  return dtype == DType::u64 ? static_cast<long double>(static_cast<uint64_t>(value))
                             : static_cast<long double>(value);
}

bool close(long double got, long double want, const Tolerance& tolerance) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return got == want;
  return std::fabs(got - want) <= tolerance.absolute + tolerance.relative * std::fabs(want);
}

std::string count_text(int64_t differing, int64_t all, const Tensor& got, int64_t first,
                       const std::string& want) {
  return fmt::format("element {} is {}, but {} was expected ({} of {} elements differ",
                     index_text(first, got.shape()), element_text(got, first), want, differing,
                     all);
}

std::string string_difference(const Tensor& got, const Tensor& want) {
  const auto a = got.as<std::string>(), b = want.as<std::string>();
  int64_t first = -1, differing = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (differing++ == 0) first = i;
  }
  if (differing == 0) return "";
  return count_text(differing, got.size(), got, first, element_text(want, first)) + ")";
}

std::string number_difference(const Tensor& got, const Tensor& want, const Tolerance& tolerance) {
  const Reals reals(got.dtype());
  int64_t first = -1, differing = 0;
  long double worst = 0;
  for (int64_t i = 0; i < got.size() * reals.per_element; ++i) {
    const long double a = number(reals.part, got, i), b = number(reals.part, want, i);
    if (close(a, b, tolerance)) continue;
    if (differing++ == 0) first = i / reals.per_element;
    if (std::isfinite(a) && std::isfinite(b)) worst = std::max(worst, std::fabs(a - b));
  }
  if (differing == 0) return "";
  return fmt::format("{}, by {:.3g} at most; allowed are {:g} + {:g} * |expected|)",
                     count_text(differing, got.size(), got, first, element_text(want, first)),
                     static_cast<double>(worst), tolerance.absolute, tolerance.relative);
}

std::string tensor_difference(const Tensor& got, const Tensor& want, const Tolerance& tolerance) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape())
    return fmt::format("it is {}, but {} was expected", type_text(got), type_text(want));
  if (got.dtype() == DType::string) return string_difference(got, want);
  return number_difference(got, want, tolerance);
}

}  // namespace

std::string difference(const Datum& got, const Datum& want, const Tolerance& tolerance) {
  if (got.kind != want.kind)
    return fmt::format("it is {}, but {} was expected", kind_text(got.kind), kind_text(want.kind));
  if (got.kind == Datum::Kind::none) return "";
  if (got.kind == Datum::Kind::tensor) return tensor_difference(got.tensor, want.tensor, tolerance);
  if (got.items.size() != want.items.size())
    return fmt::format("it has {} items, but {} were expected", got.items.size(),
                       want.items.size());
  if (got.kind == Datum::Kind::map) {
    const std::string keys = tensor_difference(got.keys, want.keys, {0, 0});
    if (!keys.empty()) return "keys: " + keys;
  }
  for (size_t i = 0; i < got.items.size(); ++i) {
    const std::string item = difference(got.items[i], want.items[i], tolerance);
    if (!item.empty()) return fmt::format("item {}: {}", i, item);
  }
  return "";
}

std::string index_text(int64_t position, const Shape& shape) {
  Shape index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = position % shape[axis];
    position /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ","));
}

std::string element_text(const Tensor& tensor, int64_t position) {
  if (tensor.dtype() == DType::string)
    return fmt::format("'{}'", tensor.as<std::string>()[static_cast<size_t>(position)]);
  if (is_integer(tensor.dtype())) {
    const int64_t value = load_integer(tensor.dtype(), tensor.data(), position);
    return tensor.dtype() == DType::u64 ? fmt::format("{}", static_cast<uint64_t>(value))
                                        : fmt::format("{}", value);
  }
  if (tensor.dtype() == DType::boolean)
    return load_integer(tensor.dtype(), tensor.data(), position) != 0 ? "true" : "false";
  const Reals reals(tensor.dtype());
  const auto part = [&](int64_t i) {
    const double value = load_real(reals.part, tensor.data(), i);
    return reals.part == DType::f64 ? fmt::format("{}", value)
                                    : fmt::format("{}", static_cast<float>(value));
  };
  if (reals.per_element == 1) return part(position);
  const std::string imaginary = part(2 * position + 1);
  return fmt::format("{}{}{}i", part(2 * position), imaginary.starts_with('-') ? "" : "+",
                     imaginary);
}

}  // namespace dlc
