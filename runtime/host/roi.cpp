// Regions of interest. Computed in double and rounded once: they are small beside what they are cut
// of.
#include "runtime/host/roi.h"

#include <algorithm>
#include <cmath>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

/// A place between elements on an axis: two elements and the weight of the second.
struct Place {
  int64_t low, high;
  double part;
};

Place place_on(double x, int64_t size) {
  x = std::max(x, 0.0);
  const auto low = static_cast<int64_t>(x);
  if (low >= size - 1) return {size - 1, size - 1, 0};
  return {low, low + 1, x - static_cast<double>(low)};
}

/// One axis of a region, cut into bins.
struct Extent {
  double start, bin;
  int64_t samples, size;  ///< samples in a bin; size of the image

  double sample(int64_t b, int64_t s) const {
    return start + static_cast<double>(b) * bin +
           (static_cast<double>(s) + 0.5) * bin / static_cast<double>(samples);
  }
};

Extent make_extent(double begin, double end, bool half_pixel, int64_t bins, int64_t ratio,
                   int64_t size) {
  double length = end - begin;
  if (!half_pixel) length = std::max(length, 1.0);
  const double bin = length / static_cast<double>(bins);
  const double samples = ratio > 0 ? static_cast<double>(ratio) : std::ceil(bin);
  if (!(samples < 1e6)) fail("a region from {} to {} is too large", begin, end);
  return {begin, bin, std::max<int64_t>(static_cast<int64_t>(samples), 0), size};
}

/// Mean or maximum of the samples of one bin. `at` reads an element of the image.
template <typename Image>
double pool_bin(const Extent& rows, const Extent& columns, int64_t y, int64_t x, bool average,
                const Image& at) {
  double result = 0;
  bool first = true;
  for (int64_t sy = 0; sy < rows.samples; ++sy) {
    for (int64_t sx = 0; sx < columns.samples; ++sx) {
      const double py = rows.sample(y, sy), px = columns.sample(x, sx);
      const bool inside = py >= -1 && py <= static_cast<double>(rows.size) && px >= -1 &&
                          px <= static_cast<double>(columns.size);
      double corners[4] = {0, 0, 0, 0};
      if (inside) {
        const Place r = place_on(py, rows.size), c = place_on(px, columns.size);
        corners[0] = (1 - r.part) * (1 - c.part) * at(r.low, c.low);
        corners[1] = (1 - r.part) * c.part * at(r.low, c.high);
        corners[2] = r.part * (1 - c.part) * at(r.high, c.low);
        corners[3] = r.part * c.part * at(r.high, c.high);
      }
      if (average) {
        result += corners[0] + corners[1] + corners[2] + corners[3];
        continue;
      }
      const double value = *std::max_element(corners, corners + 4);
      result = first ? value : std::max(result, value);
      first = false;
    }
  }
  const int64_t count = std::max<int64_t>(rows.samples * columns.samples, 1);
  return average ? result / static_cast<double>(count) : result;
}

int64_t whole(double value) {
  return std::isnan(value) ? 0 : static_cast<int64_t>(std::clamp(value, -1e9, 1e9));
}

int64_t batch_of(int64_t given, int64_t batches) {
  if (given < 0 || given >= batches) fail("a region is in batch entry {} of {}", given, batches);
  return given;
}

}  // namespace

