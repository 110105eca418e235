// Storage: in which order of its axes a value lies in memory. The graph knows nothing of it:
// formulas index values by their own axes, and only where a value is loaded or stored are these
// reordered. So a network of convolutions runs channels-last without a changed graph: a convolution
// stores its result so, and what is computed from it follows. And a product is stored as its users
// read it. Next: formulas.cpp, which decides for each value.
#pragma once

#include <functional>
#include <vector>

#include "compiler/expr/expr.h"

namespace dlc {

/// Axes from the outermost in memory to the one whose elements are adjacent; empty: row-major.
using AxisOrder = std::vector<size_t>;

/// [n, c, spatial...] with c innermost.
AxisOrder channels_last(size_t rank);

/// Things listed by axis, as memory has them, and back.
template <typename T>
std::vector<T> to_memory(const std::vector<T>& by_axis, const AxisOrder& order) {
  if (order.empty()) return by_axis;
  std::vector<T> result;
  for (size_t axis : order) result.push_back(by_axis[axis]);
  return result;
}

/// The order for a value with this formula: that of the largest operand which is not row-major, so
/// far as the formula reads it along its own axes; row-major if a larger operand is. `order_of` and
/// `shape_of` (by axis) tell of the values that are loaded.
AxisOrder follow_operands(const TensorExpr& formula,
                          const std::function<const AxisOrder&(int)>& order_of,
                          const std::function<const Dims&(int)>& shape_of);

/// The operand's axes as a formula goes along them that does no more than read it by permuted axes;
/// empty if it does anything else, or permutes nothing.
AxisOrder order_read_by(const TensorExpr& formula);

}  // namespace dlc
