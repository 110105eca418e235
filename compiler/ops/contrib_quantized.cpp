// Rows of com.microsoft on quantized numbers: bodies of DequantizeLinear, an op and QuantizeLinear,
// or products of integers.
// Next: quantization.cpp (ONNX's own), contrib_attention.cpp.
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;
constexpr DTypes bytes = one(DType::i8) | one(DType::u8);
constexpr DTypes quantized = bytes | one(DType::i16) | one(DType::u16) | types::small_ints;
constexpr DTypes f32 = one(DType::f32);

/// A quantized tensor with its scale and zero point, which may be absent.
struct Quantized {
  Value x, scale, zero;
  Term real(Builder& build) const { return {build, build("DequantizeLinear", {x, scale, zero})}; }
};

class Inputs {
 public:
  Inputs(const OpArgs& args, std::span<const Value> inputs) : args_(args), inputs_(inputs) {}
  Value operator[](std::string_view name) const {
    const size_t k = args_.position(name);
    return k < inputs_.size() ? inputs_[k] : Value();
  }
  Quantized quantized(std::string_view x, std::string_view scale, std::string_view zero) const {
    return {(*this)[x], (*this)[scale], (*this)[zero]};
  }

 private:
  const OpArgs& args_;
  std::span<const Value> inputs_;
};

Value quantize(const Term& x, Value scale, Value zero) {
  return x.build()("QuantizeLinear", {x, scale, zero});
}

/// Channels from the last axis to the second, and back.
Term channels_first(const Term& x) {
  Ints order = {0, x.rank() - 1};
  for (int64_t k = 1; k + 1 < x.rank(); ++k) order.push_back(k);
  return transpose(x, order);
}
Term channels_last(const Term& x) {
  Ints order = {0};
  for (int64_t k = 2; k < x.rank(); ++k) order.push_back(k);
  order.push_back(1);
  return transpose(x, order);
}

std::vector<Value> expand_pool(const OpArgs& args, Builder& build, std::span<const Value> given,
                               std::string_view op, AttrMap attrs) {
  const Inputs inputs(args, given);
  const bool last = args.integer("channels_last") != 0;
  Term x = inputs.quantized("X", "x_scale", "x_zero_point").real(build);
  if (last) x = channels_first(x);
  Term y = apply(op, x, std::move(attrs));
  if (last) y = channels_last(y);
  return {quantize(y, inputs["y_scale"], inputs["y_zero_point"])};
}

