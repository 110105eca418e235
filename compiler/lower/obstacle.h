// Why values are stored rather than computed where they are used: one byte each, kept where it is
// decided, and text for who asks.
// Next: formulas.cpp (decides), partition.cpp (reports).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace dlc {

enum class Obstacle : uint8_t {
  none,
  fusion_is_off,
  is_output,
  too_large,
  reduction_used_twice,
  costly_and_used_twice,
  user_has_no_formula,
  reduction_in_epilogue,
  operand_of_product,
  reduction_read_again,
  costly_and_read_again,
};

/// "its one user reads each element once and outside of reductions": what did not hold.
std::string_view condition(Obstacle obstacle);

/// What lowering tells `--explain fusion`.
struct FusionNotes {
  std::vector<NearMiss> near_misses;
  /// By kernel: the values that it computes but does not write to memory.
  std::vector<std::vector<std::string>> without_memory;
};

}  // namespace dlc
