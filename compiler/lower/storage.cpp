// Orders of axes in memory: see storage.h.
#include "compiler/lower/storage.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "compiler/lower/linear.h"

namespace dlc {
namespace {

/// The order in which a load walks the formula's axes; nothing if an index mixes two of them.
std::optional<AxisOrder> walked(const ExprNode& load, const TensorExpr& formula) {
  FreeVariables free;
  AxisOrder order;
  for (const Expr& index : load.args) {
    int along = 0;
    for (size_t axis = 0; axis < formula.axes.size(); ++axis) {
      if (!free.depends(index, formula.axes[axis].variable)) continue;
      if (++along > 1) return {};
      if (std::find(order.begin(), order.end(), axis) == order.end()) order.push_back(axis);
    }
  }
  for (size_t axis = 0; axis < formula.axes.size(); ++axis) {
    if (std::find(order.begin(), order.end(), axis) == order.end()) order.push_back(axis);
  }
  return order;
}

/// Elements; unknown sizes count as large.
double element_count(const Dims& shape) {
  constexpr double unknown = 1024;
  double count = 1;
  for (const Dim& dim : shape) {
    count *= dim.is_number() ? static_cast<double>(dim.number()) : unknown;
  }
  return count;
}

}  // namespace

AxisOrder channels_last(size_t rank) {
  AxisOrder order = {0};
  for (size_t axis = 2; axis < rank; ++axis) order.push_back(axis);
  order.push_back(1);
  return order;
}

AxisOrder follow_operands(const TensorExpr& formula,
                          const std::function<const AxisOrder&(int)>& order_of,
                          const std::function<const Dims&(int)>& shape_of) {
  AxisOrder best;
  double largest = 0, largest_row_major = 0;
  visit(formula.body, [&](const Expr& e) {
    if (e->kind != ExprKind::load || e->input < 0) return;
    const double size = element_count(shape_of(e->input));
    if (order_of(e->input).empty()) {
      largest_row_major = std::max(largest_row_major, size);
      return;
    }
    if (size <= largest) return;
    if (const std::optional<AxisOrder> order = walked(e.node(), formula)) {
      best = *order;
      largest = size;
    }
  });
  if (largest_row_major > largest || std::is_sorted(best.begin(), best.end())) return {};
  return best;
}

AxisOrder order_read_by(const TensorExpr& formula) {
  const Expr& body = formula.body;
  if (body->kind != ExprKind::load || body->flat || body->args.size() != formula.axes.size())
    return {};
  AxisOrder order;
  for (const Axis& axis : formula.axes) {
    const Expr along = variable(axis.variable);
    const auto read = std::find_if(body->args.begin(), body->args.end(),
                                   [&](const Expr& index) { return same(index, along); });
    if (read == body->args.end()) return {};
    order.push_back(static_cast<size_t>(read - body->args.begin()));
  }
  return std::is_sorted(order.begin(), order.end()) ? AxisOrder() : order;
}

}  // namespace dlc
