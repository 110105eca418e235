// Plans of convolutions: see convolution_plan.h.
#include "compiler/backends/llvm/convolution_plan.h"

#include <algorithm>

namespace dlc::llvm_backend {
namespace {

constexpr int64_t wanted_items = 8;   ///< so that several threads have work
constexpr int64_t wanted_blocks = 4;  ///< of channels, if there are few rows: each copies the input
constexpr int64_t least_pixels = 48;  ///< of an item: weights are read once for all of them
constexpr int64_t least_panel_work = 3;  ///< panels of an item: the copy of the input must pay

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Dim share_out(const Dim& items, const Dim& most) {
  return minimum(maximum(ceil_div(Dim(wanted_blocks), maximum(items, 1)), 1), most);
}

ConvolutionPlan::ConvolutionPlan(const ConvolutionKernel& kernel, const TargetInfo& target)
    : batch(kernel.x.shape()[0]),
      group(kernel.parameters.group),
      channels(kernel.w.shape()[1].number()),
      maps(kernel.w.shape()[0].number() / kernel.parameters.group) {
  const Dims x = kernel.x.shape(), w = kernel.w.shape(), y = kernel.output.shape();
  const Contraction& c = kernel.parameters;
  std::vector<ConvolutionAxis> axes;
  for (size_t d = 0; d + 2 < x.size(); ++d) {
    taps.push_back(w[2 + d].number());
    axes.push_back({x[1 + d], y[d + (kernel.row_major ? 2 : 1)], taps.back(), c.strides[d],
                    c.dilations[d], c.pads_begin[d]});
  }
  if (axes.size() == 1) {
    rows = axes[0];
    columns.input = columns.output = 1;
  } else {
    columns = axes.back();
    rows = axes[axes.size() - 2];
    outer.assign(axes.begin(), axes.end() - 2);
  }
  choose_tile(target);
  choose_rows(target);
  choose_channel_blocks();
}

Dim ConvolutionPlan::outer_taps() const {
  Dim count = 1;
  for (const ConvolutionAxis& axis : outer) count = count * axis.kernel;
  return count;
}

int64_t ConvolutionPlan::tap_count() const {
  int64_t count = 1;
  for (int64_t tap : taps) count *= tap;
  return count;
}

int64_t ConvolutionPlan::run() const {
  const ConvolutionAxis& last = taps.size() == 1 ? rows : columns;
  return last.dilation == 1 || last.kernel == 1 ? last.kernel * channels : channels;
}

int64_t ConvolutionPlan::panel_width(int64_t panel) const {
  const int64_t rest = maps - panel * tile.columns();
  return std::min<int64_t>(tile.columns(), ceil_div(rest, tile.lanes) * tile.lanes);
}

/// Vectors so that panels divide the channels, then as many rows as registers allow (see
/// TileShape), fewer if that wastes less on the last tile.
void ConvolutionPlan::choose_tile(const TargetInfo& target) {
  const int lanes = target.vector_bits / 32;
  const int registers = target.vector_registers;
  const int64_t vectors = ceil_div(maps, lanes);
  tile.lanes = lanes;
  tile.vectors = static_cast<int>(std::min<int64_t>(vectors, vectors % 3 == 0 ? 3 : 2));
  if (vectors % 2 != 0 && vectors > 3) tile.vectors = 3;
  // Wide registers take A's elements as broadcast operands of the multiply-add: none is held.
  const int held = tile.vectors + (registers > 16 ? 0 : 1);
  tile.rows = std::min((registers - held) / tile.vectors, most_tile_rows);
  const std::optional<int64_t> all = (rows.output * columns.output).as_number();
  if (!all) return;
  const int most = tile.rows;
  double least = 1e300;
  for (int t = most; t >= std::max(1, most / 2); --t) {
    const double time = static_cast<double>(ceil_div(*all, t)) * (t + 1.0);
    if (time < least * 0.98) {
      least = time;
      tile.rows = t;
    }
  }
}

/// As many rows as keep the block in a part of L2, but so few that there are enough items. Weights
/// beyond L2 are worth reading seldom: then blocks may fill it.
void ConvolutionPlan::choose_rows(const TargetInfo& target) {
  const bool large = maps * depth() * 4 > target.l2_bytes;
  const Dim budget = target.l2_bytes / (large ? 1 : 4) / 4;
  const Dim row = outer_taps() * row_elements();
  const int64_t overlap = (rows.kernel - 1) * rows.dilation;
  const Dim fitting =
      floor_div(maximum(floor_div(budget, maximum(row, 1)) - overlap, 1), rows.scratch_stride());
  Dim items_wanted = ceil_div(Dim(wanted_items), maximum(batch * group, 1));
  const Dim by_items = ceil_div(rows.output, items_wanted);
  const Dim by_pixels =
      ceil_div(Dim(large ? 4 * least_pixels : least_pixels), maximum(columns.output, 1));
  rows_per_item = maximum(minimum(minimum(fitting, maximum(by_items, by_pixels)), rows.output), 1);
  row_blocks = ceil_div(rows.output, rows_per_item);
  // Blocks of one size, as near as may be.
  rows_per_item = maximum(ceil_div(rows.output, maximum(row_blocks, 1)), 1);
}

void ConvolutionPlan::choose_channel_blocks() {
  panels = ceil_div(maps, tile.columns());
  Dim others = batch * group * row_blocks;
  for (const ConvolutionAxis& axis : outer) others = others * axis.output;
  const Dim most = std::max<int64_t>(panels / least_panel_work, 1);
  panels_per_item = ceil_div(Dim(panels), share_out(others, most));
  channel_blocks = ceil_div(Dim(panels), panels_per_item);
}

}  // namespace dlc::llvm_backend
