// Schedule: how a loop nest runs: what is parallel, what is a vector and how wide.
// Next: schedule.cpp; compiler/backends/llvm/loop_kernel.cpp walks the schedule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/lower/loops.h"

namespace dlc {

/// items (parallel) > middle > inner (vector). An item is a point of `outer`, or with `chunk` a
/// stretch of `inner` at such a point. With `across`, an item is `across_rows` (the last one: up to
/// twice as many) points of that axis, and loads that are contiguous along it go through transposed
/// square tiles.
struct LoopSchedule {
  std::vector<Axis> outer;    ///< collapsed into the parallel loop
  std::vector<Axis> middle;   ///< serial loops within an item
  std::optional<Axis> inner;  ///< the last axis; none: the outputs are scalars
  int lanes = 1;              ///< of `inner`
  std::optional<Axis> across;
  int64_t across_rows = 0;
  int64_t chunk = 0;  ///< > 0: elements of `inner` per item; the last takes the rest too
  Dim items = 1, item_cost = 1;
  std::string summary;  ///< "parallel n*c; vector w x8"
  std::string text;     ///< the nest, a line a loop
};
LoopSchedule make_schedule(const LoopKernel& kernel, const LoopNest& nest, int vector_bits);

/// The axis of a reduction along which it runs by vectors; lanes 1: none.
struct ReduceLanes {
  size_t axis = 0;
  int lanes = 1;
};
ReduceLanes choose_reduce_lanes(const Expr& reduction, const std::vector<Dims>& shapes,
                                int vector_bits);

/// Lanes for a loop over `axis` that computes all of `bodies`.
int row_lanes(const std::vector<Expr>& bodies, const Axis& axis, const std::vector<Dims>& shapes,
              int vector_bits);

/// Side of the tiles that loads contiguous along another axis than the stores go through.
inline constexpr int transposed_tile = 8;
/// The loads in `bodies` that move far with `v`, and by one element with `across`.
std::vector<Expr> transposed_loads(const std::vector<Expr>& bodies, Variable v, Variable across,
                                   const std::vector<Dims>& shapes);

/// Lanes (a power of two up to native * most) with which a loop of `extent` takes least time.
int choose_lanes(const Dim& extent, int native, int most);

}  // namespace dlc
