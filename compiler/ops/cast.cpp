// Ops that keep an element or change its type: Cast, BitCast, Identity, Dropout and the like.
// Conversions of single elements: runtime/numeric.h.
#include "compiler/ops/builder.h"
#include "compiler/ops/cast_real.h"
#include "compiler/ops/drop_out.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/bit_cast.h"

namespace dlc {
namespace {

constexpr DTypes castable = types::all & ~types::complexes;

DType castable_to(DType type) {
  if (!(one(type) & castable))
    fail_as(ErrorCode::unsupported, "a cast to {} is not supported", name(type));
  return type;
}

Expr cast_element(const ScalarArgs& a) {
  const DType to = castable_to(a.element_type("to"));
  const Expr raw = a["input"];
  if (to == raw.dtype()) return raw;
  const Expr x = cast(arithmetic_type(raw.dtype()), raw);
  const bool real = is_float(x.dtype());
  if (to != DType::f8e8m0 && (!is_float(to) || !real)) return cast(to, x);
  return cast_real(to, real ? x : cast(DType::f64, x), a.integer("saturate") != 0,
                   a.text("round_mode"));
}

Expr convert_element(const ScalarArgs& a) {
  const DType to = castable_to(a.element_type("to"));
  if (!(one(to) & types::floats)) fail("{} is no real type", name(to));
  return cast(to, cast(arithmetic_type(a["input"].dtype()), a["input"]));
}

std::vector<Type> infer_bit_cast(const OpArgs& a) {
  const DType to = a.element_type("to");
  const DType from = a.dtype("input");
  if (bits(to) != bits(from) || bits(to) == 0)
    fail("{} has not as many bits as {}", name(to), name(from));
  return {Type::tensor(to, a.shape("input"))};
}

std::vector<Value> expand_cast_like(const OpArgs& a, Builder& build,
                                    std::span<const Value> inputs) {
  return {build("Cast", {inputs[0]},
                {{"to", static_cast<int64_t>(a.dtype("target_type"))},
                 {"saturate", a.integer("saturate")},
                 {"round_mode", a.text("round_mode")}})};
}

std::vector<Value> expand_widen(const OpArgs& a, Builder& build, std::span<const Value> inputs) {
  const DType wide = arithmetic_type(a.dtype("input"));
  if (wide == a.dtype("input")) return {inputs[0]};
  const bool real = (one(a.dtype("input")) & types::floats) != 0;
  return {build(real ? "dlc.Convert" : "Cast", {inputs[0]}, {{"to", static_cast<int64_t>(wide)}})};
}

std::vector<Value> same_value(const OpArgs&, Builder&, std::span<const Value> inputs) {
  return {inputs[0]};
}

double known_number(const OpArgs& a, std::string_view input) {
  const Tensor value = a.constant_or_fail(input);
  if (value.size() != 1) fail("input {} must have one element, not {}", input, value.size());
  return value.to_reals()[0];
}

/// Inference, and training that drops nothing, keep the data.
std::vector<Value> expand_dropout(const OpArgs& a, Builder& build, std::span<const Value> inputs) {
  bool training = false;
  for (std::string_view input : {"ratio", "training_mode"})
    if (a.has(input)) expect_scalar(a, input, a.dtype(input));
  if (a.has("training_mode")) training = known_number(a, "training_mode") != 0;
  if (training) {
    const double ratio = a.has("ratio") ? known_number(a, "ratio") : 0.5;
    if (!(ratio >= 0 && ratio <= 1)) fail("the ratio is {}, but must be from 0 to 1", ratio);
    if (ratio != 0) return drop_out(a, build, inputs[0], ratio);
  }
  if (a.output_count() < 2) return {inputs[0]};
  const Value mask =
      build("Expand", {build.scalar(DType::boolean, 1), build("Shape", {inputs[0]})});
  return {inputs[0], mask};
}

}  // namespace

const std::vector<OpDef>& cast_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Cast",
       .doc = "The input in the element type `to`. Floats go to integers towards zero and to bool "
              "by != 0; integers wrap; narrower floats are rounded to the nearest, ties to even. "
              "Where the specification leaves it open: NaN gives the integer 0, and what 32 bits "
              "(for u32, i64 and u64: 64) do not hold their limit, which wraps in turn. "
              "Out of range, f8 types give their greatest value, or with saturate=0 NaN (f8e5m2: "
              "infinity). f8e8m0 has powers of two: round_mode says which, \"up\", \"down\" or "
              "\"nearest\".",
       .source = "ONNX Cast-28",
       .inputs = {{"input", castable}},
       .attrs = {{"to", required_attr}, {"saturate", 1}, {"round_mode", "up"}},
       .scalar = cast_element,
       .final_type = true,
       .on_strings = "dlc.CastStrings",
       .samples = {"input: f32[2,3], to=7", "input: f32[2], to=8", "input: str[1]{\"2.5\"}, to=1",
                   "input: f16[3], to=1", "input: f32[4], to=16", "input: i64[4], to=2",
                   "input: f32[4], to=9", "input: bool[1], to=11",
                   "input: f32[3], to=17, saturate=0", "input: f32[3], to=19, saturate=0",
                   "input: f16[3], to=24, round_mode=\"nearest\"", "input: f32[3,5], to=22",
                   "input: i4[3,5], to=1", "input: f32[5], to=23", "input: f4e2m1[7], to=1",
                   "input: u2[9], to=26", "input: f32[0], to=6"}},
      {.name = "CastLike",
       .doc = "The input in the element type of target_type.",
       .source = "ONNX CastLike-25",
       .inputs = {{"input", castable}, {"target_type", castable}},
       .attrs = {{"saturate", 1}, {"round_mode", "up"}},
       .expand = expand_cast_like,
       .samples = {"input: f32[2,3], target_type: f16[1]", "input: f16[], target_type: f64[2]",
                   "input: f32[0], target_type: i32[0]"}},
      {.name = "BitCast",
       .doc = "The bits of the input as elements of the type `to`, which has as many bits.",
       .source = "ONNX BitCast-26",
       .inputs = {{"input", types::all & ~types::strings}},
       .attrs = {{"to", required_attr}},
       .host = host::bit_cast,
       .infer = infer_bit_cast,
       .samples = {"input: f32[2,3], to=6", "input: i8[4], to=2", "input: f16[1], to=16",
                   "input: i64[0], to=11"}},
      {.name = "dlc.Convert",
       .doc = "The input in another real type, between steps of one computation: what does not "
              "have to be stored need not be rounded.",
       .source = "dlc",
       .inputs = {{"input", types::floats}},
       .attrs = {{"to", required_attr}},
       .scalar = convert_element,
       .final_type = true,
       .samples = {"input: f32[2,3], to=10", "input: f16[1], to=1", "input: bf16[0], to=1"}},
      {.name = "dlc.Widen",
       .doc = "The input in the type that arithmetic on it is done in: narrow floats as f32.",
       .source = "dlc",
       .inputs = {{"input"}},
       .expand = expand_widen,
       .samples = {"input: f32[2,3]", "input: f16[1]", "input: bf16[0]"}},
      {.name = "Identity",
       .doc = "The input, of any type.",
       .source = "ONNX Identity-25",
       .inputs = {{"input"}},
       .expand = same_value,
       .samples = {"input: f32[2,3]", "input: str[2]", "input: f16[1]", "input: i64[0]"}},
      {.name = "dlc.StopGradient",
       .doc = "The input, which counts as a constant in derivatives.",
       .source = "dlc",
       .inputs = {{"input"}},
       .expand = same_value,
       .samples = {"input: f32[2,3]", "input: f16[1]", "input: f32[0]"}},
      {.name = "Dropout",
       .doc =
           "In inference the data as they are. In training mode each element is dropped (0) with "
           "the probability `ratio`, and those that stay are divided by 1 - ratio. The mask is "
           "true where they stay.",
       .source = "ONNX Dropout-22",
       .inputs = {{"data", types::floats | types::small_floats},
                  {"ratio", types::floats | types::small_floats, Presence::optional, true},
                  {"training_mode", types::boolean, Presence::optional, true}},
       .outputs = {"output", "mask"},
       .attrs = {{"seed"}},
       .expand = expand_dropout,
       .samples = {"data: f32[2,3]", "data: f16[1]", "data: f32[0]"}},
  };
  return rows;
}

}  // namespace dlc
