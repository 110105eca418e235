// Reductions of lanes: a loop over the reduced axes, all lanes at a time.
// Next: lane_program.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/expr/lanes.h"
#include "compiler/expr/scalar.h"
#include "runtime/numeric.h"

namespace dlc::lanes {
namespace {

bool is_position(ReduceOp op) {
  return op >= ReduceOp::argmin_first && op <= ReduceOp::argmax_last;
}

int64_t greatest(DType type) {
  if (type == DType::u64 || type == DType::boolean) return wrap_to(type, -1);
  return static_cast<int64_t>(~uint64_t{0} >> (64 - bits(type) + (is_signed(type) ? 1 : 0)));
}
int64_t lowest(DType type) { return is_signed(type) ? -greatest(type) - 1 : 0; }

double initial_real(ReduceOp op) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (op) {
    case ReduceOp::product:
      return 1;
    case ReduceOp::minimum:
      return infinity;
    case ReduceOp::maximum:
      return -infinity;
    default:
      return 0;
  }
}

int64_t initial_integer(ReduceOp op, DType type) {
  switch (op) {
    case ReduceOp::product:
    case ReduceOp::all:
      return 1;
    case ReduceOp::minimum:
      return greatest(type);
    case ReduceOp::maximum:
      return lowest(type);
    default:
      return 0;
  }
}

BinaryOp combining(ReduceOp op) {
  switch (op) {
    case ReduceOp::product:
      return BinaryOp::multiply;
    case ReduceOp::minimum:
      return BinaryOp::minimum;
    case ReduceOp::maximum:
      return BinaryOp::maximum;
    case ReduceOp::any:
      return BinaryOp::logical_or;
    case ReduceOp::all:
      return BinaryOp::logical_and;
    default:
      return BinaryOp::add;
  }
}

/// Calls step(position) with the variables' lanes set, for each point of the reduced axes.
template <typename Step>
void for_each_point(const Reduction& reduction, Lanes* r, int64_t n, const Step& step) {
  const auto& extents = reduction.extents;
  if (std::find(extents.begin(), extents.end(), 0) != extents.end()) return;
  std::vector<int64_t> point(extents.size(), 0);
  for (int variable : reduction.variables) std::fill_n(r[variable].integer, n, 0);
  for (int64_t position = 0;; ++position) {
    run(reduction.code, r, n);
    step(position);
    size_t k = extents.size();
    for (; k > 0; --k) {
      const bool more = ++point[k - 1] < extents[k - 1];
      if (!more) point[k - 1] = 0;
      std::fill_n(r[reduction.variables[k - 1]].integer, n, point[k - 1]);
      if (more) break;
    }
    if (k == 0) return;
  }
}

void reduce_values(const Instruction& self, Lanes* r, int64_t n) {
  const Reduction& reduction = *self.reduction;
  Lanes& total = r[self.result];
  if (is_real(self.type)) {
    std::fill_n(total.real, n, initial_real(reduction.op));
  } else {
    std::fill_n(total.integer, n, initial_integer(reduction.op, self.type));
  }
  const Instruction combine = {
      .run = binary_operation(combining(reduction.op), self.type),
      .result = self.result,
      .args = {self.result, reduction.value},
      .type = self.type,
      .from = self.type,
  };
  for_each_point(reduction, r, n, [&](int64_t) { combine.run(combine, r, n); });
}

struct Preference {
  bool maximum;
  bool last;

  bool operator()(double x, double best) const {
    if (std::isnan(best)) return last && std::isnan(x);
    if (std::isnan(x)) return true;
    return (maximum ? x > best : x < best) || (last && x == best);
  }
  bool operator()(DType type, int64_t x, int64_t best) const {
    const BinaryOp op = maximum ? BinaryOp::greater : BinaryOp::less;
    return scalar::apply(op, type, x, best) != 0 || (last && x == best);
  }
};

void reduce_position(const Instruction& self, Lanes* r, int64_t n) {
  const Reduction& reduction = *self.reduction;
  const Preference better = {
      .maximum = reduction.op == ReduceOp::argmax_first || reduction.op == ReduceOp::argmax_last,
      .last = reduction.op == ReduceOp::argmin_last || reduction.op == ReduceOp::argmax_last};
  int64_t* best_position = r[self.result].integer;
  std::fill_n(best_position, n, 0);
  Lanes best;
  for_each_point(reduction, r, n, [&](int64_t position) {
    const Lanes& value = r[reduction.value];
    for (int64_t i = 0; i < n; ++i) {
      const bool take = position == 0 ||
                        (is_real(self.from) ? better(value.real[i], best.real[i])
                                            : better(self.from, value.integer[i], best.integer[i]));
      if (!take) continue;
      if (is_real(self.from)) {
        best.real[i] = value.real[i];
      } else {
        best.integer[i] = value.integer[i];
      }
      best_position[i] = position;
    }
  });
}

}  // namespace

Instruction::Run reduce_operation(ReduceOp op) {
  return is_position(op) ? &reduce_position : &reduce_values;
}

}  // namespace dlc::lanes
