// Keys that order elements of any type.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/tensor.h"

namespace dlc::host {

/// A number for each element, so that keys compare as the elements do, in one type for all of them:
/// -0 equals 0, NaNs are equal and greater than all else, strings compare by bytes. Complex
/// numbers: their real parts only.
std::vector<int64_t> order_keys(const Tensor& tensor);

}  // namespace dlc::host
