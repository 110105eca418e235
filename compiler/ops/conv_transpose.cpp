// ConvTranspose as a composite of Conv and moves. See conv_transpose.h.
#include "compiler/ops/conv_transpose.h"

#include "compiler/ops/builder.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/window.h"

namespace dlc {
namespace {

/// One spatial axis. Output o = q * stride + r gets, for each tap j, X[q - j] * W[j * stride + r]:
/// a convolution of `taps` elements for each of the `stride` phases r.
struct Phases {
  Dim input;
  int64_t kernel, stride, dilation, span, taps;
  Dim crop_begin, output;
};

/// Elements cut off on both sides, by ONNX's rules for pads, output_shape and auto_pad.
void set_output(Phases& axis, const OpArgs& args, size_t k, size_t axes, int64_t extra) {
  const Dim full = (axis.input - 1) * axis.stride + axis.span + extra;
  const std::string mode = args.text("auto_pad");
  const Ints shape = args.ints("output_shape");
  const bool upper = mode == "SAME_UPPER", same = upper || mode == "SAME_LOWER";
  if (shape.empty() && !same) {
    const Ints pads = mode == "VALID" ? Ints(2 * axes, 0) : per_axis(args, "pads", 2 * axes, 0);
    axis.crop_begin = pads[k];
    axis.output = full - pads[k] - pads[k + axes];
    return;
  }
  axis.output = shape.empty() ? axis.input * axis.stride : Dim(shape[shape.size() - axes + k]);
  const Dim total = full - axis.output;
  axis.crop_begin = upper ? floor_div(total, 2) : total - floor_div(total, 2);
}

std::vector<Phases> make_axes(const OpArgs& args) {
  const Dims spatial = spatial_dims(args.shape("X"), "X");
  const Dims& weights = args.shape("W");
  const size_t axes = spatial.size();
  if (weights.size() != axes + 2) fail("W must have as many axes as X");
  const Ints strides = per_axis(args, "strides", axes, 1),
             dilations = per_axis(args, "dilations", axes, 1);
  const Ints extra = per_axis(args, "output_padding", axes, 0);
  std::vector<Phases> result;
  for (size_t k = 0; k < axes; ++k) {
    if (!weights[k + 2].is_number())
      fail_as(ErrorCode::unsupported,
              "the size of the kernel must be known when the model is compiled");
    Phases axis{.input = spatial[k],
                .kernel = weights[k + 2].number(),
                .stride = strides[k],
                .dilation = dilations[k]};
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1)
      fail("kernel sizes, strides and dilations must be at least 1");
    axis.span = (axis.kernel - 1) * axis.dilation + 1;
    axis.taps = (axis.span + axis.stride - 1) / axis.stride;
    set_output(axis, args, k, axes, extra[k]);
    result.push_back(axis);
  }
  return result;
}

Value reshape(Builder& build, Value x, const Dims& shape) {
  return build("Reshape", {x, build.sizes(shape)}, {{"allowzero", int64_t{1}}});
}

/// Zeros (or, where negative, cuts) before and after the spatial axes.
Value pad_spatial(Builder& build, Value x, const Dims& before, const Dims& after) {
  const size_t fixed = build.shape(x).size() - before.size();
  Dims pads(fixed, 0);
  pads.insert(pads.end(), before.begin(), before.end());
  pads.insert(pads.end(), fixed, Dim(0));
  pads.insert(pads.end(), after.begin(), after.end());
  for (const Dim& pad : pads) {
    if (!(pad == Dim(0))) return build("Pad", {x, build.sizes(pads)});
  }
  return x;
}

/// W [c, m, kernel...] with zeros between its elements: [c, m, span...].
Value dilate(Builder& build, Value w, const std::vector<Phases>& axes) {
  bool dense = true;
  for (const Phases& axis : axes) dense = dense && axis.dilation == 1;
  if (dense) return w;
  const Dim channels = build.shape(w)[0], maps = build.shape(w)[1];
  Dims split = {channels, maps}, merged = split, after = {0, 0}, cut;
  for (const Phases& axis : axes) {
    split.insert(split.end(), {axis.kernel, 1});
    after.insert(after.end(), {0, axis.dilation - 1});
    merged.push_back(axis.kernel * axis.dilation);
    cut.push_back(axis.span - axis.kernel * axis.dilation);
  }
  const Value spread = pad_spatial(build, reshape(build, w, split), Dims(after.size(), 0), after);
  return pad_spatial(build, reshape(build, spread, merged), Dims(cut.size(), 0), cut);
}

/// The kernel of the dense convolution: [m * strides..., c / group, taps...], its taps turned
/// around.
Value phase_kernel(Builder& build, Value w, const std::vector<Phases>& axes, int64_t group) {
  w = dilate(build, w, axes);
  const Dim channels = floor_div(build.shape(w)[0], group), maps = build.shape(w)[1];
  Dims before, after, split = {group, channels, maps}, merged = {maps * group};
  Ints starts, ends, steps, turned, phases, taps;
  for (size_t k = 0; k < axes.size(); ++k) {
    before.emplace_back(0);
    after.emplace_back(axes[k].taps * axes[k].stride - axes[k].span);
    split.insert(split.end(), {axes[k].taps, axes[k].stride});
    const int64_t at = 3 + 2 * static_cast<int64_t>(k);
    turned.push_back(at);
    starts.push_back(-1);
    ends.push_back(INT64_MIN);
    steps.push_back(-1);
    taps.push_back(at);
    phases.push_back(at + 1);
    merged[0] = merged[0] * axes[k].stride;
  }
  merged.push_back(channels);
  for (const Phases& axis : axes) merged.push_back(axis.taps);
  w = reshape(build, pad_spatial(build, w, before, after), split);
  w = build("Slice",
            {w, build.ints(starts), build.ints(ends), build.ints(turned), build.ints(steps)});
  Ints perm = {0, 2};
  perm.insert(perm.end(), phases.begin(), phases.end());
  perm.push_back(1);
  perm.insert(perm.end(), taps.begin(), taps.end());
  return reshape(build, build("Transpose", {w}, {{"perm", perm}}), merged);
}

/// [n, m * strides..., q...] to [n, m, q * stride...].
Value interleave(Builder& build, Value y, const std::vector<Phases>& axes, const Dim& maps) {
  const Dims from = build.shape(y);
  Dims split = {from[0], maps}, merged = split;
  Ints perm = {0, 1};
  const auto count = static_cast<int64_t>(axes.size());
  for (const Phases& axis : axes) split.emplace_back(axis.stride);
  for (int64_t k = 0; k < count; ++k) {
    split.push_back(from[k + 2]);
    merged.push_back(from[k + 2] * axes[k].stride);
    perm.insert(perm.end(), {2 + count + k, 2 + k});
  }
  return reshape(build, build("Transpose", {reshape(build, y, split)}, {{"perm", perm}}), merged);
}

}  // namespace

