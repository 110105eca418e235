// The tables of op rows, one a family. An op is found by name through find_op() of op_def.h.
#pragma once

#include <vector>

#include "compiler/ops/op_def.h"

namespace dlc {

const std::vector<OpDef>& structural_ops();  ///< Constant, dlc.Sizes

}  // namespace dlc
