// Groups of nodes as models have them: what fusion, layouts and blocked kernels look for.
#include <algorithm>
#include <cmath>
#include <string>

#include "tests/support/graph_blocks.h"

namespace dlc::test {
namespace {

using Names = std::vector<std::string>;

/// Images [n, c, spatial...] with a known number of channels.
Value images(GraphMaker& make) {
  const int64_t spatial = make.random.pick(Ints{2, 2, 2, 2, 1, 3});
  const Value x = make.any_float(spatial + 2);
  if (!make.shape(x)[1].is_number() || make.shape(x)[1].number() == 0) throw Rejected();
  return x;
}

Value batch_norm(GraphMaker& make, Value x) {
  const DType dtype = make.type(x).dtype;
  const Dims c = {make.shape(x)[1]};
  return make("BatchNormalization", {x, make.input(dtype, c), make.input(dtype, c),
                                     make.input(dtype, c), make.positive(dtype, c)});
}

/// What stands behind a convolution: bias, norm, activation, residual.
Value behind(GraphMaker& make, Value x) {
  if (make.random.chance(4)) make.attempt([&] { x = batch_norm(make, x); });
  if (make.random.chance(2)) make.attempt([&] { x = draw_broadcast(make, x); });
  if (!make.random.chance(3)) make.attempt([&] { x = draw_activation(make, x); });
  return x;
}

AttrMap window(GraphMaker& make, const Shape& kernel, bool dilated) {
  AttrMap attrs;
  const size_t spatial = kernel.size();
  Ints pads, strides(spatial, 1), dilations(spatial, 1);
  if (make.random.chance(3)) std::fill(strides.begin(), strides.end(), 2);
  if (dilated && make.random.chance(6)) dilations.back() = 2;
  for (size_t side = 0; side < 2 * spatial; ++side) {
    const int64_t same = kernel[side % spatial] / 2;
    pads.push_back(make.random.chance(8) ? make.between(0, 2) : same);
  }
  return {{"pads", pads}, {"strides", strides}, {"dilations", dilations}};
}

void convolution(GraphMaker& make) {
  const Value x = images(make);
  const DType dtype = make.type(x).dtype;
  const int64_t channels = make.shape(x)[1].number(), spatial = make.rank(x) - 2;
  Shape kernel;
  const int64_t k = make.random.pick(Ints{1, 3, 3, 3, 2, 5});
  for (int64_t s = 0; s < spatial; ++s) kernel.push_back(make.random.chance(8) ? 1 : k);
  int64_t group = 1;
  if (make.random.chance(3)) group = channels;
  if (group == 1 && channels % 2 == 0 && make.random.chance(5)) group = 2;
  int64_t filters = make.random.pick(Ints{1, 3, 8, 16, 17, 20, 33});
  if (group > 1) filters = group * make.random.pick(Ints{1, 1, 1, 2, 3});
  const bool transposed = make.random.chance(8);
  Dims weights = {filters, channels / group};
  if (transposed) weights = {channels, filters / group};
  weights.insert(weights.end(), kernel.begin(), kernel.end());
  std::vector<Value> inputs = {x, make.input(dtype, weights)};
  if (make.random.chance(2)) inputs.push_back(make.input(dtype, {filters}));
  AttrMap attrs = window(make, kernel, true);
  attrs.emplace("group", group);
  behind(make, make(transposed ? "ConvTranspose" : "Conv", inputs, attrs));
}

void pooling(GraphMaker& make) {
  const Value x = images(make);
  if (make.random.chance(4)) {
    make(make.random.chance(2) ? "GlobalAveragePool" : "GlobalMaxPool", {x});
    return;
  }
  const Shape kernel(static_cast<size_t>(make.rank(x) - 2), make.between(1, 3));
  AttrMap attrs = window(make, kernel, false);
  attrs.emplace("kernel_shape", kernel);
  attrs.emplace("ceil_mode", make.random.below(2));
  make(make.random.chance(2) ? "MaxPool" : "AveragePool", {x}, attrs);
}

void resize(GraphMaker& make) {
  const Value x = images(make);
  const std::string mode = make.random.pick(Names{"nearest", "linear", "cubic"});
  const std::string coordinates =
      make.random.pick(Names{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"});
  std::vector<double> scales(static_cast<size_t>(make.rank(x)), 1);
  for (size_t k = 2; k < scales.size(); ++k) scales[k] = make.random.pick(Reals{2, 2, 1.5, 0.5});
  const Shape count = {static_cast<int64_t>(scales.size())};
  make("Resize", {x, Value(), make.constant(Tensor::of(DType::f32, count, scales))},
       {{"mode", mode}, {"coordinate_transformation_mode", coordinates}});
}

/// Squeeze and excitation: means of channels through two products, then a gate.
void gate_of_channels(GraphMaker& make) {
  const Value x = images(make);
  const int64_t c = make.shape(x)[1].number(), hidden = make.between(1, 6);
  const DType dtype = make.type(x).dtype;
  Dims down = {hidden, c}, up = {c, hidden};
  down.resize(static_cast<size_t>(make.rank(x)), 1);
  up.resize(static_cast<size_t>(make.rank(x)), 1);
  const Value mean = make("GlobalAveragePool", {x});
  const Value inner = make("Relu", {make("Conv", {mean, make.input(dtype, down)})});
  const Value gate = make("Sigmoid", {make("Conv", {inner, make.input(dtype, up)})});
  make("Mul", {x, gate});
}

Value linear(GraphMaker& make, Value x, int64_t width) {
  const DType dtype = make.type(x).dtype;
  const Dim k = make.shape(x).back();
  if (make.rank(x) == 2 && make.random.chance(2)) {
    const int64_t transposed = make.random.below(2);
    std::vector<Value> inputs = {x,
                                 make.input(dtype, transposed ? Dims{width, k} : Dims{k, width})};
    if (make.random.chance(2)) inputs.push_back(make.input(dtype, {width}));
    return make("Gemm", inputs, {{"transB", transposed}});
  }
  const Value y = make("MatMul", {x, make.input(dtype, {k, width})});
  return make.random.chance(2) ? make("Add", {y, make.input(dtype, {width})}) : y;
}

void product(GraphMaker& make) {
  const Value x = make.any_float(make.between(2, 3));
  const Value y = linear(make, x, make.random.pick(Ints{1, 4, 8, 16, 17, 33}));
  if (!make.random.chance(3)) make.attempt([&] { draw_broadcast(make, draw_activation(make, y)); });
}

/// Batched, of two values that were computed.
void product_of_values(GraphMaker& make) {
  const Value x = make.any_float(make.between(2, 4));
  Type type = make.type(x);
  std::swap(type.shape[type.shape.size() - 1], type.shape[type.shape.size() - 2]);
  if (make.random.chance(2)) {
    Ints perm;
    for (int64_t k = 0; k + 2 < make.rank(x); ++k) perm.push_back(k);
    perm.insert(perm.end(), {make.rank(x) - 1, make.rank(x) - 2});
    make("MatMul", {x, make("Transpose", {x}, {{"perm", perm}})});
    return;
  }
  if (make.random.chance(2)) type.shape.back() = make.number();
  make("MatMul", {x, make.of_type(type)});
}

void gelu(GraphMaker& make) {
  const Value x = make.any_float();
  const DType dtype = make.type(x).dtype;
  const auto number = [&](double value) { return make.scalar(dtype, value); };
  Value inner;
  if (make.random.chance(2)) {
    inner = make("Erf", {make("Div", {x, number(std::sqrt(2.0))})});
  } else {
    const Value cube = make("Mul", {number(0.044715), make("Pow", {x, number(3)})});
    inner = make("Tanh", {make("Mul", {make("Add", {x, cube}), number(std::sqrt(2 / M_PI))})});
  }
  const Value gate = make("Add", {inner, number(1)});
  if (make.random.chance(2)) {
    make("Mul", {make("Mul", {x, gate}), number(0.5)});
  } else {
    make("Mul", {make("Mul", {x, number(0.5)}), gate});
  }
}

void gated(GraphMaker& make) {
  const Value x = make.any_float();
  const DType dtype = make.type(x).dtype;
  switch (make.random.below(3)) {
    case 0:  // SiLU
      make("Mul", {x, make("Sigmoid", {x})});
      return;
    case 1:  // Mish
      make("Mul", {x, make("Tanh", {make("Softplus", {x})})});
      return;
    default: {  // HardSwish
      const Value shifted = make("Add", {x, make.scalar(dtype, 3)});
      const Value clipped = make("Clip", {shifted, make.scalar(dtype, 0), make.scalar(dtype, 6)});
      make("Div", {make("Mul", {x, clipped}), make.scalar(dtype, 6)});
    }
  }
}

/// As one node, or as its parts.
Value softmax(GraphMaker& make, Value x, int64_t axis) {
  if (make.random.chance(2)) return make("Softmax", {x}, {{"axis", axis}});
  const Value axes = make.ints({axis});
  const Value e = make("Exp", {make("Sub", {x, make("ReduceMax", {x, axes})})});
  return make("Div", {e, make("ReduceSum", {e, axes})});
}

void softmax_of_any(GraphMaker& make) {
  const Value x = make.any_float();
  if (make.rank(x) == 0) throw Rejected();
  softmax(make, x, make.random.below(make.rank(x)));
}

/// LayerNormalization or RMSNormalization from parts, over the last axis or another.
void norm_of_parts(GraphMaker& make) {
  const Value x = make.any_float();
  if (make.rank(x) == 0) throw Rejected();
  const DType dtype = make.type(x).dtype;
  const int64_t axis = make.random.chance(3) ? make.random.below(make.rank(x)) : make.rank(x) - 1;
  const Value axes = make.ints({axis});
  const bool centred = !make.random.chance(3);
  const Value d = centred ? make("Sub", {x, make("ReduceMean", {x, axes})}) : x;
  const Value square =
      make.random.chance(2) ? make("Mul", {d, d}) : make("Pow", {d, make.scalar(dtype, 2)});
  const Value variance = make("ReduceMean", {square, axes});
  const Value root = make("Sqrt", {make("Add", {variance, make.scalar(dtype, 1e-2)})});
  const Value y =
      make.random.chance(2) ? make("Div", {d, root}) : make("Mul", {d, make("Reciprocal", {root})});
  const Dims scale = {make.shape(x).back()};
  make("Add", {make("Mul", {y, make.input(dtype, scale)}), make.input(dtype, scale)});
}

void norm(GraphMaker& make) {
  const Value x = make.any_float();
  if (make.rank(x) < 2) throw Rejected();
  const DType dtype = make.type(x).dtype;
  const Dims last = {make.shape(x).back()}, channels = {make.shape(x)[1]};
  const Value s = make.input(dtype, last), b = make.input(dtype, last);
  switch (make.random.below(4)) {
    case 0:
      make("LayerNormalization", {x, s, b}, {{"epsilon", 1e-2}});
      return;
    case 1:
      make("RMSNormalization", {x, s}, {{"epsilon", 1e-2}});
      return;
    case 2:
      make("InstanceNormalization", {x, make.input(dtype, channels), make.input(dtype, channels)},
           {{"epsilon", 1e-2}});
      return;
    default:
      make("GroupNormalization", {x, make.input(dtype, channels), make.input(dtype, channels)},
           {{"epsilon", 1e-2}, {"num_groups", int64_t{1}}});
  }
}

/// [n, s, heads * d] as [n, heads, s, d], or with the last two swapped.
Value heads_first(GraphMaker& make, Value x, int64_t heads, bool swapped) {
  const Value cut = make("Reshape", {x, make.ints({0, 0, heads, -1})});
  return make("Transpose", {cut}, {{"perm", swapped ? Ints{0, 2, 3, 1} : Ints{0, 2, 1, 3}}});
}

Value masked(GraphMaker& make, Value scores) {
  const DType dtype = make.type(scores).dtype;
  const Dims& dims = make.shape(scores);
  Dims mask = {dims[2], dims[3]};
  if (make.random.chance(2)) mask = {dims[0], 1, 1, dims[3]};
  if (make.random.chance(2)) return make("Add", {scores, make.input(dtype, mask)});
  return make("Where", {make.input(DType::boolean, mask), scores, make.scalar(dtype, -50)});
}

void attention(GraphMaker& make) {
  const Value x = make.any_float(3);
  const DType dtype = make.type(x).dtype;
  const int64_t heads = make.between(1, 3), d = make.random.pick(Ints{1, 2, 4, 8, 16});
  const Value q = heads_first(make, linear(make, x, heads * d), heads, false);
  Value k = heads_first(make, linear(make, x, heads * d), heads, true);
  Value v = heads_first(make, linear(make, x, heads * d), heads, false);
  if (make.random.chance(4)) {  // keys and values of earlier tokens
    const Dim n = make.shape(x)[0], past = make.dim();
    k = make("Concat", {make.input(dtype, {n, heads, d, past}), k}, {{"axis", int64_t{-1}}});
    v = make("Concat", {make.input(dtype, {n, heads, past, d}), v}, {{"axis", int64_t{2}}});
  }
  Value scores = make("MatMul", {q, k});
  if (!make.random.chance(3)) {
    scores = make("Div", {scores, make.scalar(dtype, std::sqrt(static_cast<double>(d)))});
  }
  if (make.random.chance(2)) scores = masked(make, scores);
  const Value mixed = make("MatMul", {softmax(make, scores, make.random.chance(2) ? -1 : 3), v});
  const Value together = make("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}});
  const Value y = make("Reshape", {together, make.ints({0, 0, heads * d})});
  make.attempt([&] {
    linear(make, y, make.shape(x).back().is_number() ? make.size(make.shape(x).back()) : 8);
  });
}

/// Rows of a table by numbers, plus positions, normed.
void embedding(GraphMaker& make) {
  const int64_t rows = make.between(9, 12), width = make.random.pick(Ints{4, 8, 17});
  const DType dtype = make.float_type();
  const Value tokens = make.input(DType::u8, {make.dim(), make.number()});
  const Value numbers = make("Cast", {tokens}, {{"to", static_cast<int64_t>(DType::i64)}});
  const Value x = make("Gather", {make.input(dtype, {rows, width}), numbers});
  const Value y = make("Add", {x, make.input(dtype, {make.shape(tokens)[1], width})});
  make("LayerNormalization", {y, make.input(dtype, {width}), make.input(dtype, {width})});
}

constexpr Block blocks[] = {{"convolution", 16, convolution},
                            {"pooling", 5, pooling},
                            {"resize", 4, resize},
                            {"gate of channels", 2, gate_of_channels},
                            {"product", 10, product},
                            {"product of values", 5, product_of_values},
                            {"gelu", 4, gelu},
                            {"gated", 4, gated},
                            {"softmax", 6, softmax_of_any},
                            {"norm of parts", 6, norm_of_parts},
                            {"norm", 4, norm},
                            {"attention", 4, attention},
                            {"embedding", 1, embedding}};

}  // namespace

std::span<const Block> network_blocks() { return blocks; }

}  // namespace dlc::test
