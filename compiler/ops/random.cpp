// Rows of random numbers. They come from a counter-based generator: element k of a tensor is a
// function of a seed and k, so that they are the same on any number of threads and in any order.
// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011) with the key seed and the counter (k, 0). A seed comes from dlc.RandomSeed: with the
// attribute `seed` each run gives the same numbers, without it each run gives others.
#include <array>
#include <cmath>
#include <numbers>

#include "compiler/ops/builder.h"
#include "compiler/ops/drop_out.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"
#include "runtime/host/seed.h"

namespace dlc {
namespace {

using types::floats;

Expr u32(uint32_t value) { return constant_integer(DType::u32, value); }
Expr as_u32(const Expr& x) { return cast(DType::u32, x); }
Expr bit_xor(const Expr& a, const Expr& b) { return binary(BinaryOp::bit_xor, a, b); }
Expr shift_right(const Expr& x, int64_t by) {
  return binary(BinaryOp::shift_right, x, constant_integer(x.dtype(), by));
}

/// 128 random bits for a counter of 64 bits.
std::array<Expr, 4> philox(const Expr& seed, const Expr& counter) {
  constexpr int rounds = 10;
  const Expr wide = cast(DType::u64, counter);
  std::array<Expr, 4> x = {as_u32(wide), as_u32(shift_right(wide, 32)), u32(0), u32(0)};
  std::array<Expr, 2> key = {as_u32(seed), as_u32(shift_right(seed, 32))};
  const auto product = [](uint32_t factor, const Expr& y) {
    return cast(DType::u64, y) * constant_integer(DType::u64, factor);
  };
  for (int round = 0; round < rounds; ++round) {
    const Expr first = product(0xD2511F53, x[0]), second = product(0xCD9E8D57, x[2]);
    x = {bit_xor(bit_xor(as_u32(shift_right(second, 32)), x[1]), key[0]), as_u32(second),
         bit_xor(bit_xor(as_u32(shift_right(first, 32)), x[3]), key[1]), as_u32(first)};
    key = {key[0] + u32(0x9E3779B9), key[1] + u32(0xBB67AE85)};
  }
  return x;
}

/// From [0, 1), in steps of 2^-24 (f32) or 2^-53 (f64).
Expr unit(DType type, const Expr& low, const Expr& high) {
  if (type == DType::f32) return cast(type, shift_right(low, 8)) * 0x1p-24;
  const Expr upper = cast(DType::f64, shift_right(high, 5)) * 0x1p26;
  return (upper + cast(DType::f64, shift_right(low, 6))) * 0x1p-53;
}

DType number_type(const OpArgs& args) {
  const DType type = args.element_type("dtype");
  if (type != DType::f32 && type != DType::f64) fail("dtype must be that of f32 or f64");
  return type;
}

template <typename Number>
Computed numbers(const ComputeArgs& args, const Number& number) {
  const Dims shape = args.values("shape");
  return tensor(shape, [&](const Indices& i) {
    return number(philox(args["seed"].raw_flat(index(0)), flatten_index(i, shape)));
  });
}

Computed uniform(const ComputeArgs& args) {
  const DType type = number_type(args);
  return numbers(args, [&](const std::array<Expr, 4>& x) { return unit(type, x[0], x[1]); });
}

/// sqrt(-2 log(u)) * cos(2 pi v) for u from (0, 1] and v from [0, 1) (Box and Muller)
Computed normal(const ComputeArgs& args) {
  const DType type = number_type(args);
  return numbers(args, [&](const std::array<Expr, 4>& x) {
    const Expr u = 1.0 - unit(type, x[0], x[1]), v = unit(type, x[2], x[3]);
    return sqrt(-2.0 * log(u)) * unary(UnaryOp::cos, v * (2 * std::numbers::pi));
  });
}

std::vector<Type> infer_seed(const OpArgs& args) {
  if (args.has_attr("seed")) args.real("seed");
  return {Type::tensor(DType::u64, {})};
}

// --- composites

Term seed(const OpArgs& args, Builder& build) {
  AttrMap attrs;
  if (args.has_attr("seed")) attrs.emplace("seed", args.real("seed"));
  return {build, build("dlc.RandomSeed", {}, std::move(attrs))};
}

/// Numbers that `op` draws, in f64 where that is asked for, else in f32.
Term draw(const OpArgs& args, Builder& build, std::string_view op, DType type, Value shape) {
  const DType wide = type == DType::f64 ? DType::f64 : DType::f32;
  return {build, build(op, {seed(args, build), shape}, {{"dtype", static_cast<int64_t>(wide)}})};
}

DType wanted_type(const OpArgs& args, DType standard) {
  if (!args.has_attr("dtype")) return standard;
  const DType type = args.element_type("dtype");
  if (!(one(type) & floats)) fail("dtype is {}, which is no type of real numbers", name(type));
  return type;
}

Value shape_of(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  return inputs.empty() ? build.ints(args.ints("shape")) : build("Shape", {inputs[0]});
}

/// low + (high - low) * u
std::vector<Value> expand_uniform(const OpArgs& args, Builder& build,
                                  std::span<const Value> inputs) {
  const DType standard = inputs.empty() ? DType::f32 : args.dtype("input");
  const DType type = wanted_type(args, standard);
  const Term u = draw(args, build, "dlc.RandomUnit", type, shape_of(args, build, inputs));
  const double low = args.real("low"), high = args.real("high");
  return {cast(type, u * (high - low) + low)};
}

std::vector<Value> expand_normal(const OpArgs& args, Builder& build,
                                 std::span<const Value> inputs) {
  const DType standard = inputs.empty() ? DType::f32 : args.dtype("input");
  const DType type = wanted_type(args, standard);
  const Term n = draw(args, build, "dlc.RandomGauss", type, shape_of(args, build, inputs));
  return {cast(type, n * args.real("scale") + args.real("mean"))};
}

/// 1 where u < p
std::vector<Value> expand_bernoulli(const OpArgs& args, Builder& build,
                                    std::span<const Value> inputs) {
  const Term p = widen({build, inputs[0]});
  const Term u = draw(args, build, "dlc.RandomUnit", p.dtype(), build("Shape", {p}));
  DType type = args.dtype("input");
  if (args.has_attr("dtype")) type = args.element_type("dtype");
  if (type != DType::boolean && !(one(type) & types::numbers))
    fail("dtype is {}, which is no type of numbers", static_cast<int>(type));
  return {cast(type, apply("Less", u, p))};
}

/// How many of the cumulated probabilities are not above u
std::vector<Value> expand_multinomial(const OpArgs& args, Builder& build,
                                      std::span<const Value> inputs) {
  args.expect_rank("input", 2);
  const DType type = args.element_type("dtype");
  if (type != DType::i32 && type != DType::i64) fail("dtype must be that of i32 or i64");
  const int64_t samples = args.integer("sample_size");
  if (samples < 0) fail("sample_size is {}", samples);
  const Dims& x = args.shape("input");
  const Term p = apply("Softmax", widen({build, inputs[0]}), {{"axis", int64_t{-1}}});
  const Term sums(build, build("CumSum", {p, build.ints({1})}));
  const Term u = draw(args, build, "dlc.RandomUnit", p.dtype(), build.sizes({x[0], samples, 1}));
  const Term below = apply("GreaterOrEqual", u, reshape(sums, {x[0], 1, x[1]}));
  const Term count(
      build, build("ReduceSum", {cast(type, below), build.ints({2})}, {{"keepdims", int64_t{0}}}));
  // Sums of rounded numbers may end below 1.
  const Term last(build, build.sizes({x[1] - 1}));
  return {build("Min", {count, cast(type, last)})};
}

}  // namespace

std::vector<Value> drop_out(const OpArgs& args, Builder& build, Value data, double ratio) {
  const Term x = widen({build, data});
  const Term u = draw(args, build, "dlc.RandomUnit", x.dtype(), build("Shape", {data}));
  const Term kept = apply("GreaterOrEqual", u, build.scalar(u.dtype(), ratio));
  const Term zero(build, build.scalar(x.dtype(), 0));
  const Term scaled = ratio < 1 ? x * (1 / (1 - ratio)) : x;
  return {cast(args.dtype("data"), select(kept, scaled, zero)), kept};
}

const std::vector<OpDef>& random_ops() {
  constexpr DTypes seed_type = one(DType::u64);
  static const std::vector<OpDef> rows = {
      {.name = "dlc.RandomSeed",
       .doc = "A number for random numbers to begin with: the same for the same `seed`, another in "
              "each run without one.",
       .source = "dlc",
       .attrs = {{"seed"}},
       .host = host::random_seed,
       .infer = infer_seed,
       .effect = true,
       .samples = {"seed=1.5", ""}},
      {.name = "dlc.RandomUnit",
       .doc = "Numbers from [0, 1), evenly distributed: Philox4x32-10 of seed and position.",
       .source = "dlc; Salmon et al., SC 2011",
       .inputs = {{"seed", seed_type}, {"shape", one(DType::i64), Presence::required, true}},
       .attrs = {{"dtype", 1}},
       .compute = uniform,
       .final_type = true,
       .samples = {"seed: u64[], shape=[2,3]", "seed: u64[], shape=[5], dtype=11",
                   "seed: u64[], shape=[0]"}},
      {.name = "dlc.RandomGauss",
       .doc = "Numbers of the standard normal distribution: Philox4x32-10 of seed and position.",
       .source = "dlc; Salmon et al., SC 2011; Box and Muller, 1958",
       .inputs = {{"seed", seed_type}, {"shape", one(DType::i64), Presence::required, true}},
       .attrs = {{"dtype", 1}},
       .compute = normal,
       .final_type = true,
       .samples = {"seed: u64[], shape=[2,3]", "seed: u64[], shape=[5], dtype=11",
                   "seed: u64[], shape=[0]"}},
      {.name = "RandomUniform",
       .doc = "Numbers from [low, high), evenly distributed.",
       .source = "ONNX RandomUniform-22",
       .attrs = {{"dtype", 1}, {"high", 1.0}, {"low", 0.0}, {"seed"}, {"shape", required_attr}},
       .expand = expand_uniform,
       .effect = true,
       .samples = {"shape=[2,3]", "shape=[4], low=-1.0, seed=2.0, dtype=10", "shape=[0]"}},
      {.name = "RandomUniformLike",
       .doc = "Numbers from [low, high), evenly distributed, in the shape of the input.",
       .source = "ONNX RandomUniformLike-22",
       .inputs = {{"input"}},
       .attrs = {{"dtype"}, {"high", 1.0}, {"low", 0.0}, {"seed"}},
       .expand = expand_uniform,
       .effect = true,
       .samples = {"input: f32[2,n]", "input: i64[3], dtype=11, seed=1.0", "input: f16[0]"}},
      {.name = "RandomNormal",
       .doc = "Numbers of the normal distribution with the mean `mean` and the deviation `scale`.",
       .source = "ONNX RandomNormal-22",
       .attrs = {{"dtype", 1}, {"mean", 0.0}, {"scale", 1.0}, {"seed"}, {"shape", required_attr}},
       .expand = expand_normal,
       .effect = true,
       .samples = {"shape=[2,3]", "shape=[4], mean=1.0, seed=2.0, dtype=16", "shape=[0]"}},
      {.name = "RandomNormalLike",
       .doc = "Numbers of the normal distribution, in the shape of the input.",
       .source = "ONNX RandomNormalLike-22",
       .inputs = {{"input"}},
       .attrs = {{"dtype"}, {"mean", 0.0}, {"scale", 1.0}, {"seed"}},
       .expand = expand_normal,
       .effect = true,
       .samples = {"input: f32[2,n]", "input: i64[3], dtype=11, seed=1.0", "input: f16[0]"}},
      {.name = "Bernoulli",
       .doc = "1 with the probability that the input says, else 0.",
       .source = "ONNX Bernoulli-22",
       .inputs = {{"input", floats}},
       .attrs = {{"dtype"}, {"seed"}},
       .expand = expand_bernoulli,
       .effect = true,
       .samples = {"input: f32[2,n]", "input: f64[3], dtype=9, seed=1.0", "input: f16[0]"}},
      {.name = "Multinomial",
       .doc = "sample_size classes for each row of logarithms of their probabilities, up to a "
              "constant.",
       .source = "ONNX Multinomial-22",
       .inputs = {{"input", floats}},
       .attrs = {{"dtype", 6}, {"sample_size", 1}, {"seed"}},
       .expand = expand_multinomial,
       .effect = true,
       .samples = {"input: f32[2,5], sample_size=7", "input: f16[n,1], dtype=7, seed=3.0",
                   "input: f32[0,2]"}},
  };
  return rows;
}

}  // namespace dlc
