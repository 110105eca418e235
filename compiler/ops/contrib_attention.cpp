// Rows of com.microsoft's forms of attention, as bodies of matrix products, masks and a softmax.
// Next: contrib_group_query.cpp, attention.cpp (ONNX's own).
#include <cmath>
#include <limits>
#include <optional>

#include "compiler/ops/contrib_attention.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using namespace contrib;
using types::floats;
constexpr DTypes i32 = one(DType::i32);

/// What a mask adds to the scores [batch, heads, queries, keys]: `filter` at keys it rules out.
/// mask: [batch, keys], [batch, queries, keys] (> 0: seen), or [batch] lengths, or [2 batch]
/// lengths and then first keys.
Term additive_mask(const Term& mask, const Dims& scores, DType type, double filter) {
  Builder& build = mask.build();
  const Term zero(build, build.scalar(type, 0)), off(build, build.scalar(type, filter));
  const Dim &batch = scores[0], &keys = scores[3];
  if (mask.rank() > 1) {
    Term m = mask;
    if (mask.rank() == 2) m = reshape(mask, {batch, 1, 1, keys});
    if (mask.rank() == 3) m = reshape(mask, {batch, 1, scores[2], keys});
    if (mask.rank() > 3)
      fail_as(ErrorCode::unsupported, "a mask of rank {} is not supported", mask.rank());
    const Term seen = apply("Greater", m, build.constant(Tensor::scalar(mask.dtype(), 0)));
    return select(seen, zero, off);
  }
  const Term key = cast(mask.dtype(), range(build, keys));
  const auto limit = [&](const Dim& begin) {
    return reshape(slice(mask, begin, begin + batch, 0), {batch, 1, 1, 1});
  };
  Term allowed = apply("Less", reshape(key, {1, 1, 1, keys}), limit(0));
  if (mask.shape()[0] == batch * 2)
    allowed =
        apply("And", allowed, apply("GreaterOrEqual", reshape(key, {1, 1, 1, keys}), limit(batch)));
  return select(allowed, zero, off);
}

/// softmax(scale * q k^T + masks) v, [batch, heads, sequence, size] each, in f32 or wider
struct Core {
  Term q, k, v;
  double scale;
  bool causal = false;
  std::optional<Term> added = {};  ///< to the scores
  Dim past = 0;                    ///< keys before the first query

  Term scores() const {
    Term scores = apply("MatMul", widen(q) * scale, transpose(widen(k), {0, 1, 3, 2}));
    if (added) scores = scores + cast(scores.dtype(), *added);
    if (causal) {
      const Dims s = scores.shape();
      Builder& build = scores.build();
      const Term query = reshape(range(build, s[2]), {s[2], 1});
      const Term last =
          apply("Add", query, build("Squeeze", {build.sizes({past}), build.ints({0})}));
      const Term seen = apply("LessOrEqual", range(build, s[3]), last);
      scores = select(seen, scores, {build, build.scalar(scores.dtype(), -INFINITY)});
    }
    return scores;
  }
  Term run(const Term& scores) const {
    const Term weights = apply("Softmax", scores, {{"axis", int64_t{-1}}});
    return cast(q.dtype(), apply("MatMul", weights, widen(v)));
  }
};

Term sum_of(const std::optional<Term>& a, const Term& b) { return a ? cast(b.dtype(), *a) + b : b; }

