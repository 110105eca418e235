// Sliding windows: what Conv, pooling and the like share.
// Used by conv.cpp and pool.cpp.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// Windows of `kernel` elements, `dilations` apart, that move by `strides` over the spatial axes
/// (those after the first two) of a tensor with a border of `begin` and `end` elements.
struct Window {
  Dims input;  ///< sizes of the spatial axes
  Ints kernel, strides, dilations;
  Dims begin, end;       ///< the border; from auto_pad it can be symbolic
  Dims output;           ///< how many windows there are
  bool complete = true;  ///< every window ends in the input or its border (not with ceil_mode)

  size_t rank() const { return kernel.size(); }
  Dims extents() const { return Dims(kernel.begin(), kernel.end()); }
  /// Elements from the first to the last of a window.
  int64_t span(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
  /// Where window `window[axis]` begins, which may be in the border.
  Expr first(const Indices& window, size_t axis) const;
  /// Positions of element `element` of a window in the input.
  Indices positions(const Indices& window, const Indices& element) const;
  /// Whether a window can have elements outside the input on that axis.
  bool leaves_input(size_t axis) const;
  /// Whether positions are in the input and not in the border; constant true without a border.
  Expr inside(const Indices& positions) const;
  /// How many elements of a window are in the input, or with `border` in the input and its border.
  Expr count(const Indices& window, bool border) const;
};

/// From the attributes auto_pad, pads, strides, dilations (and ceil_mode, if the row has one).
/// `spatial` are the sizes of the axes after the first two.
Window make_window(const OpArgs& args, const Dims& spatial, const Ints& kernel, bool ceil_mode);

/// The sizes after the first two. Throws Error(invalid) for a rank below 3.
Dims spatial_dims(const Dims& shape, std::string_view what);

/// An attribute with one entry an axis: `fallback` each if it is not given.
Ints per_axis(const OpArgs& args, std::string_view attr, size_t axes, int64_t fallback);

}  // namespace dlc