std::vector<Value> expand_average_pool(const OpArgs& args, Builder& build,
                                       std::span<const Value> inputs) {
  AttrMap attrs;
  for (const char* name :
       {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"})
    if (const Attr* attr = args.attr(name)) attrs.emplace(name, *attr);
  return expand_pool(args, build, inputs, "AveragePool", std::move(attrs));
}

std::vector<Value> expand_global_pool(const OpArgs& args, Builder& build,
                                      std::span<const Value> inputs) {
  return expand_pool(args, build, inputs, "GlobalAveragePool", {});
}

std::vector<Value> expand_nhwc_max_pool(const OpArgs& args, Builder& build,
                                        std::span<const Value> inputs) {
  AttrMap attrs;
  for (const char* name : {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"})
    if (const Attr* attr = args.attr(name)) attrs.emplace(name, *attr);
  return {channels_last(apply("MaxPool", channels_first({build, inputs[0]}), std::move(attrs)))};
}

/// Triples of tensor, scale and zero point after those of the result
std::vector<Value> expand_concat(const OpArgs& args, Builder& build,
                                 std::span<const Value> inputs) {
  if (inputs.size() < 5 || (inputs.size() - 2) % 3 != 0)
    fail("{} inputs are not a scale, a zero point and triples", inputs.size());
  std::vector<Value> parts;
  for (size_t k = 2; k < inputs.size(); k += 3)
    parts.push_back(Quantized{inputs[k], inputs[k + 1], inputs[k + 2]}.real(build));
  const Term all(build, build("Concat", parts, {{"axis", args.integer("axis")}}));
  return {quantize(all, inputs[0], inputs[1])};
}

/// Before opset 13 the axes from `axis` on were one.
std::vector<Value> expand_softmax(const OpArgs& args, Builder& build,
                                  std::span<const Value> given) {
  const Inputs inputs(args, given);
  const Term x = inputs.quantized("X", "X_scale", "x_zero_point").real(build);
  const int64_t axis = args.axis("axis", x.rank());
  Term y = x;
  if (args.integer("opset") >= 13) {
    y = apply("Softmax", x, {{"axis", axis}});
  } else {
    const Term flat = apply("Flatten", x, {{"axis", axis}});
    y = reshape(apply("Softmax", flat, {{"axis", int64_t{1}}}), x.shape());
  }
  return {quantize(y, inputs["y_scale"], inputs["y_zero_point"])};
}

/// (A - a_zero) (B - b_zero) * a_scale * b_scale + bias
Term scaled_product(const Term& a, Value a_zero, Value a_scale, Value b, Value b_zero,
                    Value b_scale, Value bias) {
  Builder& build = a.build();
  const Term product(build, build("MatMulInteger", {a, b, a_zero, b_zero}));
  const Term scale = apply("Mul", {build, a_scale}, b_scale);
  const Term real = cast(scale.dtype(), product) * scale;
  return bias.valid() ? apply("Add", real, bias) : real;
}

std::vector<Value> expand_to_float(const OpArgs& args, Builder& build,
                                   std::span<const Value> given) {
  const Inputs inputs(args, given);
  return {scaled_product({build, inputs["A"]}, inputs["a_zero_point"], inputs["a_scale"],
                         inputs["B"], inputs["b_zero_point"], inputs["b_scale"], inputs["bias"])};
}

std::vector<Value> expand_dynamic(const OpArgs& args, Builder& build,
                                  std::span<const Value> given) {
  const Inputs inputs(args, given);
  const std::vector<Value> a = build.node("DynamicQuantizeLinear", {inputs["A"]}, {}, 3);
  return {scaled_product({build, a[0]}, a[2], a[1], inputs["B"], inputs["b_zero_point"],
                         inputs["b_scale"], inputs["bias"])};
}

/// (alpha * a_scale * b_scale) * (A' B' + C), quantized if there is a scale for it
std::vector<Value> expand_gemm(const OpArgs& args, Builder& build, std::span<const Value> given) {
  const Inputs inputs(args, given);
  Term a(build, inputs["A"]), b(build, inputs["B"]);
  if (args.integer("transA") != 0) a = transpose(a, {1, 0});
  if (args.integer("transB") != 0) b = transpose(b, {1, 0});
  Term sums(build, build("MatMulInteger", {a, b, inputs["a_zero_point"], inputs["b_zero_point"]}));
  if (args.has("C")) sums = apply("Add", sums, inputs["C"]);
  const Term scale = apply("Mul", {build, inputs["a_scale"]}, inputs["b_scale"]);
  const Term y = cast(DType::f32, sums) * (scale * args.real("alpha"));
  if (!args.has("y_scale")) return {y};
  return {quantize(y, inputs["y_scale"], inputs["y_zero_point"])};
}

// --- weights in blocks of few bits

/// element[i..., k] = bits k * n to k * n + n - 1 of the row i of bytes, the lowest first
Computed unpack_bits(const ComputeArgs& args) {
  const Dims& packed = args.shape("x");
  const int64_t n = args.integer("bits");
  if (n != 2 && n != 4 && n != 8) fail("elements of {} bits are not supported", n);
  if (packed.empty()) fail("x has no axis");
  Dims shape = packed;
  shape.back() = packed.back() * (8 / n);
  return tensor(shape, [&](const Indices& i) {
    const Expr first = i.back() * index(n);
    const Expr byte =
        args["x"](with_index(i, static_cast<int64_t>(i.size()) - 1, floor_div(first, index(8))));
    const Expr shift = cast(DType::u8, floor_mod(first, index(8)));
    return binary(BinaryOp::bit_and, binary(BinaryOp::shift_right, byte, shift),
                  constant_integer(DType::u8, (int64_t{1} << n) - 1));
  });
}

/// W[n, k] = (q[n, k] - zero[n, g]) * scale[n, g] with g the block of k, or g_idx[k];
/// Y = A W^T + bias
std::vector<Value> expand_n_bits(const OpArgs& args, Builder& build, std::span<const Value> given) {
  const Inputs inputs(args, given);
  const int64_t k = args.integer("K"), n = args.integer("N"), bits = args.integer("bits");
  const int64_t block = args.integer("block_size");
  if (k < 1 || n < 1 || block < 1) fail("K, N and block_size must be positive");
  if (args.integer("weight_prepacked") != 0)
    fail_as(ErrorCode::unsupported, "weights that are packed for a GPU are not supported");
  const int64_t blocks = (k + block - 1) / block;
  const bool indexed = args.has("g_idx");
  const Term a(build, inputs["A"]);
  const DType wide = arithmetic_type(a.dtype());
  const auto unpacked = [&](Value x, int64_t width) {
    const Term rows = reshape({build, x}, {n, width});
    return Term(build, build("dlc.UnpackBits", {rows}, {{"bits", bits}}));
  };
  const auto first = [&](const Term& x, int64_t count, int64_t axis) {
    return Term(build,
                build("Slice", {x, build.ints({0}), build.ints({count}), build.ints({axis})}));
  };
  const auto spread = [&](const Term& x) {  // [n, blocks]
    if (!indexed) return reshape(x, {n, blocks, 1});
    return apply("Gather", x, first({build, inputs["g_idx"]}, k, 0), {{"axis", int64_t{1}}});
  };
  Term w = cast(wide, unpacked(inputs["B"], blocks * (block * bits / 8)));
  w = indexed ? first(w, k, 1) : reshape(w, {n, blocks, block});
  if (args.has("zero_points") && args.dtype("zero_points") != DType::u8) {
    w = w - spread(reshape(cast(wide, {build, inputs["zero_points"]}), {n, blocks}));
  } else if (args.has("zero_points")) {
    const Term all = unpacked(inputs["zero_points"], (blocks * bits + 7) / 8);
    w = w - spread(cast(wide, first(all, blocks, 1)));
  } else {
    w = w + -static_cast<double>(int64_t{1} << (bits - 1));
  }
  w = w * spread(reshape(cast(wide, {build, inputs["scales"]}), {n, blocks}));
  if (!indexed) w = first(reshape(w, {n, blocks * block}), k, 1);
  Term y = apply("MatMul", cast(wide, a), transpose(w, {1, 0}));
  if (args.has("bias")) y = y + cast(wide, {build, inputs["bias"]});
  return {cast(a.dtype(), y)};
}

std::vector<InputSpec> unary_inputs(std::string_view x_scale, std::string_view y_scale) {
  return {{"X", bytes},
          {x_scale, f32},
          {"x_zero_point", bytes, Presence::optional},
          {y_scale, f32},
          {"y_zero_point", bytes, Presence::optional}};
}

OpDef binary_row(std::string_view name, std::string_view doc, std::string_view source,
                 std::string_view body) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"A", bytes},
                     {"A_scale", f32},
                     {"A_zero_point", bytes, Presence::optional},
                     {"B", bytes},
                     {"B_scale", f32},
                     {"B_zero_point", bytes, Presence::optional},
                     {"C_scale", f32},
                     {"C_zero_point", bytes, Presence::optional}},
          .outputs = {"C"},
          .body = body,
          .samples = {"A: u8[2,3], A_scale: f32[]{0.5}, A_zero_point: u8[], B: u8[3], B_scale: "
                      "f32[]{0.25}, B_zero_point: u8[], C_scale: f32[]{2}, C_zero_point: u8[]",
                      "A: i8[1], A_scale: f32[]{1}, A_zero_point: i8[], B: i8[1], B_scale: "
                      "f32[]{1}, B_zero_point: i8[], C_scale: f32[]{0.5}, C_zero_point: i8[]"}};
}

