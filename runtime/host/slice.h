// Slices whose ends are known only while the model runs. Row: compiler/ops/host_ops.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// dlc.DynamicSlice: data, starts, ends, axes, steps, by the rules of ONNX Slice-13.
void dynamic_slice(const HostCall& call);

}  // namespace dlc::host
