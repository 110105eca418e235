// NumPy's broadcasting for host functions over two tensors.
#pragma once

#include <algorithm>

#include "runtime/error.h"
#include "runtime/tensor.h"

namespace dlc::host {

/// Positions in two tensors for each element of the shape that they broadcast to.
class Broadcast {
 public:
  /// Throws Error(invalid) where the shapes do not fit.
  Broadcast(const Shape& a, const Shape& b) {
    const size_t rank = std::max(a.size(), b.size());
    const auto size = [&](const Shape& s, size_t k) {
      return k + s.size() < rank ? int64_t{1} : s[k + s.size() - rank];
    };
    a_.resize(rank);
    b_.resize(rank);
    shape.resize(rank);
    int64_t step_a = 1, step_b = 1;
    for (size_t k = rank; k-- > 0;) {
      const int64_t x = size(a, k), y = size(b, k);
      if (x != y && x != 1 && y != 1)
        fail("shapes {} and {} do not broadcast", to_string(a), to_string(b));
      shape[k] = x == 1 ? y : x;
      a_[k] = x == 1 ? 0 : step_a;
      b_[k] = y == 1 ? 0 : step_b;
      step_a *= x;
      step_b *= y;
    }
  }

  /// Calls `visit(i, position in a, position in b)`.
  template <typename Visit>
  void each(const Visit& visit) const {
    const int64_t count = element_count(shape);
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i, in_a = 0, in_b = 0;
      for (size_t k = shape.size(); k-- > 0; rest /= shape[k]) {
        in_a += rest % shape[k] * a_[k];
        in_b += rest % shape[k] * b_[k];
      }
      visit(i, in_a, in_b);
    }
  }

  Shape shape;

 private:
  Shape a_, b_;  ///< steps
};

}  // namespace dlc::host
