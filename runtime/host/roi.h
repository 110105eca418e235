// Regions of interest: RoiAlign and MaxRoiPool.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// Inputs X [n, c, h, w], rois [r, 4], batch_indices [r]; attributes as ONNX RoiAlign's.
void roi_align(const HostCall& call);
/// Inputs X [n, c, h, w], rois [r, 5]; attributes pooled_shape, spatial_scale.
void max_roi_pool(const HostCall& call);

}  // namespace dlc::host
