// Writing at positions that a tensor gives: ScatterElements and ScatterND.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// Inputs data, indices, updates; attributes axis, reduction (none, add, mul, max, min). Negative
/// indices count from the end; others outside the axis throw Error(invalid).
void scatter_elements(const HostCall& call);
/// The same at tuples along the last axis of indices.
void scatter_nd(const HostCall& call);

}  // namespace dlc::host
