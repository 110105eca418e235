// Making keys from bits: a float's, with those of negative ones reversed, are in order already.
#include "runtime/host/keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "runtime/numeric.h"

namespace dlc::host {
namespace {

constexpr int64_t lowest = std::numeric_limits<int64_t>::min();

int64_t key_of(double value) {
  if (std::isnan(value)) return std::numeric_limits<int64_t>::max();
  const auto bits = std::bit_cast<int64_t>(value);
  return bits >= 0 ? bits : lowest - bits;  // -0 becomes 0
}

std::vector<int64_t> string_keys(const Tensor& tensor) {
  const auto strings = tensor.as<std::string>();
  std::vector<std::string_view> sorted(strings.begin(), strings.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<int64_t> keys;
  for (const std::string& text : strings)
    keys.push_back(std::lower_bound(sorted.begin(), sorted.end(), text) - sorted.begin());
  return keys;
}

}  // namespace

std::vector<int64_t> order_keys(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return string_keys(tensor);
  std::vector<int64_t> keys(tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (tensor.dtype() == DType::f32) {
      keys[i] = key_of(static_cast<const float*>(tensor.data())[i]);
    } else if (is_float(tensor.dtype()) || is_complex(tensor.dtype())) {
      keys[i] = key_of(load_real(tensor.dtype(), tensor.data(), i));
    } else {
      keys[i] = load_integer(tensor.dtype(), tensor.data(), i);
      if (tensor.dtype() == DType::u64) keys[i] ^= lowest;
    }
  }
  return keys;
}

}  // namespace dlc::host
