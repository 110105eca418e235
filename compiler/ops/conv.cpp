// Rows of the convolutions.
// Next: compiler/ops/window.h (strides and borders), conv_transpose.cpp.
#include "compiler/ops/conv_transpose.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"
#include "compiler/ops/window.h"

namespace dlc {
namespace {

/// The kernel's sizes, which must be known and agree with attribute kernel_shape.
Ints kernel_sizes(const OpArgs& args) {
  Ints kernel;
  const Ints given = args.ints("kernel_shape");
  for (const Dim& size : spatial_dims(args.shape("W"), "W")) {
    const size_t k = kernel.size();
    if (!size.is_number() && k >= given.size())
      fail_as(ErrorCode::unsupported,
              "the size of the kernel must be known when the model is compiled");
    kernel.push_back(size.is_number() ? size.number() : given[k]);
    if (k < given.size() && given[k] != kernel[k])
      fail("kernel_shape is {} on axis {}, but W has {}", given[k], k, kernel[k]);
  }
  return kernel;
}

Window conv_window(const OpArgs& args) {
  return make_window(args, spatial_dims(args.shape("X"), "X"), kernel_sizes(args), false);
}

void check_channels(const OpArgs& args) {
  const size_t axes = spatial_dims(args.shape("X"), "X").size();
  if (spatial_dims(args.shape("W"), "W").size() != axes)
    fail("W has {} spatial axes, but X has {}", args.rank("W") - 2, axes);
  const Dim &x = args.shape("X")[1], &w = args.shape("W")[1], &maps = args.shape("W")[0];
  const int64_t group = args.integer("group");
  if (group < 1) fail("group must be at least 1");
  if (x.is_number() && w.is_number() && x.number() != w.number() * group)
    fail("X has {} channels but W expects {} in {} groups; ONNX is NCHW", x.number(),
         w.number() * group, group);
  if (maps.is_number() && maps.number() % group != 0)
    fail("{} output channels cannot be divided into {} groups", maps.number(), group);
  args.require(SizeRule::equal, x, w * group, "channels of X");
  args.require(SizeRule::equal, modulo(maps, group), 0, "output channels beyond whole groups");
  if (args.has("B")) args.expect_shape("B", {maps});
}

// Y[n, m, o...] = B[m] + sum over c, k... of X[n, c of m's group, o * stride + k * dilation - pad]
// * W[m, c, k]
Computed compute_conv(const ComputeArgs& args) {
  require_one_type(args);
  check_channels(args);
  const Window window = conv_window(args);
  const Dims& weights = args.shape("W");
  const Dim maps_per_group = floor_div(weights[0], args.integer("group"));
  Dims shape = {args.shape("X")[0], weights[0]};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  Dims reduced = {weights[1]};
  for (int64_t size : window.kernel) reduced.push_back(size);
  return tensor(shape, [&](const Indices& i) {
    const Expr group = floor_div(i[1], dim(maps_per_group));
    const Expr total = sum(reduced, [&](const Indices& j) {
      const Indices at =
          window.positions(Indices(i.begin() + 2, i.end()), Indices(j.begin() + 1, j.end()));
      Indices x = {i[0], group * dim(weights[1]) + j[0]}, w = {i[1]};
      x.insert(x.end(), at.begin(), at.end());
      w.insert(w.end(), j.begin(), j.end());
      const Expr element = args["X"](x);
      return select(window.inside(at), element, zero_of(element.dtype())) * args["W"](w);
    });
    return args.has("B") ? total + args["B"]({i[1]}) : total;
  });
}

Contraction conv_contraction(const OpArgs& args) {
  const Window window = conv_window(args);
  Contraction result{.kind = Contraction::Kind::convolution, .bias = args.has("B") ? 2 : -1};
  result.strides = window.strides;
  result.dilations = window.dilations;
  result.group = args.integer("group");
  for (size_t k = 0; k < window.rank(); ++k) {
    if (!window.begin[k].is_number() || !window.end[k].is_number())
      fail_as(ErrorCode::unsupported,
              "auto_pad with strides needs known sizes; give them with --shape");
    result.pads_begin.push_back(window.begin[k].number());
    result.pads_end.push_back(window.end[k].number());
  }
  return result;
}

Contraction exact_contraction(const OpArgs& args) {
  Contraction result = conv_contraction(args);
  result.exact = true;
  return result;
}

// The value of X at a fractional position: bilinear, with zeros outside.
Expr bilinear(const Operand& x, const Expr& n, const Expr& c, const Expr& y_at, const Expr& x_at) {
  const Expr y_floor = floor(y_at), x_floor = floor(x_at);
  const Expr y_part = y_at - y_floor, x_part = x_at - x_floor;
  const Expr row = cast(DType::i64, y_floor), column = cast(DType::i64, x_floor);
  Expr total = constant(y_at.dtype(), 0);
  for (int64_t dy = 0; dy < 2; ++dy) {
    for (int64_t dx = 0; dx < 2; ++dx) {
      const Expr h = row + index(dy), w = column + index(dx);
      const Expr weight = (dy ? y_part : 1.0 - y_part) * (dx ? x_part : 1.0 - x_part);
      const Expr inside = within(h, x.shape()[2]) && within(w, x.shape()[3]);
      total = total + select(inside, weight * x({n, c, h, w}), constant(y_at.dtype(), 0));
    }
  }
  return total;
}

void check_offset_groups(const OpArgs& args, const Dim& channels) {
  const int64_t groups = args.integer("offset_group");
  if (groups < 1) fail("offset_group must be at least 1");
  if (channels.is_number() && channels.number() % groups != 0)
    fail("{} channels cannot be divided into {} offset groups", channels.number(), groups);
}

// As Conv, but element (kh, kw) of a window is read at its place plus offset[n, 2 * k + (0, 1),
// o...].
Computed compute_deform_conv(const ComputeArgs& args) {
  require_one_type(args);
  args.expect_rank("X", 4);
  check_channels(args);
  const Window window = conv_window(args);
  const Dims& weights = args.shape("W");
  const Dim maps_per_group = floor_div(weights[0], args.integer("group"));
  const int64_t kernel_elements = window.kernel[0] * window.kernel[1];
  const Dims shape = {args.shape("X")[0], weights[0], window.output[0], window.output[1]};
  const Dim &channels = args.shape("X")[1], places = args.integer("offset_group") * kernel_elements;
  check_offset_groups(args, channels);
  const Dim channels_per_offset = floor_div(channels, args.integer("offset_group"));
  args.expect_shape("offset", {shape[0], 2 * places, shape[2], shape[3]});
  if (args.has("mask")) args.expect_shape("mask", {shape[0], places, shape[2], shape[3]});
  const DType real = arithmetic_type(args.dtype("X"));
  return tensor(shape, [&](const Indices& i) {
    const Expr group = floor_div(i[1], dim(maps_per_group));
    const Expr total = sum({weights[1], window.kernel[0], window.kernel[1]}, [&](const Indices& j) {
      const Expr channel = group * dim(weights[1]) + j[0];
      const Expr offset_group = floor_div(channel, dim(channels_per_offset));
      const Expr element = j[1] * index(window.kernel[1]) + j[2];
      const Expr pair = offset_group * index(kernel_elements) + element;
      const Indices at = window.positions({i[2], i[3]}, {j[1], j[2]});
      const auto moved_to = [&](int64_t axis) {
        const Expr offset = args["offset"]({i[0], pair * index(2) + index(axis), i[2], i[3]});
        return cast(real, at[axis]) + offset;
      };
      const Expr value = bilinear(args["X"], i[0], channel, moved_to(0), moved_to(1));
      const Expr weighted = value * args["W"]({i[1], j[0], j[1], j[2]});
      return args.has("mask") ? weighted * args["mask"]({i[0], pair, i[2], i[3]}) : weighted;
    });
    return args.has("B") ? total + args["B"]({i[1]}) : total;
  });
}

}  // namespace

const std::vector<OpDef>& conv_ops() {
  static const std::vector<AttrSpec> conv_attrs = {
      {"auto_pad", "NOTSET"}, {"dilations"}, {"group", int64_t{1}},
      {"kernel_shape"},       {"pads"},      {"strides"}};
  static const std::vector<OpDef> rows = {
      {.name = "Conv",
       .doc =
           "Convolution: each output element is the sum of a window of X times the kernel W of its "
           "channel, plus B. Sums in f32 or wider.",
       .source = "ONNX Conv-22",
       .inputs = {{"X", types::floats},
                  {"W", types::floats},
                  {"B", types::floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = conv_attrs,
       .compute = compute_conv,
       .contraction = conv_contraction,
       .samples =
           {"X: f32[1,4,5,6], W: f32[6,2,3,3], B: f32[6], group=2, pads=[1,1,1,1], strides=[2,1]",
            "X: f32[2,3,9], W: f32[4,3,3], dilations=[2], auto_pad=\"SAME_UPPER\"",
            "X: f32[n,2,4,4,4], W: f32[3,2,2,2,2]", "X: f16[1,2,5,5], W: f16[2,1,3,3], group=2",
            "X: f32[0,1,3], W: f32[1,1,3]", "X: f32[1,2,4,4], W: f32[0,2,3,3]",
            "X: f32[1,1,1], W: f32[1,1,1]"}},
      {.name = "dlc.ConvExact",
       .doc = "Conv of integers in f32 whose sums are below 2^24, so that all of them are exact.",
       .source = "ONNX ConvInteger-10",
       .inputs = {{"X", one(DType::f32)},
                  {"W", one(DType::f32)},
                  {"B", one(DType::f32), Presence::optional}},
       .outputs = {"Y"},
       .attrs = conv_attrs,
       .compute = compute_conv,
       .contraction = exact_contraction,
       .samples = {"X: f32[1,4,5,6], W: f32[6,2,3,3], group=2, pads=[1,1,1,1], strides=[2,1]",
                   "X: f32[1,1,1], W: f32[1,1,1]", "X: f32[0,1,3], W: f32[1,1,3]"}},
      {.name = "ConvTranspose",
       .doc = "The transpose of a convolution: each element of X adds its value times the kernel W "
              "to a "
              "window of the output.",
       .source = "ONNX ConvTranspose-22",
       .inputs = {{"X", types::floats},
                  {"W", types::floats},
                  {"B", types::floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"dilations"},
                 {"group", int64_t{1}},
                 {"kernel_shape"},
                 {"output_padding"},
                 {"output_shape"},
                 {"pads"},
                 {"strides"}},
       .expand = expand_conv_transpose,
       .samples =
           {"X: f32[1,4,3,4], W: f32[4,3,3,3], B: f32[6], group=2, strides=[2,1], pads=[1,0,1,0]",
            "X: f32[2,3,5], W: f32[3,2,3], dilations=[2], output_padding=[1], strides=[3]",
            "X: f32[n,2,4,4], W: f32[2,3,2,2], strides=[2,2]", "X: f16[1,2,5], W: f16[2,1,3]",
            "X: f32[0,1,3], W: f32[1,1,3]", "X: f32[1,1,1], W: f32[1,1,1]"}},
      {.name = "DeformConv",
       .doc =
           "A convolution whose kernel elements are read at places moved by `offset`, between the "
           "elements of X (bilinear, zeros outside), and weighted by `mask`.",
       .source = "ONNX DeformConv-22, two spatial axes",
       .inputs = {{"X", types::floats},
                  {"W", types::floats},
                  {"offset", types::floats},
                  {"B", types::floats, Presence::optional},
                  {"mask", types::floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"dilations"},
                 {"group", int64_t{1}},
                 {"kernel_shape"},
                 {"offset_group", int64_t{1}},
                 {"pads"},
                 {"strides"}},
       .compute = compute_deform_conv,
       .samples = {"X: f32[1,2,4,4], W: f32[3,2,2,2], offset: f32[1,8,3,3], mask: f32[1,4,3,3]",
                   "X: f16[n,1,3,3], W: f16[1,1,1,1], offset: f16[n,2,3,3]",
                   "X: f32[0,1,2,2], W: f32[1,1,1,1], offset: f32[0,2,2,2]"}},
  };
  return rows;
}

}  // namespace dlc
