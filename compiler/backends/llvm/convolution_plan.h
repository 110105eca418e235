// ConvolutionPlan: how a convolution is cut into items, and where an item's pixels are in scratch.
//
// An item is a block of output rows of one image (and group), for a block of output channels. It
// copies the input rows that it needs into scratch as [outer taps..., row, column, channel], with
// zeros for padding. Then element (pixel, tap, channel) is at an offset that is the sum of one for
// the pixel and one for the tap, and whole runs of taps and channels are adjacent. Next:
// convolution.cpp.
#pragma once

#include <string>

#include "compiler/backends/llvm/jit.h"
#include "compiler/backends/llvm/tile.h"
#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

/// One spatial axis.
struct ConvolutionAxis {
  Dim input, output;
  int64_t kernel = 1, stride = 1, dilation = 1, pad = 0;
  /// Scratch has only the positions that are read: with a kernel of one, every stride-th.
  int64_t scratch_stride() const { return kernel == 1 ? 1 : stride; }
  int64_t input_step() const { return kernel == 1 ? stride : 1; }
  /// Positions in scratch for `outputs` output positions.
  Dim extent(const Dim& outputs) const {
    return (outputs - 1) * scratch_stride() + ((kernel - 1) * dilation + 1);
  }
};

/// Rows of a register tile at most: each has an address in a general register (14 rows of two
/// vectors fit into AVX-512's registers as well, and took twice the time).
constexpr int most_tile_rows = 8;

/// Into how many blocks of channels, at most `most`, to cut each of `items` so that threads have
/// work.
Dim share_out(const Dim& items, const Dim& most);

struct ConvolutionPlan {
  ConvolutionPlan(const ConvolutionKernel& kernel, const TargetInfo& target);

  Dim batch;
  int64_t group, channels, maps;       ///< channels, maps: of one group
  std::vector<ConvolutionAxis> outer;  ///< all axes but the last two: one output position an item
  ConvolutionAxis rows, columns;       ///< columns: of one position where there is one axis only
  std::vector<int64_t> taps;           ///< kernel extents, all axes

  TileShape tile;
  int64_t panels;
  Dim panels_per_item, channel_blocks, rows_per_item, row_blocks;

  Dim scratch_rows() const { return rows.extent(rows_per_item); }
  Dim scratch_columns() const { return columns.extent(columns.output); }
  Dim row_elements() const { return scratch_columns() * channels; }
  Dim outer_taps() const;
  Dim block_elements() const { return outer_taps() * scratch_rows() * row_elements(); }
  Dim pixels_per_item() const { return rows_per_item * columns.output; }
  int64_t tap_count() const;
  /// Taps and channels that are adjacent in scratch and in the weights.
  int64_t run() const;
  int64_t run_count() const { return tap_count() * channels / run(); }
  /// Elements of the packed weights of one group: panels of [taps, channel][width].
  int64_t panel_width(int64_t panel) const;
  int64_t depth() const { return tap_count() * channels; }

 private:
  void choose_tile(const TargetInfo& target);
  void choose_rows(const TargetInfo& target);
  void choose_channel_blocks();
};

}  // namespace dlc::llvm_backend
