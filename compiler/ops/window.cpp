// Sliding windows. See window.h.
#include "compiler/ops/window.h"

#include "compiler/ops/index_math.h"

namespace dlc {
namespace {

constexpr int64_t largest_entry = int64_t{1} << 31;

/// How many windows begin in the input or in the border before it, by ONNX's rules for ceil_mode.
Dim window_count(const Dim& covered, const Dim& started, int64_t stride, bool ceil_mode) {
  if (!ceil_mode) return at_least(floor_div(covered, stride) + 1, 0);
  // A last window that would begin in the border after the input is left out.
  return at_least(at_most(ceil_div(covered, stride) + 1, ceil_div(started, stride)), 0);
}

void set_same_padding(Window& window, size_t axis, bool upper) {
  const Dim& size = window.input[axis];
  const int64_t stride = window.strides[axis], span = window.span(axis);
  window.output[axis] = ceil_div(size, stride);
  const Dim total =
      stride == 1 ? Dim(span - 1) : at_least((window.output[axis] - 1) * stride + span - size, 0);
  const Dim half = floor_div(total, 2);
  window.begin[axis] = upper ? half : total - half;
  window.end[axis] = upper ? total - half : half;
}

std::string border_mode(const OpArgs& args) {
  for (const AttrSpec& attr : args.def().attrs) {
    if (attr.name == "auto_pad") return args.text("auto_pad");
  }
  return "NOTSET";
}

void check(const Window& window, size_t axis) {
  if (window.kernel[axis] < 1 || window.strides[axis] < 1 || window.dilations[axis] < 1)
    fail("kernel sizes, strides and dilations must be at least 1");
}

}  // namespace

Expr Window::first(const Indices& window, size_t axis) const {
  return window[axis] * index(strides[axis]) - dim(begin[axis]);
}

Indices Window::positions(const Indices& window, const Indices& element) const {
  Indices at;
  for (size_t k = 0; k < rank(); ++k)
    at.push_back(first(window, k) + element[k] * index(dilations[k]));
  return at;
}

bool Window::leaves_input(size_t axis) const {
  if (!(0 - begin[axis]).is_non_negative()) return true;
  if (complete && (0 - end[axis]).is_non_negative()) return false;
  const Dim after_last = (output[axis] - 1) * strides[axis] + span(axis) - begin[axis];
  return !(input[axis] - after_last).is_non_negative();
}

Expr Window::inside(const Indices& positions) const {
  Expr result = constant_integer(DType::boolean, 1);
  for (size_t k = 0; k < rank(); ++k) {
    if (leaves_input(k)) result = result && within(positions[k], input[k]);
  }
  return result;
}

Expr Window::count(const Indices& window, bool border) const {
  Expr total = index(1);
  for (size_t k = 0; k < rank(); ++k) {
    const Expr start = first(window, k);
    const Dim low = border ? 0 - begin[k] : Dim(0);
    const Dim high = border ? input[k] + end[k] : input[k];
    const Expr from = maximum(ceil_div(dim(low) - start, dilations[k]), index(0));
    const Expr to = minimum(ceil_div(dim(high) - start, dilations[k]), index(kernel[k]));
    total = total * maximum(to - from, index(0));
  }
  return total;
}

Ints per_axis(const OpArgs& args, std::string_view attr, size_t axes, int64_t fallback) {
  Ints values = args.ints(attr);
  if (values.empty()) return Ints(axes, fallback);
  if (values.size() != axes)
    fail("attribute {} has {} entries for {} axes", attr, values.size(), axes);
  for (const int64_t value : values) {
    // Sums and products of such numbers must stay far from overflow.
    if (value > largest_entry || value < -largest_entry)
      fail("attribute {} has an entry of {}", attr, value);
  }
  return values;
}

Dims spatial_dims(const Dims& shape, std::string_view what) {
  if (shape.size() < 3) fail("{} must have at least 3 axes, not {}", what, shape.size());
  return Dims(shape.begin() + 2, shape.end());
}

Window make_window(const OpArgs& args, const Dims& spatial, const Ints& kernel, bool ceil_mode) {
  const size_t axes = spatial.size();
  if (kernel.size() != axes) fail("a kernel of {} axes on {} spatial axes", kernel.size(), axes);
  for (const int64_t size : kernel)
    if (size > largest_entry) fail("a kernel of {} elements is too large", size);
  Window window{.input = spatial, .kernel = kernel, .complete = !ceil_mode};
  window.strides = per_axis(args, "strides", axes, 1);
  window.dilations = per_axis(args, "dilations", axes, 1);
  window.begin = window.end = window.output = Dims(axes, 0);
  const std::string mode = border_mode(args);
  const bool upper = mode == "SAME_UPPER", same = upper || mode == "SAME_LOWER";
  if (!same && mode != "NOTSET" && mode != "VALID" && !mode.empty())
    fail("auto_pad {} is not known", mode);
  const Ints pads = mode == "VALID" ? Ints(2 * axes, 0) : per_axis(args, "pads", 2 * axes, 0);
  for (size_t k = 0; k < axes; ++k) {
    check(window, k);
    if (same) {
      set_same_padding(window, k, upper);
      continue;
    }
    window.begin[k] = pads[k];
    window.end[k] = pads[k + axes];
    const Dim covered = spatial[k] + pads[k] + pads[k + axes] - window.span(k);
    if (spatial[k].as_number().value_or(0) > 0 && covered.as_number().value_or(0) < 0) {
      fail(
          "windows of {} elements do not fit into axis {} of X, which has {} and pads of {} and {}",
          window.span(k), k + 2, spatial[k].number(), pads[k], pads[k + axes]);
    }
    args.require(SizeRule::at_most, minimum(spatial[k], 1) * window.span(k),
                 spatial[k] + pads[k] + pads[k + axes],
                 fmt::format("elements of a window along axis {}", k + 2));
    window.output[k] = window_count(covered, spatial[k] + pads[k], window.strides[k], ceil_mode);
  }
  return window;
}

}  // namespace dlc
