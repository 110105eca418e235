// Ops that pick elements, so that how many there are is known only afterwards.
// Rows: compiler/ops/host_ops.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// ONNX TopK-24. The `K` largest (or smallest) elements along `axis`, and where they are. Equal
/// ones by position, the lower first; NaN counts as the largest. Sorted whether `sorted` asks for
/// it or not.
void top_k(const HostCall& call);

/// ONNX NonZero-13: the indices of elements that are not zero, i64[rank, count], in row-major
/// order. NaN and non-empty strings are not zero.
void non_zero(const HostCall& call);

/// ONNX Compress-11: the elements, or slices along `axis`, where `condition` is true.
void compress(const HostCall& call);

/// ONNX Unique-11: distinct elements, or slices along `axis`, in ascending order or that of their
/// first appearance; where each first appears, which one each element is, and how often each
/// occurs. NaNs are equal to each other.
void unique(const HostCall& call);

}  // namespace dlc::host
