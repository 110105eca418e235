// What Dropout does in training. In random.cpp.
#pragma once

#include "compiler/ops/builder.h"

namespace dlc {

/// `data` with a share of `ratio` of its elements dropped at random, the rest divided by 1 - ratio;
/// and a mask of those that stay. `args`: of a Dropout, whose attribute `seed` counts.
std::vector<Value> drop_out(const OpArgs& args, Builder& build, Value data, double ratio);

}  // namespace dlc
