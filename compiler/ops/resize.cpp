// The row of Resize. Positions between elements are exact fractions (resize_axis.h), so that no
// rounding of a scale can pick another element.
// Next: compiler/ops/image.cpp (positions that a tensor gives).
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/resize_axis.h"

#include <cmath>

namespace dlc {
namespace {

/// An element that counts in an output element, and how much.
struct Tap {
  Expr index, weight;
};

class Resizer {
 public:
  explicit Resizer(const ComputeArgs& args)
      : args_(args), x_(args["X"]), axes_(resize_axes(args)), mode_(args.text("mode")) {
    real_ = is_float(x_.dtype()) ? arithmetic_type(x_.dtype()) : DType::f32;
    outside_ = args.integer("exclude_outside") != 0;
  }

  Computed compute() {
    constexpr size_t most = 5;  // interpolation reads 2 or 4 elements an axis, 4^5 in all
    if (mode_ != "nearest" && axes_.size() > most)
      fail_as(ErrorCode::unsupported, "mode {} along {} axes; at most {} can change", mode_,
              axes_.size(), most);
    Dims shape = x_.shape();
    for (const ResizeAxis& axis : axes_) shape[axis.axis] = axis.output;
    return tensor(shape, [&](const Indices& i) { return element(i); });
  }

 private:
  Expr element(const Indices& i) {
    if (mode_ == "nearest") return extrapolated(i, nearest(i), x_.dtype());
    const bool smooth = args_.integer("antialias") != 0;
    Expr value = smooth ? antialiased(i) : interpolated(i, 0);
    value = extrapolated(i, value, real_);
    if (is_float(x_.dtype())) return cast(x_.dtype(), value);
    return cast(x_.dtype(), clamp(round(value), lowest(), highest()));
  }

  double highest() const {
    const DType type = x_.dtype();
    if (type == DType::boolean) return 1;
    return std::ldexp(1.0, bits(type) - (is_signed(type) ? 1 : 0)) - (bits(type) < 32 ? 1 : 0);
  }
  double lowest() const {
    return is_signed(x_.dtype()) ? -std::ldexp(1.0, bits(x_.dtype()) - 1) : 0;
  }

  Expr nearest(const Indices& i) {
    Indices at = i;
    for (const ResizeAxis& axis : axes_)
      at[axis.axis] = axis.nearest(i[axis.axis], args_.text("nearest_mode"), roi(axis));
    return x_.raw(at);
  }

  /// The axes from `from` on, one inside the other; indices of axes before are those of taps.
  Expr interpolated(const Indices& at, size_t from) {
    if (from == axes_.size()) return cast(real_, x_(at));
    const ResizeAxis& axis = axes_[from];
    Expr total;
    for (const Tap& tap : taps(axis, at[axis.axis])) {
      const Expr term = tap.weight * interpolated(with_index(at, axis.axis, tap.index), from + 1);
      total = total.valid() ? total + term : term;
    }
    return total;
  }

  std::vector<Tap> taps(const ResizeAxis& axis, const Expr& i) {
    const ResizePosition position = axis.position(i, real_, roi(axis));
    std::vector<Tap> result;
    const std::vector<Expr> weights =
        mode_ == "linear" ? linear(position.fraction) : cubic(position.fraction);
    const int64_t first = mode_ == "linear" ? 0 : -1;
    Expr total;
    for (size_t k = 0; k < weights.size(); ++k) {
      const Expr at = position.whole + index(first + static_cast<int64_t>(k));
      const Expr weight =
          outside_ ? select(within(at, axis.input), weights[k], constant(real_, 0)) : weights[k];
      total = total.valid() ? total + weight : weight;
      result.push_back({axis.clamped(at), weight});
    }
    if (outside_) {
      for (Tap& tap : result) tap.weight = tap.weight / total;
    }
    return result;
  }

  static std::vector<Expr> linear(const Expr& t) { return {1.0 - t, t}; }

  /// Keys' cubic convolution at distances 1 + t, t, 1 - t, 2 - t.
  std::vector<Expr> cubic(const Expr& t) {
    return {cubic_far(1.0 + t), cubic_near(t), cubic_near(1.0 - t), cubic_far(2.0 - t)};
  }
  Expr cubic_near(const Expr& d) {
    const double a = args_.real("cubic_coeff_a");
    return ((a + 2) * d - (a + 3)) * d * d + 1.0;
  }
  Expr cubic_far(const Expr& d) {
    const double a = args_.real("cubic_coeff_a");
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  }