/// Attention of qkv [batch, sequence, 3 * hidden], with past and present [2, batch, heads, ...].
std::vector<Value> attend(const OpArgs& args, const Inputs& inputs, const Term& qkv,
                          std::optional<Term> bias) {
  Builder& build = qkv.build();
  const int64_t heads = args.integer("num_heads");
  if (qkv.rank() != 3) fail("the projection has rank {}, but must have 3", qkv.rank());
  if (args.integer("do_rotary") != 0)
    fail_as(ErrorCode::unsupported, "do_rotary is not supported; RotaryEmbedding is");
  const int64_t width = number_of(qkv.shape()[2], "the projection");
  Ints sizes = {width / 3, width / 3, width / 3};
  if (args.has_attr("qkv_hidden_sizes") && !args.ints("qkv_hidden_sizes").empty())
    sizes = args.ints("qkv_hidden_sizes");
  if (sizes.size() != 3 || sizes[0] + sizes[1] + sizes[2] != width)
    fail("a projection of {} is not queries, keys and values", width);
  const Term q = split_heads(slice(qkv, 0, sizes[0], 2), heads);
  Term k = split_heads(slice(qkv, sizes[0], sizes[0] + sizes[1], 2), heads);
  Term v = split_heads(slice(qkv, sizes[0] + sizes[1], width, 2), heads);
  Dim past = 0;
  if (inputs.has("past")) {
    const Term both = inputs.term("past");
    if (both.rank() != 5) fail("past has rank {}, but must have 5", both.rank());
    past = both.shape()[3];
    const auto part = [&](int64_t n) {
      const Dims& s = both.shape();
      return reshape(slice(both, n, n + 1, 0), {s[1], s[2], s[3], s[4]});
    };
    k = concat(part(0), k, 2);
    v = concat(part(1), v, 2);
  }
  Core core{q, k, v, scale_or(args, q.shape()[3]), args.integer("unidirectional") != 0, {}, past};
  core.added = std::move(bias);
  if (inputs.has("mask_index")) {
    const Dims scores = {q.shape()[0], q.shape()[1], q.shape()[2], k.shape()[2]};
    core.added = sum_of(core.added,
                        additive_mask(inputs.term("mask_index"), scores, arithmetic_type(q.dtype()),
                                      args.real("mask_filter_value")));
  }
  std::vector<Value> outputs = {merge_heads(core.run(core.scores()))};
  if (args.output_count() > 1) {
    const auto stacked = [&](const Term& x) { return apply("Unsqueeze", x, build.ints({0})); };
    outputs.push_back(concat(stacked(k), stacked(v), 0));
  }
  return outputs;
}

std::vector<Value> expand_attention(const OpArgs& args, Builder& build,
                                    std::span<const Value> given) {
  const Inputs inputs(args, build, given);
  Term qkv = apply("MatMul", inputs.term("input"), inputs["weights"]);
  if (args.has("bias")) qkv = apply("Add", qkv, inputs["bias"]);
  std::optional<Term> bias;
  if (args.has("attention_bias")) bias = inputs.term("attention_bias");
  return attend(args, inputs, qkv, bias);
}

std::vector<Value> expand_quantized_attention(const OpArgs& args, Builder& build,
                                              std::span<const Value> given) {
  const Inputs inputs(args, build, given);
  const Term product(
      build, build("MatMulInteger", {inputs["input"], inputs["weight"], inputs["input_zero_point"],
                                     inputs["weight_zero_point"]}));
  const Term scale = apply("Mul", inputs.term("input_scale"), inputs["weight_scale"]);
  const Term qkv = cast(scale.dtype(), product) * scale + inputs.term("bias");
  return attend(args, inputs, qkv, {});
}

/// Keys or values: [batch, sequence, hidden] in heads, with their part of the bias; or in heads
/// already.
Term in_heads(const Term& x, int64_t heads, const std::optional<Term>& bias) {
  if (x.rank() == 4) return x;
  return split_heads(bias ? x + *bias : x, heads);
}

/// One of those that x [batch, sequence, heads, n, size] packs, as [batch, sequence, heads * size].
Term packed(const Term& x, int64_t at) {
  const Dims s = x.shape();
  return reshape(slice(x, at, at + 1, 3), {s[0], s[1], s[2] * s[4]});
}

struct Projections {
  Term query, key, value;
};

/// Apart, or key and value in one, or all three.
Projections projections(const OpArgs& args, const Inputs& inputs) {
  const Term query = inputs.term("query");
  const auto expect = [&](std::string_view name, int64_t count) {
    args.expect_rank(name, 5);
    const Dims& s = args.shape(name);
    args.expect_shape(name, {s[0], s[1], args.integer("num_heads"), count, s[4]});
  };
  if (!args.has("key")) {
    expect("query", 3);
    return {packed(query, 0), packed(query, 1), packed(query, 2)};
  }
  args.expect_rank("query", 3);
  const Term key = inputs.term("key");
  if (args.has("value")) return {query, key, inputs.term("value")};
  expect("key", 2);
  return {query, packed(key, 0), packed(key, 1)};
}

