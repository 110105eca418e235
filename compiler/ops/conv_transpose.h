// ConvTranspose as a composite.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// A dense convolution with one output channel for each position within a stride (so that no zeros
/// are multiplied), whose results are then interleaved and cropped.
std::vector<Value> expand_conv_transpose(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs);

}  // namespace dlc