std::vector<OpDef> elementwise_rows() {
  constexpr const char* unary_sample =
      "X: u8[2,3], X_scale: f32[]{0.5}, x_zero_point: u8[], Y_scale: f32[]{0.25}, y_zero_point: "
      "u8[]";
  return {
      {.name = "com.microsoft.QuantizeLinear",
       .doc = "x in steps of y_scale around y_zero_point.",
       .source = "com.microsoft QuantizeLinear-1",
       .inputs = {{"x", floats},
                  {"y_scale", floats},
                  {"y_zero_point", quantized, Presence::optional}},
       .outputs = {"y"},
       .attrs = {{"axis", 1}, {"block_size", 0}},
       .body = "%y = QuantizeLinear(%x, %y_scale, %y_zero_point, axis=$axis, "
               "block_size=$block_size)",
       .samples = {"x: f32[2,3], y_scale: f32[3]{1, 2, 0.5}, y_zero_point: u8[3]",
                   "x: f16[2], y_scale: f16[]{0.5}, y_zero_point: i16[]"}},
      {.name = "com.microsoft.DequantizeLinear",
       .doc = "What steps of x_scale around x_zero_point mean.",
       .source = "com.microsoft DequantizeLinear-1",
       .inputs = {{"x", quantized | one(DType::i32)},
                  {"x_scale", floats},
                  {"x_zero_point", quantized | one(DType::i32), Presence::optional}},
       .outputs = {"y"},
       .attrs = {{"axis", 1}, {"block_size", 0}},
       .body = "%y = DequantizeLinear(%x, %x_scale, %x_zero_point, axis=$axis, "
               "block_size=$block_size)",
       .samples = {"x: u8[2,3], x_scale: f32[3], x_zero_point: u8[3]",
                   "x: i16[2], x_scale: f16[], x_zero_point: i16[]"}},
      binary_row("com.microsoft.QLinearAdd", "The sum of what A and B stand for, quantized again.",
                 "com.microsoft QLinearAdd-1",
                 "%C = QuantizeLinear(Add(DequantizeLinear(%A, %A_scale, %A_zero_point), "
                 "DequantizeLinear(%B, %B_scale, %B_zero_point)), %C_scale, %C_zero_point)"),
      binary_row("com.microsoft.QLinearMul",
                 "The product of what A and B stand for, quantized again.",
                 "com.microsoft QLinearMul-1",
                 "%C = QuantizeLinear(Mul(DequantizeLinear(%A, %A_scale, %A_zero_point), "
                 "DequantizeLinear(%B, %B_scale, %B_zero_point)), %C_scale, %C_zero_point)"),
      {.name = "com.microsoft.QLinearSigmoid",
       .doc = "The sigmoid of what X stands for, quantized again.",
       .source = "com.microsoft QLinearSigmoid-1",
       .inputs = unary_inputs("X_scale", "Y_scale"),
       .outputs = {"Y"},
       .body = "%Y = QuantizeLinear(Sigmoid(DequantizeLinear(%X, %X_scale, %x_zero_point)), "
               "%Y_scale, %y_zero_point)",
       .samples = {unary_sample}},
      {.name = "com.microsoft.QLinearLeakyRelu",
       .doc = "LeakyRelu of what X stands for, quantized again.",
       .source = "com.microsoft QLinearLeakyRelu-1",
       .inputs = unary_inputs("X_scale", "Y_scale"),
       .outputs = {"Y"},
       .attrs = {{"alpha", 0.01}},
       .body = "%Y = QuantizeLinear(LeakyRelu(DequantizeLinear(%X, %X_scale, %x_zero_point), "
               "alpha=$alpha), %Y_scale, %y_zero_point)",
       .samples = {unary_sample}},
      {.name = "com.microsoft.QLinearSoftmax",
       .doc = "Softmax of what X stands for, quantized again.",
       .source = "com.microsoft QLinearSoftmax-1",
       .inputs = unary_inputs("X_scale", "y_scale"),
       .outputs = {"Y"},
       .attrs = {{"axis", -1}, {"opset", required_attr}},
       .expand = expand_softmax,
       .samples = {"X: u8[2,3], X_scale: f32[]{0.5}, x_zero_point: u8[], y_scale: f32[]{0.01}, "
                   "y_zero_point: u8[], opset=13",
                   "X: u8[2,3,2], X_scale: f32[]{0.5}, x_zero_point: u8[], y_scale: f32[]{0.01}, "
                   "y_zero_point: u8[], opset=11, axis=1"}},
      {.name = "com.microsoft.QLinearWhere",
       .doc =
           "What X stands for where the condition holds, else what Y stands for, quantized again.",
       .source = "com.microsoft QLinearWhere-1",
       .inputs = {{"condition", types::boolean},
                  {"X", bytes},
                  {"x_scale", f32},
                  {"x_zero_point", bytes},
                  {"Y", bytes},
                  {"y_scale", f32},
                  {"y_zero_point", bytes},
                  {"z_scale", f32},
                  {"z_zero_point", bytes}},
       .outputs = {"Z"},
       .body = "%Z = QuantizeLinear(Where(%condition, DequantizeLinear(%X, %x_scale, "
               "%x_zero_point), DequantizeLinear(%Y, %y_scale, %y_zero_point)), %z_scale, "
               "%z_zero_point)",
       .samples = {"condition: bool[2,3], X: u8[3], x_scale: f32[]{0.5}, x_zero_point: u8[], Y: "
                   "u8[2,1], y_scale: f32[]{0.25}, y_zero_point: u8[], z_scale: f32[]{0.5}, "
                   "z_zero_point: u8[]",
                   "condition: bool[0], X: i8[0], x_scale: f32[]{1}, x_zero_point: i8[], Y: i8[0], "
                   "y_scale: f32[]{1}, y_zero_point: i8[], z_scale: f32[]{2}, z_zero_point: "
                   "i8[]"}},
      {.name = "com.microsoft.QLinearConcat",
       .doc = "What the inputs stand for, joined along `axis` and quantized again: Y's scale and "
              "zero point, then each tensor with its own.",
       .source = "com.microsoft QLinearConcat-1",
       .inputs = {{"inputs", types::all, Presence::variadic}},
       .outputs = {"Y"},
       .attrs = {{"axis", required_attr}},
       .expand = expand_concat,
       .samples = {"inputs: f32[]{0.5}, u8[]{1}, u8[2,3], f32[]{1}, u8[]{0}, u8[1,3], f32[]{0.25}, "
                   "u8[]{3}, axis=0"}},
  };
}