std::vector<Value> expand_multi_head(const OpArgs& args, Builder& build,
                                     std::span<const Value> given) {
  const Inputs inputs(args, build, given);
  const int64_t heads = args.integer("num_heads");
  const Projections own = projections(args, inputs);
  std::optional<Term> biases[3];
  if (args.has("bias")) {
    const Term all = inputs.term("bias");
    const Dim q = own.query.shape()[2];
    biases[0] = slice(all, 0, q, 0);
    biases[1] = slice(all, q, q * 2, 0);
    biases[2] = slice(all, q * 2, all.shape()[0], 0);
  }
  const Term q = in_heads(own.query, heads, biases[0]);
  Term k = in_heads(own.key, heads, biases[1]);
  Term v = in_heads(own.value, heads, biases[2]);
  Dim past = 0;
  if (args.has("past_key") != args.has("past_value")) fail("past_key and past_value go together");
  if (args.has("past_key")) {
    args.expect_rank("past_key", 4);
    past = args.shape("past_key")[2];
    k = concat(inputs.term("past_key"), k, 2);
    v = concat(inputs.term("past_value"), v, 2);
  }
  Core core{q, k, v, scale_or(args, q.shape()[3]), args.integer("unidirectional") != 0, {}, past};
  if (args.has("attention_bias")) core.added = inputs.term("attention_bias");
  if (args.has("key_padding_mask")) {
    const Dims scores = {q.shape()[0], q.shape()[1], q.shape()[2], k.shape()[2]};
    core.added = sum_of(core.added,
                        additive_mask(inputs.term("key_padding_mask"), scores,
                                      arithmetic_type(q.dtype()), args.real("mask_filter_value")));
  }
  const Term scores = core.scores();
  std::vector<Value> outputs = {merge_heads(core.run(scores)), k, v};
  if (args.output_count() < 4) return outputs;
  const double lowest = -std::numeric_limits<float>::max();  // what is ruled out
  const Term finite = apply("Max", scores, build.scalar(scores.dtype(), lowest));
  outputs.push_back(cast(q.dtype(), finite));
  return outputs;
}

/// One position for all samples is that of their first place.
std::vector<Value> expand_rotary(const OpArgs& args, Builder& build,
                                 std::span<const Value> inputs) {
  const Dims& x = args.shape("input");
  if (args.real("scale") != 1) fail_as(ErrorCode::unsupported, "a scale is not supported");
  if (x.size() != 3 && x.size() != 4) fail("input has rank {}, but must have 3 or 4", x.size());
  args.expect_rank("cos_cache", 2);
  const int64_t half = number_of(args.shape("cos_cache")[1], "cos_cache");
  AttrMap attrs = {{"interleaved", args.integer("interleaved")},
                   {"rotary_embedding_dim", args.integer("rotary_embedding_dim")}};
  if (x.size() == 3) {
    int64_t heads = args.integer("num_heads");
    if (heads == 0) heads = number_of(x[2], "input") / std::max<int64_t>(2 * half, 1);
    attrs.emplace("num_heads", heads);
  }
  Term ids(build, inputs[1]);
  if (ids.rank() < 2) {
    const Term places = range(build, x.size() == 3 ? x[1] : x[2]);
    ids = apply("Unsqueeze", apply("Add", places, ids), build.ints({0}));
  }
  return {build("RotaryEmbedding", {inputs[0], inputs[2], inputs[3], ids}, std::move(attrs))};
}

std::vector<AttrSpec> attention_attrs(std::initializer_list<AttrSpec> own) {
  std::vector<AttrSpec> attrs = {{"mask_filter_value", -10000.0},
                                 {"num_heads", required_attr},
                                 {"past_present_share_buffer", 0},
                                 {"scale"},
                                 {"unidirectional", 0}};
  attrs.insert(attrs.end(), own.begin(), own.end());
  return attrs;
}

}  // namespace