std::vector<Value> expand_conv_transpose(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs) {
  const std::vector<Phases> axes = make_axes(args);
  const int64_t group = args.integer("group");
  if (group < 1) fail("group must be at least 1");
  const Dim channels = args.shape("X")[1];
  args.require(SizeRule::equal, args.shape("W")[0], channels, "size of W along axis 0");
  if (channels.is_number() && channels.number() % group != 0)
    fail("{} channels cannot be divided into {} groups", channels.number(), group);
  if (args.has("B")) args.expect_shape("B", {args.shape("W")[1] * group});
  const Dim maps = args.shape("W")[1] * group;
  Ints pads;
  bool strided = false;
  for (int side = 0; side < 2; ++side) {
    for (const Phases& axis : axes) pads.push_back(axis.taps - 1);
  }
  for (const Phases& axis : axes) strided = strided || axis.stride > 1;
  const Value kernel = phase_kernel(build, inputs[1], axes, group);
  Value y = build("Conv", {inputs[0], kernel}, {{"group", group}, {"pads", pads}});
  if (strided) y = interleave(build, y, axes, maps);
  Dims before, after;
  for (const Phases& axis : axes) {
    const Dim whole = (axis.input + axis.taps - 1) * axis.stride;
    before.push_back(0 - axis.crop_begin);
    after.push_back(axis.output - (whole - axis.crop_begin));
  }
  y = pad_spatial(build, y, before, after);
  if (!args.has("B")) return {y};
  Dims bias = {maps};
  bias.insert(bias.end(), axes.size(), Dim(1));
  return {build("Add", {y, reshape(build, inputs[2], bias)})};
}

}  // namespace dlc
