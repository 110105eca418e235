// Slices by the values of tensors.
#include "runtime/host/slice.h"

#include <algorithm>

#include "runtime/error.h"

namespace dlc::host {
namespace {

struct Range {
  int64_t start, step, count;
};

Range make_range(int64_t size, int64_t start, int64_t end, int64_t step) {
  if (step == 0) fail("a step is 0");
  const auto from_end = [&](int64_t at) { return at < 0 ? at + size : at; };
  // Backwards, a position before the first element is possible: where the slice ends.
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const int64_t first = std::clamp(from_end(std::max(start, -size - 1)), low, high);
  const int64_t last = std::clamp(from_end(std::max(end, -size - 1)), low, high);
  const int64_t span = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -std::max(step, -(int64_t{1} << 62));
  return {first, step, span <= 0 ? 0 : (span - 1) / stride + 1};
}

}  // namespace

void dynamic_slice(const HostCall& call) {
  const Tensor& data = call.in(0);
  const std::vector<int64_t> starts = call.in(1).to_ints(), ends = call.in(2).to_ints();
  std::vector<int64_t> axes, steps(starts.size(), 1);
  for (size_t k = 0; k < starts.size(); ++k) axes.push_back(static_cast<int64_t>(k));
  if (call.has(3)) axes = call.in(3).to_ints();
  if (call.has(4)) steps = call.in(4).to_ints();
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    fail("{} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(),
         steps.size());
  std::vector<Range> ranges;
  for (int64_t size : data.shape()) ranges.push_back({0, 1, size});
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t axis = axes[k] < 0 ? axes[k] + data.rank() : axes[k];
    if (axis < 0 || axis >= data.rank()) fail("axis {} of {} does not exist", axes[k], data.rank());
    ranges[axis] = make_range(data.shape()[axis], starts[k], ends[k], steps[k]);
  }
  Shape shape;
  for (const Range& range : ranges) shape.push_back(range.count);
  Tensor& result = call.out(0, data.dtype(), shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    int64_t rest = i, from = 0, stride = 1;
    for (size_t k = ranges.size(); k-- > 0; rest /= shape[k]) {
      from += (ranges[k].start + rest % shape[k] * ranges[k].step) * stride;
      stride *= data.shape()[k];
    }
    copy_elements(data, from, result, i, 1);
  }
}

}  // namespace dlc::host
