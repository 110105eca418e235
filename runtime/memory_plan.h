// Memory plan: which bytes of an arena each value gets, by when it lives.
// Next: runtime/layout.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dlc {

/// A value in the arena: needed from step `first` to step `last`, both included.
struct Block {
  int64_t bytes = 0;
  int first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< of each block, multiples of 64
  int64_t bytes = 0;             ///< the size of the arena
  int64_t lower_bound = 0;       ///< the largest set of live bytes: no plan can do with less
};

/// Blocks that live at the same time do not overlap. The largest are placed first, each into the
/// smallest gap that holds it. Throws Error(limit) when the sum does not fit in 63 bits.
MemoryPlan plan_memory(std::span<const Block> blocks);

}  // namespace dlc