std::vector<OpDef> window_rows() {
  return {
      {.name = "com.microsoft.QLinearAveragePool",
       .doc = "AveragePool of what X stands for, quantized again.",
       .source = "com.microsoft QLinearAveragePool-1",
       .inputs = unary_inputs("x_scale", "y_scale"),
       .outputs = {"Y"},
       .attrs = {{"auto_pad"},
                 {"ceil_mode"},
                 {"channels_last", 0},
                 {"count_include_pad"},
                 {"kernel_shape", required_attr},
                 {"pads"},
                 {"strides"}},
       .expand = expand_average_pool,
       .samples = {"X: u8[1,2,4,4], x_scale: f32[]{0.5}, x_zero_point: u8[], y_scale: f32[]{0.5}, "
                   "y_zero_point: u8[], kernel_shape=[2,2]",
                   "X: u8[1,4,4,2], x_scale: f32[]{0.5}, x_zero_point: u8[], y_scale: f32[]{0.5}, "
                   "y_zero_point: u8[], kernel_shape=[2,2], channels_last=1"}},
      {.name = "com.microsoft.QLinearGlobalAveragePool",
       .doc = "The mean of each channel of what X stands for, quantized again.",
       .source = "com.microsoft QLinearGlobalAveragePool-1",
       .inputs = unary_inputs("x_scale", "y_scale"),
       .outputs = {"Y"},
       .attrs = {{"channels_last", 0}},
       .expand = expand_global_pool,
       .samples = {"X: u8[1,2,4,4], x_scale: f32[]{0.5}, x_zero_point: u8[], y_scale: f32[]{0.5}, "
                   "y_zero_point: u8[]"}},
      {.name = "com.microsoft.NhwcMaxPool",
       .doc = "MaxPool with the channels last.",
       .source = "com.microsoft NhwcMaxPool-1",
       .inputs = {{"x", bytes | f32}},
       .outputs = {"y"},
       .attrs = {{"auto_pad"},
                 {"ceil_mode"},
                 {"dilations"},
                 {"kernel_shape", required_attr},
                 {"pads"},
                 {"strides"}},
       .expand = expand_nhwc_max_pool,
       .samples = {"x: u8[1,4,4,2], kernel_shape=[2,2], strides=[2,2]"}},
  };
}

