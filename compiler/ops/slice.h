// The arithmetic of Slice, with symbolic sizes.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// Elements start, start + step, ..., `count` of them, all inside the axis.
struct SliceRange {
  Dim start, count;
  int64_t step = 1;
};

/// The range along an axis of `size` elements, by ONNX Slice-13: negative positions count from the
/// end, and what is outside is clamped. A symbolic position counts from the start if it cannot be
/// negative for sizes of at least 1.
SliceRange slice_range(const Dim& size, const Dim& start, const Dim& end, int64_t step);

/// One range an axis of input `data`, from the inputs starts, ends, axes and steps.
std::vector<SliceRange> slice_ranges(const OpArgs& args);

}  // namespace dlc
