// Placing blocks in the arena: greedy by size, best fit.
// Next: runtime/layout.cpp.
#include "runtime/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "runtime/error.h"

namespace dlc {
namespace {

constexpr int64_t alignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

void check_total(std::span<const Block> blocks) {
  int64_t total = 0;
  for (const Block& block : blocks) {
    if (block.bytes > INT64_MAX / 2 || __builtin_add_overflow(total, aligned(block.bytes), &total))
      fail_as(ErrorCode::limit, "the values of a run do not fit in memory");
  }
}

int64_t most_live_bytes(std::span<const Block> blocks) {
  std::map<int, int64_t> change;  // of live bytes, by step
  for (const Block& block : blocks) {
    change[block.first] += aligned(block.bytes);
    change[block.last + 1] -= aligned(block.bytes);
  }
  int64_t live = 0, most = 0;
  for (const auto& [step, bytes] : change) most = std::max(most, live += bytes);
  return most;
}

struct Placed {
  int64_t begin, end;
  int first, last;
};

/// The start of the smallest gap between the placed blocks (sorted by begin) that live at the same
/// time, or the end of the last of them.
int64_t best_fit(const std::vector<Placed>& placed, const Block& block, int64_t bytes) {
  int64_t best = -1, best_gap = INT64_MAX, end = 0;
  for (const Placed& other : placed) {
    if (other.last < block.first || other.first > block.last) continue;
    const int64_t gap = other.begin - end;
    if (gap >= bytes && gap < best_gap) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, other.end);
  }
  return best >= 0 ? best : end;
}

}  // namespace

MemoryPlan plan_memory(std::span<const Block> blocks) {
  check_total(blocks);
  MemoryPlan plan;
  plan.offsets.resize(blocks.size());
  plan.lower_bound = most_live_bytes(blocks);
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<Placed> placed;  // by begin
  for (size_t index : order) {
    const Block& block = blocks[index];
    const int64_t bytes = aligned(block.bytes);
    if (bytes == 0) continue;
    const int64_t begin = best_fit(placed, block, bytes);
    plan.offsets[index] = begin;
    plan.bytes = std::max(plan.bytes, begin + bytes);
    const auto place = std::upper_bound(placed.begin(), placed.end(), begin,
                                        [](int64_t a, const Placed& b) { return a < b.begin; });
    placed.insert(place, {begin, begin + bytes, block.first, block.last});
  }
  return plan;
}

}  // namespace dlc
