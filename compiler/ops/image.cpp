// Rows of ops that read images at positions which another tensor gives, or put patches together.
// Next: runtime/host/roi.h (regions of interest).
#include <algorithm>

#include "compiler/ops/builder.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/window.h"
#include "runtime/host/roi.h"

namespace dlc {
namespace {

/// Reads X at fractional positions, by GridSample's modes.
class Sampler {
 public:
  explicit Sampler(const ComputeArgs& args)
      : x_(args["X"]), mode_(args.text("mode")), padding_(args.text("padding_mode")) {
    corners_ = args.integer("align_corners") != 0;
    real_ = arithmetic_type(x_.dtype());
    if (mode_ != "nearest" && mode_ != "linear" && mode_ != "cubic")
      fail("mode {} is not known", mode_);
    if (padding_ != "zeros" && padding_ != "border" && padding_ != "reflection")
      fail("padding_mode {} is not known", padding_);
    if (x_.shape().size() > 5)
      fail_as(ErrorCode::unsupported, "X has {} axes; at most 3 spatial ones can be sampled",
              x_.shape().size());
  }

  /// `position`: one in [-1, 1] for each spatial axis, in the order of X's axes.
  Expr sample(const Expr& n, const Expr& c, const std::vector<Expr>& position) {
    Indices at = {n, c};
    at.resize(2 + position.size());
    std::vector<Expr> places;
    for (size_t k = 0; k < position.size(); ++k) places.push_back(place(position[k], k));
    return interpolate(at, places, constant_integer(DType::boolean, 1), 0);
  }

 private:
  const Dim& size(size_t axis) const { return x_.shape()[axis + 2]; }

  /// From [-1, 1] to elements of X; moved back into X by the padding mode.
  Expr place(const Expr& given, size_t axis) {
    const Expr length = cast(real_, dim(size(axis)));
    const Expr n = cast(real_, given);
    Expr x = corners_ ? (n + 1.0) / 2.0 * (length - 1.0) : ((n + 1.0) * length - 1.0) / 2.0;
    if (mode_ == "nearest") x = round(x);
    if (padding_ == "border") return clamp(x, constant(real_, 0), length - 1.0);
    return padding_ == "reflection" ? reflected(x, axis) : x;
  }

  /// A triangle wave between the centres (align_corners) or the outer edges of the end elements.
  Expr reflected(const Expr& x, size_t axis) {
    const double low = corners_ ? 0 : -0.5;
    const Expr range = cast(real_, dim(corners_ ? size(axis) - 1 : size(axis)));
    const Expr distance = abs(x - low);
    const Expr along = distance - floor(distance / (range * 2.0)) * (range * 2.0);
    const Expr folded = select(along <= range, along, range * 2.0 - along);
    return select(range > 0.0, folded + low, constant(real_, low));
  }

  /// Element `at` of an axis after padding. `inside` is taken away where there is nothing.
  Expr element(const Expr& at, size_t axis, Expr& inside) {
    Expr moved = at;
    if (padding_ == "reflection") moved = cast(DType::i64, reflected(cast(real_, at), axis));
    if (padding_ == "zeros") inside = inside && within(at, size(axis));
    return clamp(moved, index(0), dim(size(axis) - 1));
  }

  Expr interpolate(const Indices& at, const std::vector<Expr>& places, const Expr& inside,
                   size_t axis) {
    if (axis == places.size()) {
      Expr there = inside;
      for (size_t k = 0; k < places.size(); ++k) {
        if (size(k).lower_bound().value_or(0) < 1) there = there && dim(size(k)) > index(0);
      }
      return select(there, cast(real_, x_(at)), constant(real_, 0));
    }
    const Expr& x = places[axis];
    const Expr whole = mode_ == "nearest" ? x : floor(x);
    const Expr base = cast(DType::i64, whole);
    Expr total;
    const std::vector<Expr> all = weights(x - whole);
    const int64_t first = mode_ == "cubic" ? -1 : 0;
    for (size_t k = 0; k < all.size(); ++k) {
      Expr there = inside;
      const Expr place = element(base + index(first + static_cast<int64_t>(k)), axis, there);
      const Expr value = interpolate(with_index(at, static_cast<int64_t>(axis) + 2, place), places,
                                     there, axis + 1);
      const Expr term = all.size() == 1 ? value : all[k] * value;
      total = total.valid() ? total + term : term;
    }
    return total;
  }