void roi_align(const HostCall& call) {
  const Tensor &x = call.in(0), &rois = call.in(1), &batches = call.in(2);
  if (x.rank() != 4 || rois.rank() != 2 || rois.shape()[1] != 4 ||
      batches.size() != rois.shape()[0])
    fail("X must be [n, c, h, w], rois [r, 4] and batch_indices [r]");
  const int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const int64_t bins_y = call.attrs.integer("output_height"),
                bins_x = call.attrs.integer("output_width");
  const int64_t ratio = call.attrs.integer("sampling_ratio");
  const bool half_pixel = call.attrs.text("coordinate_transformation_mode") == "half_pixel";
  const bool average = call.attrs.text("mode") == "avg";
  const double scale = call.attrs.real("spatial_scale");
  Tensor& y = call.out(0, x.dtype(), {rois.shape()[0], channels, bins_y, bins_x});
  if (y.size() > 0 && (height == 0 || width == 0)) fail("X has no elements");
  int64_t out = 0;
  for (int64_t r = 0; r < rois.shape()[0]; ++r) {
    const auto bound = [&](int64_t k) {
      return load_real(rois.dtype(), rois.data(), r * 4 + k) * scale - (half_pixel ? 0.5 : 0.0);
    };
    const Extent columns = make_extent(bound(0), bound(2), half_pixel, bins_x, ratio, width);
    const Extent rows = make_extent(bound(1), bound(3), half_pixel, bins_y, ratio, height);
    const int64_t n = batch_of(load_integer(batches.dtype(), batches.data(), r), x.shape()[0]);
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t base = (n * channels + c) * height * width;
      const auto at = [&](int64_t row, int64_t column) {
        return load_real(x.dtype(), x.data(), base + row * width + column);
      };
      for (int64_t by = 0; by < bins_y; ++by) {
        for (int64_t bx = 0; bx < bins_x; ++bx) {
          const double value = pool_bin(rows, columns, by, bx, average, at);
          store_real(y.dtype(), y.mutable_data(), out++, value);
        }
      }
    }
  }
}

void max_roi_pool(const HostCall& call) {
  const Tensor &x = call.in(0), &rois = call.in(1);
  const std::vector<int64_t>& bins = call.attrs.ints("pooled_shape");
  if (x.rank() != 4 || rois.rank() != 2 || rois.shape()[1] != 5 || bins.size() != 2)
    fail("X must be [n, c, h, w], rois [r, 5] and pooled_shape of 2 entries");
  const int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const double scale = call.attrs.real("spatial_scale");
  Tensor& y = call.out(0, x.dtype(), {rois.shape()[0], channels, bins[0], bins[1]});
  int64_t out = 0;
  for (int64_t r = 0; r < rois.shape()[0]; ++r) {
    const auto given = [&](int64_t k) { return load_real(rois.dtype(), rois.data(), r * 5 + k); };
    const auto bound = [&](int64_t k) { return whole(std::round(given(k) * scale)); };
    const int64_t n = batch_of(whole(given(0)), x.shape()[0]);
    const int64_t left = bound(1), top = bound(2);
    // Elements of bin b of `bins` on an axis, from `start` on and inside the image.
    const auto range = [](int64_t start, int64_t end, int64_t b, int64_t count, int64_t size) {
      const double step =
          static_cast<double>(std::max<int64_t>(end - start + 1, 1)) / static_cast<double>(count);
      const auto low = static_cast<int64_t>(std::floor(static_cast<double>(b) * step)) + start;
      const auto high = static_cast<int64_t>(std::ceil(static_cast<double>(b + 1) * step)) + start;
      return std::pair(std::clamp<int64_t>(low, 0, size), std::clamp<int64_t>(high, 0, size));
    };
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t base = (n * channels + c) * height * width;
      for (int64_t by = 0; by < bins[0]; ++by) {
        const auto [y0, y1] = range(top, bound(4), by, bins[0], height);
        for (int64_t bx = 0; bx < bins[1]; ++bx) {
          const auto [x0, x1] = range(left, bound(3), bx, bins[1], width);
          double best = y0 < y1 && x0 < x1 ? -INFINITY : 0;
          for (int64_t row = y0; row < y1; ++row) {
            for (int64_t column = x0; column < x1; ++column)
              best = std::max(best, load_real(x.dtype(), x.data(), base + row * width + column));
          }
          store_real(y.dtype(), y.mutable_data(), out++, best);
        }
      }
    }
  }
}

}  // namespace dlc::host
