// Ops of object detectors. Rows: compiler/ops/host_ops.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// ONNX NonMaxSuppression-11. Per batch and class, boxes by falling score (equal ones by number)
/// whose intersection over union with every box selected before is at most the threshold. Gives
/// i64[count, 3]: batch, class, box. Computes in f32.
void non_max_suppression(const HostCall& call);

}  // namespace dlc::host
