// Where an output element of Resize lies in the input. See resize_axis.h.
#include "compiler/ops/resize_axis.h"

#include <cmath>
#include <numeric>

#include "compiler/ops/index_math.h"

namespace dlc {
namespace {

struct Fraction {
  Dim up, down;
};

/// The simplest fraction that rounds to the f32 `value`, or else the value itself, which is a
/// fraction of a power of two.
Fraction fraction_of(double value) {
  if (!(value > 0) || value > 1e6) fail("a scale of {} is not possible", value);
  constexpr int64_t largest = 4096;
  for (int64_t down = 1; down <= largest; ++down) {
    const auto up = static_cast<int64_t>(std::llround(value * static_cast<double>(down)));
    const double candidate = static_cast<double>(up) / static_cast<double>(down);
    if (up > 0 && static_cast<float>(candidate) == static_cast<float>(value)) return {up, down};
  }
  int64_t down = 1;
  while (value * static_cast<double>(down) != std::floor(value * static_cast<double>(down)) &&
         down < (int64_t{1} << 36))
    down *= 2;
  const double up = std::floor(value * static_cast<double>(down));
  if (up < 1) fail("a scale of {} is not possible", value);
  return {static_cast<int64_t>(up), down};
}

/// Divides numbers by what they have in common.
void reduce(std::initializer_list<Dim*> dims) {
  int64_t common = 0;
  for (const Dim* dim : dims) {
    if (!dim->is_number()) return;
    common = std::gcd(common, dim->number());
  }
  if (common <= 1) return;
  for (Dim* dim : dims) *dim = dim->number() / common;
}

/// Sets slope, base and divisor by the coordinate transformation.
void place(ResizeAxis& axis, const std::string& mode) {
  const Dim &up = axis.up, &down = axis.down;
  const Dim centre = down - up;  // of element 0, in 1 / (2 * up)
  axis.slope = down * 2;
  axis.base = centre;
  axis.divisor = at_least(up * 2, 1);
  if (mode == "asymmetric") {
    axis.slope = down;
    axis.base = 0;
    axis.divisor = at_least(up, 1);
  } else if (mode == "align_corners" || mode == "tf_crop_and_resize") {
    // up / down * input - 1 elements of the output span input - 1 of the input.
    axis.slope = (axis.input - 1) * down;
    axis.base = 0;
    axis.divisor = at_least(up * axis.input - down, 1);
    if (up == axis.output && down == axis.input) {
      axis.slope = axis.input - 1;
      axis.divisor = at_least(axis.output - 1, 1);
    }
    if (up * axis.input == down) axis.slope = 0;
  } else if (mode == "pytorch_half_pixel") {
    const Dim many =
        at_most(axis.output - 1, 1);  // 0 for a single output element, which is at -1/2
    axis.slope = down * 2 * many;
    axis.base = centre * many - up * (1 - many);
  } else if (mode == "half_pixel_symmetric") {
    axis.base = axis.input * up - axis.output * down + centre;
  } else if (mode == "tf_half_pixel_for_nn") {  // of opset 11: not shifted back by half a pixel
    axis.base = down;
  } else if (mode != "half_pixel") {
    fail("coordinate_transformation_mode {} is not known", mode);
  }
  reduce({&axis.slope, &axis.base, &axis.divisor});
}

int64_t known_size(const Dim& size) {
  if (!size.is_number())
    fail_as(ErrorCode::unsupported,
            "keep_aspect_ratio_policy needs known sizes, but one is {}; give it with --shape",
            size.to_string());
  return size.number();
}

/// One scale for all axes: the smallest or largest, by keep_aspect_ratio_policy.
void keep_aspect_ratio(std::vector<ResizeAxis>& axes, const std::string& policy) {
  if (policy == "stretch") return;
  if (policy != "not_larger" && policy != "not_smaller")
    fail("keep_aspect_ratio_policy {} is not known", policy);
  int64_t up = 0, down = 0;
  for (const ResizeAxis& axis : axes) {
    const int64_t to = known_size(axis.output), from = known_size(axis.input);
    const bool smaller = to * down < up * from;
    if (down == 0 || smaller == (policy == "not_larger")) {
      up = to;
      down = from;
    }
  }
  for (ResizeAxis& axis : axes) {
    axis.up = up;
    axis.down = down;
    axis.output = floor_div(axis.input * up * 2 + down, Dim(2) * down);  // rounds half up
  }
}

void set_scale(ResizeAxis& axis, int64_t up, int64_t down) {
  axis.up = up;
  axis.down = down;
}

void set_sizes(ResizeAxis& axis, const Dims& sizes, const Reals& scales) {
  if (scales.empty()) {
    axis.output = sizes[axis.entry];
    axis.up = axis.output;
    axis.down = axis.input;
    reduce({&axis.up, &axis.down});
    if (axis.up.is_number()) return;
    for (int64_t times = 1; times <= 16; ++times) {
      if (axis.up == axis.down * times) return set_scale(axis, times, 1);
      if (axis.down == axis.up * times) return set_scale(axis, 1, times);
    }
    return;
  }
  const Fraction scale = fraction_of(scales[axis.entry]);
  axis.up = scale.up;
  axis.down = scale.down;
  axis.output = floor_div(axis.input * scale.up, scale.down);
}

}  // namespace

std::vector<ResizeAxis> resize_axes(const OpArgs& args) {
  const Dims& x = args.shape("X");
  Ints axes = args.ints("axes");
  for (int64_t k = 0; !args.has_attr("axes") && k < args.rank("X"); ++k) axes.push_back(k);
  const bool by_scales = args.has("scales") && !(product(args.shape("scales")) == Dim(0));
  const Reals scales = by_scales ? args.constant_or_fail("scales").to_reals() : Reals();
  if (!by_scales && !args.has("sizes")) fail("neither scales nor sizes are given");
  const Dims sizes = by_scales ? Dims(scales.size()) : args.values("sizes");
  if (sizes.size() != axes.size())
    fail("{} sizes or scales for {} axes", sizes.size(), axes.size());
  std::vector<ResizeAxis> all;
  for (size_t k = 0; k < axes.size(); ++k) {
    ResizeAxis axis{.entry = static_cast<int64_t>(k), .entries = static_cast<int64_t>(axes.size())};
    axis.axis = OpArgs::normalize_axis(axes[k], args.rank("X"));
    axis.input = x[axis.axis];
    set_sizes(axis, sizes, scales);
    args.require(SizeRule::at_most, minimum(axis.output, 1), axis.input,
                 fmt::format("elements needed along axis {}", axis.axis));
    all.push_back(axis);
  }
  if (!by_scales) keep_aspect_ratio(all, args.text("keep_aspect_ratio_policy"));
  const std::string mode = args.text("coordinate_transformation_mode");
  if (mode == "tf_crop_and_resize" &&
      (!args.has("roi") || args.shape("roi") != Dims{2 * int64_t(axes.size())}))
    fail("tf_crop_and_resize needs a roi of {} entries", 2 * axes.size());
  std::vector<ResizeAxis> changing;
  for (ResizeAxis& axis : all) {
    place(axis, mode);
    const bool same = axis.input == axis.output && axis.up == axis.down;
    if (!same || mode == "tf_crop_and_resize") changing.push_back(axis);
  }
  return changing;
}

Expr ResizeAxis::region_position(const Expr& i, DType real, const ResizeRegion& region) const {
  const Expr last = cast(real, dim(input - 1));
  const Expr size = region.end - region.start;
  if (slope == Dim(0)) return region.start * last + size * last / 2.0;
  const Expr along = cast(real, i) * cast(real, dim(slope)) / cast(real, dim(divisor));
  return region.start * last + size * along;
}

ResizePosition ResizeAxis::position(const Expr& i, DType real,
                                    const std::optional<ResizeRegion>& region) const {
  if (region) {
    const Expr x = region_position(i, real, *region);
    return {cast(DType::i64, floor(x)), x - floor(x)};
  }
  const Expr numerator = i * dim(slope) + dim(base);
  const Expr whole = floor_div(numerator, dim(divisor));
  const Expr rest = numerator - whole * dim(divisor);
  return {whole, cast(real, rest) / cast(real, dim(divisor))};
}

Expr ResizeAxis::inside(const Expr& i, DType real, const ResizeRegion& region) const {
  const Expr x = region_position(i, real, region);
  return x >= 0.0 && x <= cast(real, dim(input - 1));
}

Expr ResizeAxis::nearest(const Expr& i, const std::string& mode,
                         const std::optional<ResizeRegion>& region) const {
  const bool floors = mode == "floor", ceils = mode == "ceil", up = mode == "round_prefer_ceil";
  if (!floors && !ceils && !up && mode != "round_prefer_floor")
    fail("nearest_mode {} is not known", mode);
  if (region) {
    const Expr x = region_position(i, DType::f32, *region);
    const Expr rounded = floors ? floor(x) : ceils ? ceil(x) : up ? floor(x + 0.5) : ceil(x - 0.5);
    return clamped(cast(DType::i64, rounded));
  }
  const Expr numerator = i * dim(slope) + dim(base), whole = dim(divisor), twice = dim(divisor * 2);
  // (i + 1/2) / n - 1/2 is never half-way, and its nearest whole number is that of i / n.
  const Dim times = slope == Dim(0) ? Dim(0) : floor_div(divisor, slope);
  const bool repeats = times.is_number() && times * slope == divisor && base * 2 == slope - divisor;
  if (repeats && !floors && !ceils) return floor_div(i, dim(times));
  if (floors) return clamped(floor_div(numerator, whole));
  if (ceils) return clamped(-floor_div(-numerator, whole));
  if (up) return clamped(floor_div(numerator * index(2) + whole, twice));
  return clamped(-floor_div(whole - numerator * index(2), twice));
}

Expr ResizeAxis::clamped(const Expr& at) const { return clamp(at, index(0), dim(input - 1)); }

Dim ResizeAxis::steps(int64_t reach) const {
  return at_least(ceil_div(down * reach, at_least(up, 1)), reach);
}

Expr ResizeAxis::shrink(DType real) const {
  return minimum(cast(real, dim(up)) / cast(real, dim(down)), constant(real, 1));
}

}  // namespace dlc