  std::vector<Expr> weights(const Expr& t) const {
    if (mode_ == "nearest") return {constant(real_, 1)};
    if (mode_ == "linear") return {1.0 - t, t};
    constexpr double a = -0.75;
    const auto near = [](const Expr& d) { return ((a + 2) * d - (a + 3)) * d * d + 1.0; };
    const auto far = [](const Expr& d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    return {far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)};
  }

  Operand x_;
  std::string mode_, padding_;
  bool corners_;
  DType real_;
};

Computed compute_grid_sample(const ComputeArgs& args) {
  const Dims &x = args.shape("X"), &grid = args.shape("grid");
  const size_t axes = spatial_dims(x, "X").size();
  if (grid.size() != axes + 2 || !(grid.back() == Dim(static_cast<int64_t>(axes))))
    fail("grid must have {} axes, the last with {} entries", axes + 2, axes);
  args.require(SizeRule::equal, grid[0], x[0], "batches of grid");
  Dims shape = {x[0], x[1]};
  shape.insert(shape.end(), grid.begin() + 1, grid.end() - 1);
  return tensor(shape, [&](const Indices& i) {
    std::vector<Expr> position;
    for (size_t k = 0; k < axes; ++k) {
      Indices at = {i[0]};
      at.insert(at.end(), i.begin() + 2, i.end());
      at.push_back(index(static_cast<int64_t>(axes - 1 - k)));  // the grid has x before y before z
      position.push_back(args["grid"](at));
    }
    const Expr value = Sampler(args).sample(i[0], i[1], position);
    return cast(args.dtype("X"), value);
  });
}

/// Where element i of `size` lies in [-1, 1].
Expr normalized(const Expr& i, const Dim& size, DType real, bool corners) {
  const Expr length = cast(real, dim(size));
  if (!corners) return (cast(real, i) * 2.0 + 1.0) / length - 1.0;
  if (size == Dim(1)) return constant(real, -1);
  return cast(real, i) * 2.0 / (length - 1.0) - 1.0;
}

// grid[n, i..., k] = sum over j of theta[n, k, j] * (x, y, z, 1)[j] of element i.
Computed compute_affine_grid(const ComputeArgs& args) {
  const Dims size = args.values("size");
  if (size.size() != 4 && size.size() != 5)
    fail("size must have 4 or 5 entries, not {}", size.size());
  args.expect_rank("theta", 3);
  const auto axes = static_cast<int64_t>(size.size()) - 2;
  args.expect_shape("theta", {args.shape("theta")[0], axes, axes + 1});
  Dims shape = {args.shape("theta")[0]};
  shape.insert(shape.end(), size.begin() + 2, size.end());
  shape.emplace_back(axes);
  const bool corners = args.integer("align_corners") != 0;
  return tensor(shape, [&](const Indices& i) {
    const Operand theta = args["theta"];
    Expr total = theta({i[0], i.back(), index(axes)});
    for (int64_t j = 0; j < axes; ++j) {
      const int64_t axis = axes - 1 - j;
      const Expr place = normalized(i[1 + axis], size[2 + axis], total.dtype(), corners);
      total = total + theta({i[0], i.back(), index(j)}) * place;
    }
    return total;
  });
}

std::vector<Type> infer_roi_align(const OpArgs& args) {
  args.expect_rank("X", 4);
  args.expect_rank("batch_indices", 1);
  args.expect_shape("rois", {args.shape("batch_indices")[0], 4});
  if (args.text("mode") != "avg" && args.text("mode") != "max")
    fail("mode is {}, but must be avg or max", args.text("mode"));
  return {
      Type::tensor(args.dtype("X"), {args.shape("rois")[0], args.shape("X")[1],
                                     args.integer("output_height"), args.integer("output_width")})};
}

std::vector<Type> infer_max_roi_pool(const OpArgs& args) {
  args.expect_rank("X", 4);
  args.expect_rank("rois", 2);
  args.expect_shape("rois", {args.shape("rois")[0], 5});
  const Ints pooled = args.ints("pooled_shape");
  if (pooled.size() != 2) fail("pooled_shape must have 2 entries");
  return {Type::tensor(args.dtype("X"),
                       {args.shape("rois")[0], args.shape("X")[1], pooled[0], pooled[1]})};
}

// image[n, c, i...] = sum of the patches' elements that lie on i: patch p, element k with
// p * stride + k * dilation - pad = i.
Computed compute_col2im(const ComputeArgs& args) {
  const Ints block = args.ints("block_shape");
  const Dims image = args.values("image_shape"), &input = args.shape("input");
  args.expect_rank("input", 3);
  const Window window = make_window(args, image, block, false);
  const Dim elements = product(window.extents());
  Dims shape = {input[0], floor_div(input[1], elements)};
  shape.insert(shape.end(), image.begin(), image.end());
  common_dim(args, product(window.output), input[2], "size of input along axis 2");
  return tensor(shape, [&](const Indices& i) {
    return sum(window.extents(), [&](const Indices& k) {
      Expr inside = constant_integer(DType::boolean, 1);
      Indices patch;
      for (size_t axis = 0; axis < window.rank(); ++axis) {
        const Expr stride = index(window.strides[axis]);
        const Expr from =
            i[2 + axis] + dim(window.begin[axis]) - k[axis] * index(window.dilations[axis]);
        patch.push_back(floor_div(from, stride));
        inside = inside && within(patch[axis], window.output[axis]);
        if (window.strides[axis] > 1) inside = inside && equal(floor_mod(from, stride), 0);
      }
      const Expr channel = i[1] * dim(elements) + flatten_index(k, window.extents());
      const Expr value = args["input"]({i[0], channel, flatten_index(patch, window.output)});
      return select(inside, value, zero_of(value.dtype()));
    });
  });
}

/// Writes X at its flat positions into zeros, and adds zeros up to output_shape.
std::vector<Value> expand_max_unpool(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const Dims& x = args.shape("X");
  const Dims spatial = spatial_dims(x, "X");
  const Ints kernel = args.ints("kernel_shape"),
             strides = per_axis(args, "strides", spatial.size(), 1);
  const Ints pads = per_axis(args, "pads", 2 * spatial.size(), 0);
  if (kernel.size() != spatial.size())
    fail("kernel_shape has {} entries for {} axes", kernel.size(), spatial.size());
  args.expect_shape("I", x);
  Dims shape = {x[0], x[1]};
  for (size_t k = 0; k < spatial.size(); ++k)
    shape.push_back((spatial[k] - 1) * strides[k] - pads[k] - pads[k + spatial.size()] + kernel[k]);
  const double zero = 0;
  const AttrMap fill = {{"value", Tensor::of(args.dtype("X"), {1}, {&zero, 1})}};
  const Value zeros = build("ConstantOfShape", {build.sizes({product(shape)})}, fill);
  const Value flat = build.ints({-1});
  const Value positions = build("Reshape", {inputs[1], flat}),
              values = build("Reshape", {inputs[0], flat});
  const Value written = build("ScatterElements", {zeros, positions, values});
  const Value y = build("Reshape", {written, build.sizes(shape)});
  if (!args.has("output_shape")) return {y};
  const Dims wanted = args.values("output_shape");
  if (wanted.size() != shape.size())
    fail("output_shape has {} entries, X {} axes", wanted.size(), shape.size());
  Dims border(shape.size(), 0);
  for (size_t k = 0; k < shape.size(); ++k) border.push_back(wanted[k] - shape[k]);
  return {build("Pad", {y, build.sizes(border)})};
}

}  // namespace

const std::vector<OpDef>& image_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "GridSample",
       .doc =
           "X read at the positions in grid, given in [-1, 1] (x first): the nearest element, or a "
           "linear or cubic interpolation; outside zeros, the border, or a reflection.",
       .source = "ONNX GridSample-22",
       .inputs = {{"X", types::floats}, {"grid", types::floats}},
       .outputs = {"Y"},
       .attrs = {{"align_corners", int64_t{0}}, {"mode", "linear"}, {"padding_mode", "zeros"}},
       .compute = compute_grid_sample,
       .final_type = true,
       .samples = {"X: f32[1,2,4,5], grid: f32[1,3,2,2]",
                   "X: f16[n,1,3,3], grid: f16[n,2,2,2], mode=\"cubic\", padding_mode=\"border\"",
                   "X: f32[1,1,2,3,4], grid: f32[1,2,2,2,3], padding_mode=\"reflection\"",
                   "X: f32[0,1,2,2], grid: f32[0,1,1,2], mode=\"nearest\"",
                   "X: f32[1,1,1,1], grid: f32[1,1,1,2], align_corners=1"}},
      {.name = "AffineGrid",
       .doc = "The grid for GridSample that theta's affine maps give for an image of `size`.",
       .source = "ONNX AffineGrid-20",
       .inputs = {{"theta", types::floats}, {"size", types::indices, Presence::required, true}},
       .outputs = {"grid"},
       .attrs = {{"align_corners", int64_t{0}}},
       .compute = compute_affine_grid,
       .samples = {"theta: f32[2,2,3], size=[2,3,4,5]",
                   "theta: f16[n,3,4], size=[1,1,2,2,2], align_corners=1",
                   "theta: f32[0,2,3], size=[0,1,2,2]", "theta: f32[1,2,3], size=[1,1,1,1]"}},
      {.name = "RoiAlign",
       .doc =
           "Each region of X, pooled to output_height x output_width bins from bilinear samples.",
       .source = "ONNX RoiAlign-22; He et al., arXiv 1703.06870",
       .inputs = {{"X", types::floats}, {"rois", types::floats}, {"batch_indices", types::indices}},
       .outputs = {"Y"},
       .attrs = {{"coordinate_transformation_mode", "half_pixel"},
                 {"mode", "avg"},
                 {"output_height", int64_t{1}},
                 {"output_width", int64_t{1}},
                 {"sampling_ratio", int64_t{0}},
                 {"spatial_scale", 1.0}},
       .host = host::roi_align,
       .infer = infer_roi_align,
       .samples =
           {"X: f32[1,2,6,6], rois: f32[3,4], batch_indices=[0,0,0], output_height=2, "
            "output_width=3",
            "X: f16[1,1,4,4], rois: f16[1,4], batch_indices=[0], mode=\"max\", sampling_ratio=2",
            "X: f32[1,1,4,4], rois: f32[0,4], batch_indices: i64[0]"}},
      {.name = "MaxRoiPool",
       .doc = "Each region of X (batch, x1, y1, x2, y2), its maxima in pooled_shape bins.",
       .source = "ONNX MaxRoiPool-22",
       .inputs = {{"X", types::floats}, {"rois", types::floats}},
       .outputs = {"Y"},
       .attrs = {{"pooled_shape", required_attr}, {"spatial_scale", 1.0}},
       .host = host::max_roi_pool,
       .infer = infer_max_roi_pool,
       .samples = {"X: f32[1,2,6,6], rois: f32[1,5]{0, 1, 1, 4, 5}, pooled_shape=[2,2]",
                   "X: f32[1,1,2,2], rois: f32[0,5], pooled_shape=[1,1]"}},
      {.name = "Col2Im",
       .doc = "Puts patches (the columns of input) back into images, adding where they overlap.",
       .source = "ONNX Col2Im-18",
       .inputs = {{"input", types::numbers},
                  {"image_shape", types::indices, Presence::required, true},
                  {"block_shape", types::indices, Presence::required, true}},
       .attrs = {{"dilations"}, {"pads"}, {"strides"}},
       .compute = compute_col2im,
       .samples = {"input: f32[1,5,5], image_shape=[5,5], block_shape=[1,5]",
                   "input: f16[n,4,4], image_shape=[3,3], block_shape=[2,2]",
                   "input: f32[0,1,4], image_shape=[2,2], block_shape=[1,1]"}},
      {.name = "MaxUnpool",
       .doc = "Zeros, but the elements of X at the places that I says: the other way of MaxPool.",
       .source = "ONNX MaxUnpool-22",
       .inputs = {{"X", types::floats},
                  {"I", types::indices},
                  {"output_shape", types::indices, Presence::optional, true}},
       .attrs = {{"kernel_shape", required_attr}, {"pads"}, {"strides"}},
       .expand = expand_max_unpool,
       .samples =
           {"X: f32[1,1,2,2], I: i64[1,1,2,2]{5, 7, 13, 15}, kernel_shape=[2,2], strides=[2,2]",
            "X: f32[1,1,1], I: i64[1,1,1]{0}, kernel_shape=[1]"}},
  };
  return rows;
}

}  // namespace dlc
