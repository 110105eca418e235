// The tables of rewrites that `simplify` applies.
#pragma once

#include <vector>

#include "passes/rewrite.h"

namespace dlc {

const std::vector<Rewrite>& algebra_rules();   ///< arithmetic and logic, casts
const std::vector<Rewrite>& movement_rules();  ///< reshapes, transposes, slices, copies

}  // namespace dlc
