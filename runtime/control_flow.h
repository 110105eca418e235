// If, Loop and Scan: steps that run nested programs.
// Next: runtime/stack.h (stacked outputs).
#pragma once

#include <memory>

#include "runtime/frame.h"

namespace dlc {

/// Null for steps that are not nested.
std::unique_ptr<StepRunner> make_runner(const Step& step);

}  // namespace dlc
