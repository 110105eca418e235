// Host kernel that reinterprets elements.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// ONNX BitCast: the same bytes under the element type `to`, which has as many bits.
void bit_cast(const HostCall& call);

}  // namespace dlc::host
