// Quantized numbers: QuantizeLinear, DequantizeLinear and the ops that are made of them.
// Scales and zero points are per tensor, per axis or per block of an axis.
#include "compiler/ops/cast_real.h"
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace dlc {
namespace {

using types::floats;
constexpr DTypes bytes = one(DType::i8) | one(DType::u8);
constexpr DTypes f8 =
    one(DType::f8e4m3fn) | one(DType::f8e4m3fnuz) | one(DType::f8e5m2) | one(DType::f8e5m2fnuz);
constexpr DTypes quantized =
    bytes | one(DType::i16) | one(DType::u16) | types::small_ints | f8 | one(DType::f4e2m1);
constexpr DTypes scales = floats | one(DType::f8e8m0);

/// Where the scale of the element at `at` of a tensor of that shape stands.
Indices scale_place(const OpArgs& a, const Dims& scale, const Dims& shape, const Indices& at) {
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t block = a.integer("block_size");
  if (block > 0) {
    if (scale.size() != shape.size())
      fail("the scale has rank {}, but must have {} for blocks", scale.size(), shape.size());
    const int64_t axis = a.axis("axis", rank);
    Dims blocks = shape;
    blocks[axis] = ceil_div(shape[axis], block);
    for (int64_t k = 0; k < rank; ++k)
      a.require(SizeRule::equal, scale[k], blocks[k], fmt::format("scales along axis {}", k));
    Indices place = at;
    place[axis] = floor_div(at[axis], index(block));
    return place;
  }
  if (scale.empty()) return {};
  if (scale.size() > 1) fail("the scale has rank {}, which needs a block_size", scale.size());
  if (scale[0] == Dim(1)) return {index(0)};
  const int64_t axis = a.axis("axis", rank);
  expect_broadcast_to(a, scale, {shape[axis]}, "the scale");
  return broadcast_indices({at[axis]}, {shape[axis]}, scale);
}

/// The range of an integer type of at most 16 bits.
struct Range {
  double low, high;
};
Range range_of(DType type) {
  const double size = std::ldexp(1, bits(type));
  if (is_signed(type)) return {-size / 2, size / 2 - 1};
  return {0, size - 1};
}

DType quantized_type(const OpArgs& a) {
  DType type = DType::u8;
  if (a.integer("output_dtype") != 0) type = a.element_type("output_dtype");
  if (a.has("y_zero_point")) type = a.dtype("y_zero_point");
  if (!(one(type) & quantized)) fail("{} is no type to quantize to", name(type));
  return type;
}

/// In which type x is divided by the scale.
DType quotient_type(const OpArgs& a) {
  DType type = a.dtype("y_scale");
  if (a.integer("precision") != 0) type = a.element_type("precision");
  if (type == DType::f8e8m0) type = DType::f32;
  if (!(one(type) & floats))
    fail_as(ErrorCode::unsupported, "quantization with a precision of {}", name(type));
  return type;
}

/// x / scale and what follows are two ops, so that the quotient is rounded before it meets a tie.
std::vector<Value> expand_quantize(const OpArgs& a, Builder& build, std::span<const Value> inputs) {
  const DType type = quantized_type(a);
  const AttrMap place = {{"axis", a.integer("axis")}, {"block_size", a.integer("block_size")}};
  AttrMap divide = place, round = place;
  divide["to"] = static_cast<int64_t>(quotient_type(a));
  round["to"] = static_cast<int64_t>(type);
  round["saturate"] = a.integer("saturate");
  const Value quotient = build("dlc.DivideByScale", {inputs[0], inputs[1]}, std::move(divide));
  const Value zero = a.has("y_zero_point") ? inputs[2] : Value();
  return {build("dlc.RoundToSteps", {quotient, zero}, std::move(round))};
}

/// x / scale, both and the result in the type `to`
Computed divide_by_scale(const ComputeArgs& a) {
  const Operand x = a["x"], scale = a["scale"];
  const DType type = a.element_type("to");
  const auto rounded = [&](const Expr& e) { return cast(arithmetic_type(type), cast(type, e)); };
  return tensor(x.shape(), [&](const Indices& i) {
    const Expr divisor = scale(scale_place(a, scale.shape(), x.shape(), i));
    return cast(type, rounded(x(i)) / rounded(divisor));
  });
}

/// saturate(round(x) + zero_point); floating-point types are not rounded to integers first. NaN
/// gives the lowest integer.
Computed round_to_steps(const ComputeArgs& a) {
  const Operand x = a["x"];
  const DType type = a.element_type("to");
  return tensor(x.shape(), [&](const Indices& i) {
    Expr value = is_integer(type) ? round(x(i)) : x(i);
    if (a.has("zero_point")) {
      const Operand zero = a["zero_point"];
      value = value + cast(value.dtype(), zero(scale_place(a, zero.shape(), x.shape(), i)));
    }
    if (!is_integer(type)) return cast_real(type, value, a.integer("saturate") != 0);
    const Range range = range_of(type);
    const Expr low = constant(value.dtype(), range.low);
    return cast(type,
                minimum(select(value > low, value, low), constant(value.dtype(), range.high)));
  });
}

/// y = (x - zero_point) * scale, in the output's type or wider, rounded once
Computed dequantize(const ComputeArgs& a) {
  const Operand x = a["x"], scale = a["x_scale"];
  DType type = scale.dtype();
  if (a.integer("output_dtype") != 0) type = a.element_type("output_dtype");
  if (!(one(type) & floats)) fail("{} is no type to dequantize to", name(type));
  const DType wide = arithmetic_type(type);
  const DType difference = is_integer(x.dtype()) ? DType::i32 : DType::f32;
  return tensor(x.shape(), [&](const Indices& i) {
    Expr value = cast(difference, x(i));
    if (a.has("x_zero_point")) {
      const Operand zero = a["x_zero_point"];
      const Expr offset = zero(scale_place(a, zero.shape(), x.shape(), i));
      value = value - cast(difference, offset);
    }
    const Expr factor = scale(scale_place(a, scale.shape(), x.shape(), i));
    return cast(type, cast(wide, value) * cast(wide, factor));
  });
}

/// The scale and zero point that make the range of x and 0 the 256 steps of u8.
std::vector<Value> expand_dynamic(const OpArgs&, Builder& build, std::span<const Value> inputs) {
  const Term x(build, inputs[0]);
  const Term zero(build, build.scalar(DType::f32, 0)), last(build, build.scalar(DType::f32, 255));
  const AttrMap to_scalar = {{"keepdims", int64_t{0}}};
  const Term high = apply("Max", apply("ReduceMax", x, to_scalar), zero);
  const Term low = apply("Min", apply("ReduceMin", x, to_scalar), zero);
  const Term scale = (high - low) / last;
  const Term unit(build, build.scalar(DType::f32, 1));
  const Term divisor = select(apply("Equal", scale, zero), unit, scale);  // all of x is 0
  const Term rounded = apply("Round", (zero - low) / divisor);
  const Term point = cast(DType::u8, {build, build("Clip", {rounded, zero, last})});
  return {build("QuantizeLinear", {x, divisor, point}), scale, point};
}

/// A scale per row of the left operand ([m]) as a column, so that it broadcasts with the product.
Term per_row(const Term& scale) {
  if (scale.rank() != 1 || scale.shape()[0] == Dim(1)) return scale;
  return append_axes(scale, 1);
}

std::vector<Value> expand_quantized_matmul(const OpArgs&, Builder& build,
                                           std::span<const Value> inputs) {
  const Term a_scale = widen({build, inputs[1]}), b_scale = widen({build, inputs[4]});
  const Term product(build, build("MatMulInteger", {inputs[0], inputs[3], inputs[2], inputs[5]}));
  const Term real = cast(DType::f32, product) * (per_row(a_scale) * b_scale);
  return {build("QuantizeLinear", {real, widen({build, inputs[6]}), inputs[7]})};
}

constexpr std::string_view window_attrs[] = {"auto_pad",     "dilations", "group",
                                             "kernel_shape", "pads",      "strides"};

/// A value per output channel ([m] or one for all) next to a convolution's weights or results,
/// whose channels are followed by `axes` more.
Term per_channel(const Term& x, int64_t axes) {
  if (x.rank() == 0 || x.shape()[0] == Dim(1)) return reshape(x, {});
  return append_axes(x, axes);
}

/// The greatest size of a byte less its zero point (`zero`: the input's name).
int64_t greatest_size(const OpArgs& a, DType type, std::string_view zero) {
  const Tensor* known = a.has(zero) ? a.constant(zero) : nullptr;
  const bool is_zero =
      !a.has(zero) ||
      (known && std::ranges::all_of(known->to_ints(), [](int64_t z) { return z == 0; }));
  return type == DType::i8 && is_zero ? 128 : 255;
}

/// Input channels whose sums of products f32 holds exactly; 0: not even one, or it is not known.
int64_t exact_channels(const Term& w, int64_t greatest_product) {
  constexpr int64_t exact = 1 << 24;
  int64_t taps = 1;
  for (int64_t axis = 2; axis < w.rank(); ++axis) {
    if (!w.shape()[axis].is_number()) return 0;
    taps = std::clamp<int64_t>(taps * w.shape()[axis].number(), 1, exact);
  }
  return exact / (taps * greatest_product);
}

Term channels(const Term& x, int64_t begin, int64_t end) {
  Builder& build = x.build();
  return {build,
          build("Slice", {x, build.ints({begin}), build.ints({end}), build.ints({int64_t{1}})})};
}

/// The convolution of integers less their zero points, in i32. Convolutions in f32 are the fastest;
/// where one would not hold all sums exactly, each takes as many channels as it can. Otherwise f64
/// does.
Term convolve_integers(const OpArgs& a, const Term& x, const Term& w,
                       const std::array<Value, 2>& zeros) {
  Builder& build = x.build();
  AttrMap attrs;
  for (std::string_view name : window_attrs) {
    if (const Attr* given = a.attr(name)) attrs.emplace(name, *given);
  }
  const auto shifted = [&](DType type, const Term& value, Value zero, int64_t axes) {
    const Term real = cast(type, value);
    if (!zero.valid()) return real;
    const Term given(build, zero);
    if (given.rank() > 1) fail("a zero point has rank {}, but must have 0 or 1", given.rank());
    return real - cast(type, per_channel(given, axes));
  };
  const auto convolve = [&](std::string_view op, const Term& all_x, const Term& all_w) {
    return cast(DType::i32, Term(build, build(std::string(op), {all_x, all_w}, attrs)));
  };
  const int64_t most = exact_channels(
      w, greatest_size(a, x.dtype(), "x_zero_point") * greatest_size(a, w.dtype(), "w_zero_point"));
  const Dim own = w.rank() > 1 ? w.shape()[1] : Dim(1);
  const bool fits = own.is_number() && own.number() <= most;
  const bool in_parts = own.is_number() && most > 0 && a.integer("group") == 1;
  const DType type = fits || in_parts ? DType::f32 : DType::f64;
  const Term real_x = shifted(type, x, zeros[0], 0);
  const Term real_w = shifted(type, w, zeros[1], w.rank() - 1);
  if (fits) return convolve("dlc.ConvExact", real_x, real_w);
  if (!in_parts) return convolve("Conv", real_x, real_w);
  std::optional<Term> sum;
  for (int64_t begin = 0; begin < own.number(); begin += most) {
    const int64_t end = std::min(begin + most, own.number());
    const Term part =
        convolve("dlc.ConvExact", channels(real_x, begin, end), channels(real_w, begin, end));
    sum = sum ? *sum + part : part;
  }
  return *sum;
}

std::vector<Value> expand_conv_integer(const OpArgs& a, Builder& build,
                                       std::span<const Value> inputs) {
  const auto input = [&](size_t k) { return k < inputs.size() ? inputs[k] : Value(); };
  return {convolve_integers(a, {build, inputs[0]}, {build, inputs[1]}, {input(2), input(3)})};
}

std::vector<Value> expand_quantized_conv(const OpArgs& a, Builder& build,
                                         std::span<const Value> inputs) {
  const auto input = [&](size_t k) { return Term(build, inputs[k]); };
  Term sums = convolve_integers(a, input(0), input(3), {inputs[2], inputs[5]});
  const int64_t axes = sums.rank() - 2;
  if (a.has("B")) sums = sums + per_channel(input(8), axes);
  const Term scale = per_channel(reshape(input(1), {}) * input(4), axes);
  return {build("QuantizeLinear", {cast(DType::f32, sums) * scale, inputs[6], inputs[7]})};
}

}  // namespace

const std::vector<OpDef>& quantization_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "QuantizeLinear",
       .doc = "y = saturate(round(x / y_scale) + y_zero_point), ties to even, with one scale for "
              "all, one for each place on `axis`, or one for each block_size places.",
       .source = "ONNX QuantizeLinear-28",
       .inputs = {{"x", floats | one(DType::i32)},
                  {"y_scale", scales},
                  {"y_zero_point", quantized, Presence::optional}},
       .attrs =
           {{"axis", 1}, {"block_size", 0}, {"output_dtype", 0}, {"precision", 0}, {"saturate", 1}},
       .expand = expand_quantize,
       .samples = {"x: f32[2,3], y_scale: f32[], y_zero_point: u8[]",
                   "x: f32[2,3], y_scale: f32[3], y_zero_point: i8[3], axis=-1",
                   "x: f32[4,6], y_scale: f32[4,2], block_size=3", "x: f16[3], y_scale: f16[]",
                   "x: f32[3], y_scale: f32[], output_dtype=5", "x: f32[1], y_scale: f32[1]",
                   "x: f32[0], y_scale: f32[]"}},
      {.name = "dlc.DivideByScale",
       .doc = "x / scale in the element type `to`, with scales as in QuantizeLinear.",
       .source = "ONNX QuantizeLinear-28",
       .inputs = {{"x", floats | one(DType::i32)}, {"scale", scales}},
       .attrs = {{"axis", 1}, {"block_size", 0}, {"to", required_attr}},
       .compute = divide_by_scale,
       .final_type = true,
       .samples = {"x: f32[2,3], scale: f32[], to=1", "x: f16[2,3], scale: f16[3], axis=-1, to=10",
                   "x: f32[1], scale: f32[1], to=1", "x: f32[0], scale: f32[], to=1"}},
      {.name = "dlc.RoundToSteps",
       .doc = "saturate(round(x) + zero_point) in the element type `to`, ties to even, with zero "
              "points as in QuantizeLinear.",
       .source = "ONNX QuantizeLinear-28",
       .inputs = {{"x", floats}, {"zero_point", quantized, Presence::optional}},
       .attrs = {{"axis", 1}, {"block_size", 0}, {"saturate", 1}, {"to", required_attr}},
       .compute = round_to_steps,
       .final_type = true,
       .samples = {"x: f32[2,3], zero_point: u8[], to=2", "x: f16[2,3], zero_point: i8[3], to=3",
                   "x: f32[1], to=5", "x: f32[0], to=2"}},
      {.name = "DequantizeLinear",
       .doc = "y = (x - x_zero_point) * x_scale, with scales as in QuantizeLinear.",
       .source = "ONNX DequantizeLinear-28",
       .inputs = {{"x", quantized | one(DType::i32)},
                  {"x_scale", scales},
                  {"x_zero_point", quantized | one(DType::i32), Presence::optional}},
       .attrs = {{"axis", 1}, {"block_size", 0}, {"output_dtype", 0}},
       .compute = dequantize,
       .final_type = true,
       .samples = {"x: u8[2,3], x_scale: f32[], x_zero_point: u8[]",
                   "x: i8[2,3], x_scale: f32[3], x_zero_point: i8[3], axis=-1",
                   "x: i16[4,6], x_scale: f32[4,2], block_size=3", "x: i32[3], x_scale: f16[]",
                   "x: u8[1], x_scale: f32[1], output_dtype=10", "x: i8[0], x_scale: f32[]"}},
      {.name = "DynamicQuantizeLinear",
       .doc = "x in u8 steps of y_scale = (max(x, 0) - min(x, 0)) / 255 around y_zero_point.",
       .source = "ONNX DynamicQuantizeLinear-11",
       .inputs = {{"x", one(DType::f32)}},
       .outputs = {"y", "y_scale", "y_zero_point"},
       .expand = expand_dynamic,
       .samples = {"x: f32[2,3]", "x: f32[1]"}},
      {.name = "QLinearMatMul",
       .doc = "The product of the matrices that a and b stand for, quantized again.",
       .source = "ONNX QLinearMatMul-21",
       .inputs = {{"a", bytes},
                  {"a_scale", floats},
                  {"a_zero_point", bytes},
                  {"b", bytes},
                  {"b_scale", floats},
                  {"b_zero_point", bytes},
                  {"y_scale", floats},
                  {"y_zero_point", bytes}},
       .expand = expand_quantized_matmul,
       .samples = {"a: u8[3,4], a_scale: f32[], a_zero_point: u8[], b: i8[4,5], b_scale: f32[5], "
                   "b_zero_point: i8[5], y_scale: f32[], y_zero_point: u8[]",
                   "a: u8[1,1], a_scale: f16[], a_zero_point: u8[], b: u8[1,1], b_scale: f16[], "
                   "b_zero_point: u8[], y_scale: f16[], y_zero_point: u8[]",
                   "a: u8[0,4], a_scale: f32[], a_zero_point: u8[], b: u8[4,5], b_scale: f32[], "
                   "b_zero_point: u8[], y_scale: f32[], y_zero_point: u8[]"}},
      {.name = "ConvInteger",
       .doc = "The convolution of x - x_zero_point with w - w_zero_point, in i32.",
       .source = "ONNX ConvInteger-10",
       .inputs = {{"x", bytes},
                  {"w", bytes},
                  {"x_zero_point", bytes, Presence::optional},
                  {"w_zero_point", bytes, Presence::optional}},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"dilations"},
                 {"group", 1},
                 {"kernel_shape"},
                 {"pads"},
                 {"strides"}},
       .expand = expand_conv_integer,
       .samples = {"x: u8[1,2,4,4], w: i8[3,2,3,3], x_zero_point: u8[], w_zero_point: i8[3], "
                   "pads=[1,1,1,1]",
                   "x: u8[1,300,2,3], w: u8[17,300,1,1], x_zero_point: u8[], w_zero_point: u8[]",
                   "x: i8[2,24,5,6], w: u8[5,24,3,3], strides=[2,1]", "x: u8[1,1,1], w: u8[1,1,1]",
                   "x: u8[0,1,3], w: u8[1,1,2]"}},
      {.name = "QLinearConv",
       .doc =
           "The convolution of what x and w stand for, with B in steps of x_scale * w_scale added, "
           "quantized again.",
       .source = "ONNX QLinearConv-10",
       .inputs = {{"x", bytes},
                  {"x_scale", one(DType::f32)},
                  {"x_zero_point", bytes},
                  {"w", bytes},
                  {"w_scale", one(DType::f32)},
                  {"w_zero_point", bytes},
                  {"y_scale", one(DType::f32)},
                  {"y_zero_point", bytes},
                  {"B", one(DType::i32), Presence::optional}},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"dilations"},
                 {"group", 1},
                 {"kernel_shape"},
                 {"pads"},
                 {"strides"}},
       .expand = expand_quantized_conv,
       .samples = {"x: u8[1,2,4,4], x_scale: f32[], x_zero_point: u8[], w: i8[3,2,3,3], w_scale: "
                   "f32[3], w_zero_point: i8[3], y_scale: f32[], y_zero_point: u8[], B: i32[3]",
                   "x: u8[1,1,1], x_scale: f32[1], x_zero_point: u8[1], w: u8[1,1,1], w_scale: "
                   "f32[1], w_zero_point: u8[1], y_scale: f32[1], y_zero_point: u8[1]",
                   "x: u8[1,2,5,5], x_scale: f32[], x_zero_point: u8[], w: u8[2,1,3,2], w_scale: "
                   "f32[], w_zero_point: u8[], y_scale: f32[], y_zero_point: u8[], group=2, "
                   "pads=[1,0,1,1], strides=[2,1]"}},
  };
  return rows;
}

}  // namespace dlc
