// The arithmetic of Slice. See slice.h.
#include "compiler/ops/slice.h"

#include "compiler/ops/index_math.h"

namespace dlc {
namespace {

/// Numbers beyond this mean "to the end"; adding sizes to them could overflow.
constexpr int64_t far = int64_t{1} << 40;

/// `position` counted from the start of the axis, not clamped yet.
Dim from_start(const Dim& position, const Dim& size) {
  if (position.is_number()) return position.number() < 0 ? position + size : position;
  if (is_position(position)) return position;
  if (is_position(0 - position - 1)) return position + size;
  const Dim negative = minimum(maximum(0 - position, 0), 1);  // 1 or 0
  return position + size * negative;
}

}  // namespace

SliceRange slice_range(const Dim& size, const Dim& start, const Dim& end, int64_t step) {
  const auto beyond = [](const Dim& d) { return d.is_number() && d.number() >= far; };
  const auto before = [](const Dim& d) { return d.is_number() && d.number() <= -far; };
  const Dim first = beyond(start) ? size : before(start) ? Dim(0) : from_start(start, size);
  const Dim last = beyond(end) ? size : before(end) ? Dim(-1) : from_start(end, size);
  if (step > 0) {
    // A start after the end of the axis needs no clamp: the count is 0 then.
    const Dim from = at_least(first, 0);
    return {from, at_least(ceil_div(at_most(last, size) - from, step), 0), step};
  }
  // Nothing is left of an empty axis, though the clamped start would be its element 0.
  Dim from = at_most(first, size - 1);
  if (!first.is_non_negative() && !(first == size - 1)) from = at_least(from, at_most(size - 1, 0));
  return {from, at_least(ceil_div(from - at_least(last, -1), -step), 0), step};
}

std::vector<SliceRange> slice_ranges(const OpArgs& args) {
  const Dims& data = args.shape("data");
  const Dims starts = args.values("starts"), ends = args.values("ends");
  Ints axes = args.ints("axes"), steps = args.ints("steps");
  if (!args.has("axes")) {
    for (size_t k = 0; k < starts.size(); ++k) axes.push_back(static_cast<int64_t>(k));
  }
  if (!args.has("steps")) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    fail("starts, ends, axes and steps must have as many entries");
  std::vector<SliceRange> ranges;
  for (const Dim& size : data) ranges.push_back({0, size, 1});
  for (size_t k = 0; k < starts.size(); ++k) {
    if (steps[k] == 0) fail("a step of 0 goes nowhere");
    const int64_t axis = OpArgs::normalize_axis(axes[k], args.rank("data"));
    ranges[axis] = slice_range(data[axis], starts[k], ends[k], steps[k]);
  }
  return ranges;
}

}  // namespace dlc
