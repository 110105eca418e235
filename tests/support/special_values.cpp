// Values at which arithmetic does something of its own.
#include "tests/support/special_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "runtime/numeric.h"

namespace dlc::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Least and greatest positive numbers, least with a full fraction, digits of the fraction.
struct Format {
  double denormal, normal, greatest;
  int digits;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {0x1p-1074, 0x1p-1022, std::numeric_limits<double>::max(), 53};
    case DType::f32:
      return {0x1p-149, 0x1p-126, std::numeric_limits<float>::max(), 24};
    case DType::bf16:
      return {0x1p-133, 0x1p-126, 0x1.fep127, 8};
    case DType::f16:
      return {0x1p-24, 0x1p-14, 65504, 11};
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
      return {0x1p-16, 0x1p-14, 57344, 3};
    case DType::f8e8m0:
      return {0x1p-127, 0x1p-127, 0x1p127, 1};
    case DType::f4e2m1:
      return {0.5, 1, 6, 2};
    default:
      return {0x1p-9, 0x1p-6, dtype == DType::f8e4m3fn ? 448.0 : 240.0, 4};
  }
}

std::vector<double> reals(DType dtype, bool few) {
  const Format f = format_of(dtype);
  std::vector<double> values = {0.0, -0.0,       1,          -1,          infinity, -infinity,
                                nan, f.greatest, f.denormal, -f.denormal, 0.5,      -2.5};
  if (few) return values;
  const std::vector<double> more = {-f.greatest,
                                    f.greatest / 2,
                                    -f.normal,
                                    f.normal,
                                    f.normal - f.denormal,
                                    1.5,
                                    2.5,
                                    -0.5,
                                    2,
                                    -3,
                                    7,
                                    1e-3,
                                    0.1,
                                    -0.75,
                                    88.8,
                                    -104,
                                    127.5,
                                    -128.5,
                                    255.5,
                                    32767.5,
                                    65520,
                                    0x1p24,
                                    0x1p31,
                                    -0x1p31,
                                    0x1p32,
                                    -3e9,
                                    0x1p63,
                                    -0x1p63,
                                    0x1p64,
                                    1e30,
                                    -1e30,
                                    std::sqrt(f.greatest) * 1.01};
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

std::vector<int64_t> integers(DType dtype, bool few) {
  const int width = bits(dtype);
  const bool is_signed_type = is_signed(dtype);
  const auto greatest =
      static_cast<int64_t>(~uint64_t{0} >> (64 - width + (is_signed_type ? 1 : 0)));
  const int64_t lowest = is_signed_type ? -greatest - 1 : 0;
  std::vector<int64_t> values = {0, 1, -1, lowest, greatest, 2, 7, width, -3};
  if (few) return values;
  const std::vector<int64_t> more = {lowest + 1, greatest - 1,     greatest / 2 + 1, 3,   5,  -2,
                                     -7,         width - 1,        width + 1,        100, 31, 32,
                                     33,         int64_t{1} << 24, 16777217};
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

/// Position of a number among those of its type, by size.
int64_t ordinal(DType dtype, double x) {
  if (dtype == DType::f64) {
    const auto raw = std::bit_cast<int64_t>(x);
    return raw < 0 ? std::numeric_limits<int64_t>::min() - raw : raw;
  }
  const Format f = format_of(dtype);
  const double magnitude = std::fabs(x);
  if (std::isinf(x)) return ordinal(dtype, std::copysign(f.greatest, x)) + (x < 0 ? -1 : 1);
  int64_t position = 0;
  if (magnitude < f.normal) {
    position = std::llround(magnitude / f.denormal);
  } else {
    int exponent = 0;
    const double fraction = std::frexp(magnitude / f.normal, &exponent);
    const auto binade = int64_t{1} << (f.digits - 1);
    position = binade * exponent + std::llround((fraction * 2 - 1) * static_cast<double>(binade));
  }
  return x < 0 ? -position : position;
}

}  // namespace

Tensor special_values(DType dtype, bool few) {
  if (is_float(dtype)) {
    const std::vector<double> values = reals(dtype, few);
    return Tensor::of(dtype, {static_cast<int64_t>(values.size())}, values);
  }
  const std::vector<int64_t> values =
      dtype == DType::boolean ? std::vector<int64_t>{0, 1} : integers(dtype, few);
  Tensor tensor = Tensor::allocate(dtype, {static_cast<int64_t>(values.size())});
  for (int64_t i = 0; i < tensor.size(); ++i)
    store_integer(dtype, tensor.mutable_data(), i, values[static_cast<size_t>(i)]);
  return tensor;
}

std::vector<Tensor> special_operands(std::span<const DType> types) {
  std::vector<Tensor> lists;
  int64_t count = 1;
  for (DType type : types) {
    lists.push_back(special_values(type, types.size() > 2));
    count *= lists.back().size();
  }
  int64_t repeat = count;
  for (Tensor& list : lists) {
    repeat /= list.size();
    Tensor spread = Tensor::allocate(list.dtype(), {count});
    for (int64_t i = 0; i < count; ++i) copy_elements(list, i / repeat % list.size(), spread, i, 1);
    list = spread;
  }
  return lists;
}

Tensor stretch(const Tensor& tensor, int64_t begin, int64_t count) {
  Tensor part = Tensor::allocate(tensor.dtype(), {count});
  for (int64_t i = 0; i < count; ++i)
    copy_elements(tensor, (begin + i) % tensor.size(), part, i, 1);
  return part;
}

double steps_between(DType dtype, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : infinity;
  if (!is_float(dtype)) return a == b ? 0 : infinity;
  if (a == b) return std::signbit(a) == std::signbit(b) ? 0 : 1;
  const int64_t from = ordinal(dtype, a), to = ordinal(dtype, b);
  return std::fabs(static_cast<double>(to) - static_cast<double>(from)) + ((from < 0) != (to < 0));
}

}  // namespace dlc::test
