// NonMaxSuppression.
#include "runtime/host/detection.h"

#include <algorithm>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

struct Box {
  float y1, x1, y2, x2;  ///< y1 <= y2, x1 <= x2
  float area() const { return (y2 - y1) * (x2 - x1); }
};

Box read_box(const float* from, bool center_point) {
  if (center_point) {  // x and y of the center, width, height
    const float half_width = from[2] / 2, half_height = from[3] / 2;
    return {from[1] - half_height, from[0] - half_width, from[1] + half_height,
            from[0] + half_width};
  }
  return {std::min(from[0], from[2]), std::min(from[1], from[3]), std::max(from[0], from[2]),
          std::max(from[1], from[3])};
}

bool overlaps(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (!(height > 0 && width > 0)) return false;
  const float both = height * width;
  const float either = a.area() + b.area() - both;
  return either > 0 && both / either > threshold;
}

float scalar(const HostCall& call, size_t input, float otherwise) {
  if (!call.has(input)) return otherwise;
  if (call.in(input).size() < 1) fail("a threshold has no element");
  return static_cast<float>(load_real(call.in(input).dtype(), call.in(input).data(), 0));
}

int64_t integer(const Tensor& tensor) {
  if (tensor.size() < 1) fail("max_output_boxes_per_class has no element");
  return load_integer(tensor.dtype(), tensor.data(), 0);
}

/// The selected boxes of one class, in order.
std::vector<int64_t> select(const std::vector<Box>& boxes, const float* scores, int64_t most,
                            float iou_threshold, const float* score_threshold) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < static_cast<int64_t>(boxes.size()); ++i)
    if (!score_threshold || scores[i] > *score_threshold) order.push_back(i);
  // NaN scores come last; without that, sorting would have no order to go by.
  const auto rank = [&](int64_t i) { return scores[i] == scores[i]; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return rank(a) != rank(b) ? rank(a) : scores[a] > scores[b];
  });
  std::vector<int64_t> selected;
  for (int64_t candidate : order) {
    if (static_cast<int64_t>(selected.size()) >= most) break;
    const bool covered = std::any_of(selected.begin(), selected.end(), [&](int64_t other) {
      return overlaps(boxes[candidate], boxes[other], iou_threshold);
    });
    if (!covered) selected.push_back(candidate);
  }
  return selected;
}

}  // namespace

void non_max_suppression(const HostCall& call) {
  const Tensor &boxes = call.in(0), &scores = call.in(1);
  const Shape &b = boxes.shape(), &s = scores.shape();
  if (b.size() != 3 || s.size() != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2])
    fail("boxes {} and scores {} must be [batch, n, 4] and [batch, classes, n]", to_string(b),
         to_string(s));
  const int64_t most = call.has(2) ? integer(call.in(2)) : 0;
  const float iou_threshold = scalar(call, 3, 0), score_threshold = scalar(call, 4, 0);
  const bool center_point = call.attrs.integer("center_point_box") != 0;
  std::vector<int64_t> rows;
  std::vector<Box> of_batch(b[1]);
  for (int64_t batch = 0; batch < b[0]; ++batch) {
    for (int64_t i = 0; i < b[1]; ++i)
      of_batch[i] = read_box(boxes.as<float>().data() + (batch * b[1] + i) * 4, center_point);
    for (int64_t c = 0; c < s[1]; ++c) {
      const float* of_class = scores.as<float>().data() + (batch * s[1] + c) * s[2];
      for (int64_t box : select(of_batch, of_class, most, iou_threshold,
                                call.has(4) ? &score_threshold : nullptr))
        rows.insert(rows.end(), {batch, c, box});
    }
  }
  call.outputs[0] = Tensor::ints(rows).reshaped({static_cast<int64_t>(rows.size()) / 3, 3});
}

}  // namespace dlc::host
