// Sizes and memory of one epoch of a program for one set of symbol values.
// Next: runtime/frame.h.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/layout.h"

namespace dlc {

struct EpochPlan {
  std::vector<int64_t> symbols;  ///< what it is for: the values of all symbols bound so far
  std::vector<int64_t> dims;     ///< the values of Layout::Epoch::dims
  std::vector<int64_t> offsets;  ///< of Layout::Epoch::arena; -1: written in place
  std::vector<bool> in_place;    ///< of Layout::Epoch::in_place: whether the sizes allow it
  int64_t bytes = 0, lower_bound = 0, scratch_bytes = 0;
};

/// The plans of one epoch, as many as were used last.
class EpochPlans {
 public:
  /// The plan for `symbols`. `dims` has the values of all dims; those of this epoch are set. Throws
  /// Error for sizes that are negative or too large.
  const EpochPlan& find(const Program& program, const Layout& layout, size_t epoch,
                        std::span<const int64_t> symbols, std::span<int64_t> dims);
  size_t count() const { return plans_.size(); }

  static constexpr size_t most = 8;

 private:
  std::vector<std::unique_ptr<EpochPlan>> plans_;  ///< the one used last comes first
};

/// The concrete shape of a slot, into `shape`.
void shape_of(const Slot& slot, std::span<const int64_t> dims, std::vector<int64_t>& shape);

}  // namespace dlc
