// The packed form of a constant B [k, n] of matrix products: panels of a tile's width, in each the
// rows along k one after the other, zeros behind the last column.
// Next: matmul.cpp.
#pragma once

#include <algorithm>

#include "runtime/tensor.h"

namespace dlc::llvm_backend {

/// The last panel is as narrow as whole vectors allow.
struct Panels {
  int64_t width, lanes;

  int64_t count(int64_t n) const { return (n + width - 1) / width; }
  int64_t last_width(int64_t n) const {
    const int64_t rest = n - (count(n) - 1) * width;
    return (rest + lanes - 1) / lanes * lanes;
  }
  template <typename T>
  Tensor pack(DType type, const T* b, int64_t k, int64_t n, int64_t k_stride,
              int64_t n_stride) const {
    const int64_t total = k * ((count(n) - 1) * width + last_width(n));
    Tensor packed = Tensor::allocate(type, {total});
    T* to = packed.as_mutable<T>().data();
    for (int64_t first = 0; first < n; first += width) {
      const int64_t columns = std::min(width, n - first);
      const int64_t padded = first + width < n ? width : last_width(n);
      for (int64_t row = 0; row < k; ++row, to += padded) {
        const T* from = b + row * k_stride + first * n_stride;
        for (int64_t c = 0; c < columns; ++c) to[c] = from[c * n_stride];
      }
    }
    return packed;
  }
};

}  // namespace dlc::llvm_backend
