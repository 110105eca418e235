// The packed form of a constant B [k, gates * n] of matrix products: of each gate's n columns,
// panels of a tile's width, in each the rows along k one after the other, zeros behind the last
// column. Next: matmul.cpp.
#pragma once

#include <algorithm>

#include "runtime/tensor.h"

namespace dlc::llvm_backend {

/// The last panel is as narrow as whole vectors allow.
struct Panels {
  int64_t width, lanes, gates = 1;

  int64_t count(int64_t n) const { return (n + width - 1) / width; }
  int64_t last_width(int64_t n) const {
    const int64_t rest = n - (count(n) - 1) * width;
    return (rest + lanes - 1) / lanes * lanes;
  }
  /// Columns of a gate's panels.
  int64_t padded(int64_t n) const { return (count(n) - 1) * width + last_width(n); }
  /// Of b's elements from `first` on, `k_stride` and `n_stride` apart: as elements of `type`, each
  /// a group of as many along k as it is wider than they, the last of which may be short.
  Tensor pack(DType type, const Tensor& b, int64_t first, int64_t k, int64_t n, int64_t k_stride,
              int64_t n_stride) const {
    const auto run = [&]<typename T>(T) {
      return pack_elements<T>(type, static_cast<const T*>(b.data()) + first, k, n, k_stride,
                              n_stride);
    };
    switch (byte_size(b.dtype(), 1)) {
      case 1:
        return run(uint8_t());
      case 2:
        return run(uint16_t());
      case 4:
        return run(uint32_t());
      default:
        return run(uint64_t());
    }
  }

 private:
  template <typename T>
  Tensor pack_elements(DType type, const T* b, int64_t k, int64_t n, int64_t k_stride,
                       int64_t n_stride) const {
    const int64_t group = byte_size(type, 1) / static_cast<int64_t>(sizeof(T));
    const int64_t steps = (k + group - 1) / group;
    Tensor packed = Tensor::allocate(type, {steps * gates * padded(n)});  // zeros
    T* to = static_cast<T*>(packed.mutable_data());
    for (int64_t gate = 0; gate < gates; ++gate) {
      for (int64_t first = 0; first < n; first += width) {
        const int64_t columns = std::min(width, n - first);
        const int64_t padded = first + width < n ? width : last_width(n);
        for (int64_t row = 0; row < k; ++row) {
          T* to_row = to + row / group * padded * group + row % group;
          const T* from = b + row * k_stride + (gate * n + first) * n_stride;
          for (int64_t c = 0; c < columns; ++c) to_row[c * group] = from[c * n_stride];
        }
        to += steps * group * padded;
      }
    }
    return packed;
  }
};

}  // namespace dlc::llvm_backend
