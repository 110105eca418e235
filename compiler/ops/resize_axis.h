// Where an output element of Resize lies in the input, on one axis.
#pragma once

#include <optional>

#include "compiler/ops/op_def.h"

namespace dlc {

/// x = whole + fraction, 0 <= fraction < 1.
struct ResizePosition {
  Expr whole, fraction;
};

/// Part of the input, 0 its first and 1 its last element (tf_crop_and_resize).
struct ResizeRegion {
  Expr start, end;
};

/// One resized axis. Its scale is the fraction `up` / `down`, and the position of output element i
/// in the input is (slope * i + base) / divisor, exactly.
struct ResizeAxis {
  int64_t axis = 0;
  int64_t entry = 0, entries = 0;  ///< its place among the entries of roi, scales and sizes
  Dim input, output;
  Dim up, down;
  Dim slope, base, divisor;

  /// The position of output element i; with a region, in its coordinates.
  ResizePosition position(const Expr& i, DType real,
                          const std::optional<ResizeRegion>& region) const;
  /// Whether output element i lies in the input, which regions may leave.
  Expr inside(const Expr& i, DType real, const ResizeRegion& region) const;
  /// The input element for output element i by `nearest_mode`.
  Expr nearest(const Expr& i, const std::string& mode,
               const std::optional<ResizeRegion>& region) const;
  /// Moved to the nearest end of the input.
  Expr clamped(const Expr& at) const;

  // Antialiasing: a filter that reaches `reach` output elements.
  /// Input elements on one side of the position: ceil(reach / min(scale, 1)).
  Dim steps(int64_t reach) const;
  /// Input elements in all.
  Dim footprint(int64_t reach) const { return steps(reach) * 2; }
  /// min(scale, 1).
  Expr shrink(DType real) const;

 private:
  Expr region_position(const Expr& i, DType real, const ResizeRegion& region) const;
};

/// The axes that change, from the inputs scales or sizes and the attributes of a Resize node.
std::vector<ResizeAxis> resize_axes(const OpArgs& args);

}  // namespace dlc