std::vector<OpDef> product_rows() {
  return {
      {.name = "com.microsoft.MatMulIntegerToFloat",
       .doc = "The product of what A and B stand for, plus bias.",
       .source = "com.microsoft MatMulIntegerToFloat-1",
       .inputs = {{"A", bytes},
                  {"B", bytes},
                  {"a_scale", floats},
                  {"b_scale", floats},
                  {"a_zero_point", bytes, Presence::optional},
                  {"b_zero_point", bytes, Presence::optional},
                  {"bias", floats, Presence::optional}},
       .outputs = {"Y"},
       .expand = expand_to_float,
       .samples = {"A: u8[3,4], B: i8[4,5], a_scale: f32[], b_scale: f32[5], a_zero_point: u8[], "
                   "b_zero_point: i8[5], bias: f32[5]",
                   "A: u8[1,1], B: u8[1,1], a_scale: f32[1], b_scale: f32[1]"}},
      {.name = "com.microsoft.DynamicQuantizeMatMul",
       .doc = "A in steps of its own range, times what B stands for, plus bias.",
       .source = "com.microsoft DynamicQuantizeMatMul-1",
       .inputs = {{"A", f32},
                  {"B", bytes},
                  {"b_scale", f32},
                  {"b_zero_point", bytes, Presence::optional},
                  {"bias", f32, Presence::optional}},
       .outputs = {"Y"},
       .expand = expand_dynamic,
       .samples = {"A: f32[3,4], B: i8[4,5], b_scale: f32[5], b_zero_point: i8[5], bias: f32[5]",
                   "A: f32[1,1], B: u8[1,1], b_scale: f32[1]"}},
      {.name = "com.microsoft.QGemm",
       .doc = "alpha times the product of what A and B stand for, plus C in steps of both scales, "
              "quantized again where y_scale is given.",
       .source = "com.microsoft QGemm-1",
       .inputs = {{"A", bytes},
                  {"a_scale", f32},
                  {"a_zero_point", bytes},
                  {"B", bytes},
                  {"b_scale", f32},
                  {"b_zero_point", bytes},
                  {"C", one(DType::i32), Presence::optional},
                  {"y_scale", f32, Presence::optional},
                  {"y_zero_point", bytes, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"alpha", 1.0}, {"transA", 0}, {"transB", 0}},
       .expand = expand_gemm,
       .samples = {"A: u8[3,4], a_scale: f32[], a_zero_point: u8[], B: i8[5,4], b_scale: f32[5], "
                   "b_zero_point: i8[5], C: i32[5], transB=1",
                   "A: u8[3,4], a_scale: f32[], a_zero_point: u8[], B: i8[4,5], b_scale: f32[], "
                   "b_zero_point: i8[], y_scale: f32[]{0.5}, y_zero_point: u8[], alpha=2.0"}},
      {.name = "dlc.UnpackBits",
       .doc = "The elements of `bits` bits that each row of bytes holds, the first in the lowest.",
       .source = "com.microsoft MatMulNBits-1",
       .inputs = {{"x", one(DType::u8)}},
       .attrs = {{"bits", required_attr}},
       .compute = unpack_bits,
       .samples = {"x: u8[2,3], bits=4", "x: u8[n], bits=2", "x: u8[0], bits=8"}},
      {.name = "com.microsoft.MatMulNBits",
       .doc = "A times the transpose of a matrix [N, K] of few bits, with a scale and a zero point "
              "for each block of a row (or for the columns that g_idx gives one index), plus bias.",
       .source = "com.microsoft MatMulNBits-1",
       .inputs = {{"A", floats},
                  {"B", one(DType::u8)},
                  {"scales", floats},
                  {"zero_points", floats | one(DType::u8), Presence::optional},
                  {"g_idx", one(DType::i32), Presence::optional},
                  {"bias", floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"K", required_attr},
                 {"N", required_attr},
                 {"accuracy_level", 0},
                 {"bits", 4},
                 {"block_size", required_attr},
                 {"weight_prepacked", 0}},
       .expand = expand_n_bits,
       .samples = {"A: f32[2,3,20], B: u8[3,2,8], scales: f32[6], zero_points: u8[3], bias: "
                   "f32[3], K=20, N=3, block_size=16",
                   "A: f16[1,16], B: u8[2,1,16], scales: f16[2,1], K=16, N=2, bits=8, "
                   "block_size=16",
                   "A: f32[2,6], B: u8[3,2,2], scales: f32[3,2], zero_points: u8[3,1], g_idx: "
                   "i32[6]{1, 0, 1, 1, 0, 0}, K=6, N=3, block_size=4"}},
  };
}

}  // namespace

const std::vector<OpDef>& contrib_quantized_ops() {
  static const std::vector<OpDef> rows = [] {
    std::vector<OpDef> all = elementwise_rows();
    for (OpDef& row : window_rows()) all.push_back(std::move(row));
    for (OpDef& row : product_rows()) all.push_back(std::move(row));
    return all;
  }();
  return rows;
}

}  // namespace dlc
