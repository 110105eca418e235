// The passes by name. A new one is declared here and put into the list of pipeline.cpp.
#pragma once

#include "passes/pass.h"

namespace dlc {

extern const Pass sink_constants;
extern const Pass decompose;

}  // namespace dlc