  /// A filter stretched over as many input elements as one output element stands for.
  Expr antialiased(const Indices& i) {
    Dims extents;
    for (const ResizeAxis& axis : axes_) extents.push_back(axis.footprint(reach()));
    const auto weight = [&](size_t k, const Expr& step, Expr* element) {
      const ResizeAxis& axis = axes_[k];
      const ResizePosition position = axis.position(i[axis.axis], real_, roi(axis));
      const Expr offset = step - dim(axis.footprint(reach()) - 1 - axis.steps(reach()));
      const Expr at = position.whole + offset;
      if (element) *element = axis.clamped(at);
      const Expr distance = abs(cast(real_, offset) - position.fraction) * axis.shrink(real_);
      const Expr value = filter(distance);
      return outside_ ? select(within(at, axis.input), value, constant(real_, 0)) : value;
    };
    Expr total = sum(extents, [&](const Indices& steps) {
      Indices at = i;
      Expr product = constant(real_, 1);
      for (size_t k = 0; k < axes_.size(); ++k)
        product = product * weight(k, steps[k], &at[axes_[k].axis]);
      return product * cast(real_, x_(at));
    });
    for (size_t k = 0; k < axes_.size(); ++k)
      total = total /
              sum({extents[k]}, [&](const Indices& step) { return weight(k, step[0], nullptr); });
    return total;
  }

  /// How far the filter reaches, in output elements.
  int64_t reach() const { return mode_ == "linear" ? 1 : 2; }

  Expr filter(const Expr& d) {
    if (mode_ == "linear") return maximum(1.0 - d, constant(real_, 0));
    return select(d <= 1.0, cubic_near(d), select(d < 2.0, cubic_far(d), constant(real_, 0)));
  }

  /// Start and end of an axis's region for tf_crop_and_resize.
  std::optional<ResizeRegion> roi(const ResizeAxis& axis) {
    if (args_.text("coordinate_transformation_mode") != "tf_crop_and_resize") return {};
    const auto bound = [&](int64_t at) { return cast(real_, args_["roi"]({index(at)})); };
    return ResizeRegion{bound(axis.entry), bound(axis.entry + axis.entries)};
  }

  Expr extrapolated(const Indices& i, Expr value, DType type) {
    for (const ResizeAxis& axis : axes_) {
      if (const auto region = roi(axis)) {
        const Expr inside = axis.inside(i[axis.axis], real_, *region);
        value = select(inside, value, value_of(type, args_.real("extrapolation_value")));
      }
    }
    return value;
  }

  const ComputeArgs& args_;
  Operand x_;
  std::vector<ResizeAxis> axes_;
  std::string mode_;
  DType real_;
  bool outside_;
};

Computed compute_resize(const ComputeArgs& args) {
  const std::string mode = args.text("mode");
  if (mode != "nearest" && mode != "linear" && mode != "cubic") fail("mode {} is not known", mode);
  return Resizer(args).compute();
}

}  // namespace

const std::vector<OpDef>& resize_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Resize",
       .doc = "X with other sizes: the nearest element, or a linear or cubic interpolation of its "
              "neighbours, where coordinate_transformation_mode places an output element in X.",
       .source = "ONNX Resize-19; Keys, Cubic convolution interpolation, 1981",
       .inputs = {{"X", types::movable},
                  {"roi", types::floats, Presence::optional},
                  {"scales", types::floats, Presence::optional, true},
                  {"sizes", types::indices, Presence::optional, true}},
       .outputs = {"Y"},
       .attrs = {{"antialias", int64_t{0}},
                 {"axes"},
                 {"coordinate_transformation_mode", "half_pixel"},
                 {"cubic_coeff_a", -0.75},
                 {"exclude_outside", int64_t{0}},
                 {"extrapolation_value", 0.0},
                 {"keep_aspect_ratio_policy", "stretch"},
                 {"mode", "nearest"},
                 {"nearest_mode", "round_prefer_floor"}},
       .compute = compute_resize,
       .final_type = true,
       .samples = {"X: f32[1,2,4,5], sizes=[1,2,8,7], mode=\"linear\"",
                   "X: f16[1,1,n,4], sizes=[3], axes=[-1], mode=\"cubic\"",
                   "X: f32[1,1,6,6], sizes=[3,4], axes=[2,3], mode=\"linear\", antialias=1",
                   "X: u8[1,1,3,3], sizes=[1,1,6,6]", "X: f32[0,1,2], sizes=[0,1,4]",
                   "X: f32[1], sizes=[1]"}},
  };
  return rows;
}

}  // namespace dlc
