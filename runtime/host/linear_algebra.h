// Host kernels for matrices.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// ONNX Det: [..., n, n] -> [...], by elimination with pivots in double.
void determinant(const HostCall& call);

/// com.microsoft Inverse: [..., n, n], by elimination with pivots in double. A matrix that has none
/// gives NaN.
void inverse(const HostCall& call);

}  // namespace dlc::host