const std::vector<OpDef>& contrib_attention_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "com.microsoft.Attention",
       .doc =
           "Attention of input * weights + bias, which is queries, keys and values side by side.",
       .source = "com.microsoft Attention-1",
       .inputs = {{"input", floats},
                  {"weights", floats},
                  {"bias", floats, Presence::optional},
                  {"mask_index", i32, Presence::optional},
                  {"past", floats, Presence::optional},
                  {"attention_bias", floats, Presence::optional}},
       .outputs = {"output", "present"},
       .attrs =
           attention_attrs({{"do_rotary", 0}, {"qkv_hidden_sizes"}, {"rotary_embedding_dim", 0}}),
       .expand = expand_attention,
       .samples = {"input: f32[2,3,8], weights: f32[8,24], bias: f32[24], mask_index: i32[2,3], "
                   "num_heads=2",
                   "input: f32[1,n,4], weights: f32[4,12], bias: f32[12], num_heads=2, "
                   "unidirectional=1"}},
      {.name = "com.microsoft.QAttention",
       .doc = "Attention, with the projection in quantized numbers.",
       .source = "com.microsoft QAttention-1",
       .inputs = {{"input", one(DType::u8) | one(DType::i8)},
                  {"weight", one(DType::u8) | one(DType::i8)},
                  {"bias", floats},
                  {"input_scale", floats},
                  {"weight_scale", floats},
                  {"mask_index", i32, Presence::optional},
                  {"input_zero_point", one(DType::u8) | one(DType::i8), Presence::optional},
                  {"weight_zero_point", one(DType::u8) | one(DType::i8), Presence::optional},
                  {"past", floats, Presence::optional}},
       .outputs = {"output", "present"},
       .attrs =
           attention_attrs({{"do_rotary", 0}, {"qkv_hidden_sizes"}, {"rotary_embedding_dim", 0}}),
       .expand = expand_quantized_attention,
       .samples = {"input: u8[1,2,4], weight: i8[4,12], bias: f32[12], input_scale: f32[]{0.1}, "
                   "weight_scale: f32[]{0.1}, num_heads=2"}},
      {.name = "com.microsoft.MultiHeadAttention",
       .doc = "Attention of query, key and value plus bias, with earlier keys and values before. "
              "key, or query, may hold what is not given, side by side for each head. qk are the "
              "scores with all masks.",
       .source = "com.microsoft MultiHeadAttention-1",
       .inputs = {{"query", floats},
                  {"key", floats, Presence::optional},
                  {"value", floats, Presence::optional},
                  {"bias", floats, Presence::optional},
                  {"key_padding_mask", i32, Presence::optional},
                  {"attention_bias", floats, Presence::optional},
                  {"past_key", floats, Presence::optional},
                  {"past_value", floats, Presence::optional}},
       .outputs = {"output", "present_key", "present_value", "qk"},
       .attrs = attention_attrs({}),
       .expand = expand_multi_head,
       .samples = {"query: f32[2,3,8], key: f32[2,5,8], value: f32[2,5,4], bias: f32[20], "
                   "key_padding_mask: i32[2,5], num_heads=2",
                   "query: f32[1,1,4], key: f32[1,2,1,2], value: f32[1,2,1,2], past_key: "
                   "f32[1,2,n,2], past_value: f32[1,2,n,2], num_heads=2, unidirectional=1",
                   "query: f32[2,3,2,3,4], num_heads=2, unidirectional=1",
                   "query: f32[2,3,8], key: f32[2,n,2,2,4], bias: f32[24], num_heads=2"}},
      {.name = "com.microsoft.RotaryEmbedding",
       .doc = "Turns pairs of places in each head by angles that grow with the position.",
       .source = "com.microsoft RotaryEmbedding-1",
       .inputs = {{"input", floats},
                  {"position_ids", one(DType::i64)},
                  {"cos_cache", floats},
                  {"sin_cache", floats}},
       .attrs = {{"interleaved", 0},
                 {"is_packed_batching", 0},
                 {"num_heads", 0},
                 {"rotary_embedding_dim", 0},
                 {"scale", 1.0}},
       .expand = expand_rotary,
       .samples = {"input: f32[2,3,8], position_ids: i64[2,3]{0, 1, 2, 2, 1, 0}, cos_cache: "
                   "f32[5,2], sin_cache: f32[5,2]",
                   "input: f32[1,2,3,4], position_ids: i64[1]{1}, cos_cache: f32[5,2], sin_cache: "
                   "f32[5,2], interleaved=1"}},
  };
  return rows;
}

}  // namespace dlc
