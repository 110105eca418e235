// Attention and RotaryEmbedding.
// Attention is a body of matrix products around dlc.AttentionMask and a softmax, in f32 or wider.
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"
#include "compiler/ops/term.h"

#include <cmath>

namespace dlc {
namespace {

using types::floats;

/// [batch, sequence, heads * size] -> [batch, heads, sequence, size]; four axes stay as they are.
Term split_heads(const Term& x, int64_t heads) {
  const Dims& shape = x.shape();
  if (shape.size() == 4) return x;
  if (shape.size() != 3) fail("an input has rank {}, but must have 3 or 4", shape.size());
  if (heads <= 0) fail("inputs of rank 3 need q_num_heads and kv_num_heads");
  const Term split = reshape(x, {shape[0], shape[1], heads, floor_div(shape[2], heads)});
  return transpose(split, {0, 2, 1, 3});
}

Term merge_heads(const Term& x) {
  const Dims shape = x.shape();
  return reshape(transpose(x, {0, 2, 1, 3}), {shape[0], shape[2], shape[1] * shape[3]});
}

/// Each head `times` times in a row, so that groups of query heads find theirs.
Term repeat_heads(const Term& x, int64_t times) {
  if (times == 1) return x;
  const Dims s = x.shape();
  const Term apart = apply("Unsqueeze", x, x.build().ints({2}));
  const Term repeated = apply("Expand", apart, x.build().sizes({s[0], s[1], times, s[2], s[3]}));
  return reshape(repeated, {s[0], s[1] * times, s[2], s[3]});
}

int64_t repetitions(const Term& q, const Term& k) {
  const Dim &queries = q.shape()[1], &keys = k.shape()[1];
  if (queries == keys) return 1;
  if (!queries.is_number() || !keys.is_number())
    fail_as(ErrorCode::unsupported, "the numbers of heads must be known");
  if (keys.number() == 0 || queries.number() % keys.number() != 0)
    fail("{} query heads cannot share {} key heads", queries.number(), keys.number());
  return queries.number() / keys.number();
}

/// exp(x) / sum(exp(x)) along the last axis; 0 in a row where nothing is allowed.
Term masked_softmax(const Term& x) {
  Builder& build = x.build();
  const Term zero(build, build.scalar(x.dtype(), 0)), unit(build, build.scalar(x.dtype(), 1));
  const Term lowest(build, build.scalar(x.dtype(), -INFINITY));
  const Term highest = reduce("ReduceMax", x, {x.rank() - 1});
  const Term shift = select(apply("Equal", highest, lowest), zero, highest);
  const Term e = exp(x - apply("dlc.StopGradient", shift));
  const Term total = reduce("ReduceSum", e, {x.rank() - 1});
  return e / select(apply("Equal", total, zero), unit, total);
}

bool is_masked(const OpArgs& a) {
  return a.has("attn_mask") || a.has("nonpad_kv_seqlen") || a.integer("is_causal") != 0 ||
         a.integer("left_window_size") >= 0 || a.integer("right_window_size") >= 0;
}

Term mask_scores(const OpArgs& a, const Term& scores, std::span<const Value> inputs) {
  if (!is_masked(a)) return scores;
  const auto input = [&](std::string_view name) {
    return a.has(name) ? inputs[a.position(name)] : Value();
  };
  return {scores.build(),
          scores.build()("dlc.AttentionMask",
                         {scores, input("attn_mask"), input("past_key"), input("nonpad_kv_seqlen")},
                         {{"is_causal", a.integer("is_causal")},
                          {"left_window_size", a.integer("left_window_size")},
                          {"right_window_size", a.integer("right_window_size")}})};
}

double scale_of(const OpArgs& a, const Term& q) {
  if (a.has_attr("scale")) return a.real("scale");
  const Dim& size = q.shape()[3];
  if (!size.is_number()) fail_as(ErrorCode::unsupported, "the size of a head must be known");
  return 1 / std::sqrt(static_cast<double>(size.number()));
}

std::vector<Value> expand_attention(const OpArgs& a, Builder& build,
                                    std::span<const Value> inputs) {
  const auto heads = [&](std::string_view attr) { return a.has_attr(attr) ? a.integer(attr) : 0; };
  const bool flat = a.rank("Q") == 3;
  const Term q = widen(split_heads({build, inputs[0]}, heads("q_num_heads")));
  Term key = split_heads({build, inputs[1]}, heads("kv_num_heads"));
  Term value = split_heads({build, inputs[2]}, heads("kv_num_heads"));
  if (a.has("past_key") != a.has("past_value")) fail("past_key and past_value go together");
  if (a.has("attn_mask") && a.dtype("attn_mask") != DType::boolean &&
      !is_float(a.dtype("attn_mask")))
    fail("attn_mask is {}, but must be bool or real", name(a.dtype("attn_mask")));
  if (a.has("past_key")) {
    const AttrMap along_sequence = {{"axis", int64_t{2}}};
    key = apply("Concat", {build, inputs[a.position("past_key")]}, key, along_sequence);
    value = apply("Concat", {build, inputs[a.position("past_value")]}, value, along_sequence);
  }
  const Term k = repeat_heads(widen(key), repetitions(q, key));
  const Term v = repeat_heads(widen(value), repetitions(q, value));

  const Term raw = apply("MatMul", q * scale_of(a, q), transpose(k, {0, 1, 3, 2}));
  const double cap = a.real("softcap");
  const Term capped = cap == 0 ? raw : apply("Tanh", raw / cap) * cap;
  const Term masked = mask_scores(a, capped, inputs);
  const bool in_f64 = a.has_attr("softmax_precision") &&
                      a.integer("softmax_precision") == static_cast<int64_t>(DType::f64);
  const Term weights = masked_softmax(in_f64 ? cast(DType::f64, masked) : masked);
  const Term y = apply("MatMul", cast(v.dtype(), weights), v);

  const Term shown[] = {raw, capped, masked, weights};
  const int64_t mode = a.integer("qk_matmul_output_mode");
  if (mode < 0 || mode > 3) fail("qk_matmul_output_mode is {}, but must be 0 to 3", mode);
  const DType type = a.dtype("Q");
  std::vector<Value> outputs = {cast(type, flat ? merge_heads(y) : y), key, value};
  if (a.output_count() > 3) outputs.push_back(cast(type, shown[mode]));
  return outputs;
}

/// The mask for a score, lined up from the last axis; keys beyond a mask that is too short are not
/// allowed.
Expr with_mask(const ComputeArgs& a, const Expr& score, const Indices& i, const Expr& lowest) {
  const Operand mask = a["attn_mask"];
  const Dims &own = mask.shape(), &scores = a.shape("scores");
  Indices at = broadcast_indices(i, scores, own);
  at.back() = i[3];
  const Expr inside =
      own.back() == scores[3] ? constant_integer(DType::boolean, 1) : i[3] < dim(own.back());
  if (mask.dtype() == DType::boolean)
    return select(inside, select(mask(at), score, lowest), lowest);
  const Expr element = mask(at);
  const Expr masked = select(element > -INFINITY, score + cast(score.dtype(), element), lowest);
  return select(inside, masked, lowest);
}

/// All axes but that of the keys must be those of the scores, or 1.
void check_mask(const OpArgs& a) {
  const Dims &own = a.shape("attn_mask"), &scores = a.shape("scores");
  if (own.empty() || own.size() > 4) fail("the mask has rank {}, but must have 1 to 4", own.size());
  a.require(SizeRule::at_most, own.back(), scores[3], "keys of the mask");
  const Dims head(own.begin(), own.end() - 1), outer(scores.begin(), scores.end() - 1);
  expect_broadcast_to(a, head, outer, "the mask");
}

/// scores[b, h, q, k] with what attn_mask adds, -inf where query q must not see key k
Computed attention_mask(const ComputeArgs& a) {
  const Operand scores = a["scores"];
  const Dims& shape = scores.shape();
  if (shape.size() != 4) fail("the scores have rank {}, but must have 4", shape.size());
  if (a.has("attn_mask")) check_mask(a);
  if (a.has("past_key")) a.expect_rank("past_key", 4);
  if (a.has("nonpad_kv_seqlen")) a.expect_shape("nonpad_kv_seqlen", {shape[0]});
  const int64_t left = a.integer("left_window_size"), right = a.integer("right_window_size");
  return tensor(shape, [&](const Indices& i) {
    const Expr score = scores(i);
    const Expr lowest = constant(score.dtype(), -INFINITY);
    Expr masked = a.has("attn_mask") ? with_mask(a, score, i, lowest) : score;
    Expr offset = a.has("past_key") ? dim(a.shape("past_key").at(2)) : index(0);
    if (a.has("nonpad_kv_seqlen")) {
      const Operand lengths = a["nonpad_kv_seqlen"];
      const Expr valid = lengths({i[0]});
      masked = select(i[3] < valid, masked, lowest);
      if (!a.has("past_key")) offset = valid - dim(shape[2]);
    }
    const Expr position = i[2] + offset;
    if (a.integer("is_causal") != 0) masked = select(i[3] <= position, masked, lowest);
    if (left >= 0) masked = select(position - index(left) <= i[3], masked, lowest);
    if (right >= 0) masked = select(i[3] <= position + index(right), masked, lowest);
    return masked;
  });
}

/// One place in the heads of X: which sample, position, and place d in the head.
struct HeadPlace {
  Expr batch, position, d;
};

/// y = x * cos -+ partner * sin for the first `rotary_embedding_dim` places of a head: partners are
/// half of these apart, or neighbours if interleaved; the first of two takes the minus.
Computed rotary_embedding(const ComputeArgs& a) {
  require_one_type(a, 0, 3);
  const Operand x = a["X"], cosines = a["cos_cache"], sines = a["sin_cache"];
  const Dims& shape = x.shape();
  const int64_t heads = a.integer("num_heads");
  if (shape.size() != 4 && (shape.size() != 3 || heads <= 0))
    fail("X must have rank 4, or 3 with num_heads");
  const bool flat = shape.size() == 3;
  const Dim size = flat ? floor_div(shape[2], heads) : shape[3];
  const Dim rotated =
      a.integer("rotary_embedding_dim") > 0 ? a.integer("rotary_embedding_dim") : size;
  const Dim half = floor_div(rotated, 2);
  const Dim &batch = shape[0], &length = flat ? shape[1] : shape[2];
  const bool interleaved = a.integer("interleaved") != 0;
  a.require(SizeRule::equal, modulo(rotated, 2), 0, "places in a head without a partner");
  a.require(SizeRule::at_most, rotated, size, "places to be turned in a head");
  if (flat) a.require(SizeRule::equal, size * heads, shape[2], "heads times size of a head");
  const bool looked_up = a.has("position_ids");
  if (looked_up) a.expect_shape("position_ids", {batch, length});
  for (std::string_view cache : {"cos_cache", "sin_cache"}) {
    a.expect_rank(cache, looked_up ? 2 : 3);
    a.expect_shape(cache, looked_up ? Dims{a.shape(cache)[0], half} : Dims{batch, length, half});
  }
  return tensor(shape, [&](const Indices& i) {
    const HeadPlace at =
        flat ? HeadPlace{i[0], i[1], floor_mod(i[2], dim(size))} : HeadPlace{i[0], i[2], i[3]};
    const Expr two = index(2), one = index(1), h = dim(half);
    const Expr first = interleaved ? equal(floor_mod(at.d, two), index(0)) : at.d < h;
    const Expr pair = interleaved ? floor_div(at.d, two) : select(first, at.d, at.d - h);
    const Expr step = interleaved ? one : h;
    Indices partner = i;
    partner.back() = i.back() + select(first, step, -step);
    const auto cached = [&](const Operand& cache) {
      const Dim& rows = cache.shape()[0];
      if (!looked_up) return cache({at.batch, at.position, pair});
      const Expr row = safe_index(a["position_ids"]({at.batch, at.position}), rows);
      return if_not_empty(rows, cache({row, pair}));
    };
    const Expr other = x(partner) * cached(sines);
    const Expr turned = x(i) * cached(cosines) + select(first, -other, other);
    return select(at.d < dim(rotated), turned, x(i));
  });
}

}  // namespace

const std::vector<OpDef>& attention_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Attention",
       .doc = "Y = softmax(mask(scale * Q * K^T)) * V per head, with a cache of earlier keys and "
              "values before K and V. Rows without any allowed key are 0.",
       .source = "ONNX Attention-25",
       .inputs = {{"Q", floats},
                  {"K", floats},
                  {"V", floats},
                  {"attn_mask", types::movable, Presence::optional},
                  {"past_key", floats, Presence::optional},
                  {"past_value", floats, Presence::optional},
                  {"nonpad_kv_seqlen", one(DType::i64), Presence::optional}},
       .outputs = {"Y", "present_key", "present_value", "qk_matmul_output"},
       .attrs = {{"is_causal", 0},
                 {"kv_num_heads"},
                 {"left_window_size", -1},
                 {"q_num_heads"},
                 {"qk_matmul_output_mode", 0},
                 {"right_window_size", -1},
                 {"scale"},
                 {"softcap", 0.0},
                 {"softmax_precision"}},
       .expand = expand_attention,
       .samples = {"Q: f32[2,3,4,8], K: f32[2,3,6,8], V: f32[2,3,6,5]",
                   "Q: f32[1,4,12], K: f32[1,5,6], V: f32[1,5,6], attn_mask: bool[4,5], "
                   "q_num_heads=4, kv_num_heads=2, is_causal=1",
                   "Q: f16[1,1,2,4], K: f16[1,1,3,4], V: f16[1,1,3,4], attn_mask: f16[2,2]",
                   "Q: f32[1,1,1,1], K: f32[1,1,1,1], V: f32[1,1,1,1], softcap=2.0",
                   "Q: f32[0,1,2,4], K: f32[0,1,3,4], V: f32[0,1,3,4], left_window_size=1"}},
      {.name = "dlc.AttentionMask",
       .doc = "Scores of queries and keys [batch, heads, queries, keys] with attn_mask added; -inf "
              "where a key is masked, beyond the valid ones, later than its query (is_causal) or "
              "outside the window. Queries start after past_key, of which only the size counts.",
       .source = "ONNX Attention-25",
       .inputs = {{"scores", one(DType::f32) | one(DType::f64)},
                  {"attn_mask", types::movable, Presence::optional},
                  {"past_key", types::all, Presence::optional},
                  {"nonpad_kv_seqlen", one(DType::i64), Presence::optional}},
       .attrs = {{"is_causal", 0}, {"left_window_size", -1}, {"right_window_size", -1}},
       .compute = attention_mask,
       .final_type = true,
       .samples = {"scores: f32[2,3,4,5], attn_mask: f32[3,4,5], is_causal=1",
                   "scores: f32[2,1,3,3], attn_mask: bool[3,2], left_window_size=1",
                   "scores: f32[2,1,3,3], nonpad_kv_seqlen: i64[2], right_window_size=0",
                   "scores: f32[1,1,1,1]", "scores: f32[0,1,2,2], is_causal=1"}},
      {.name = "RotaryEmbedding",
       .doc = "Turns pairs of places in each head by angles that grow with the position.",
       .source = "ONNX RotaryEmbedding-23; Su et al., arXiv 2104.09864",
       .inputs = {{"X", floats},
                  {"cos_cache", floats},
                  {"sin_cache", floats},
                  {"position_ids", one(DType::i64), Presence::optional}},
       .attrs = {{"interleaved", 0}, {"num_heads", 0}, {"rotary_embedding_dim", 0}},
       .compute = rotary_embedding,
       .samples =
           {"X: f32[2,3,4,8], cos_cache: f32[9,4], sin_cache: f32[9,4], position_ids: i64[2,4]",
            "X: f32[2,4,12], cos_cache: f32[2,4,2], sin_cache: f32[2,4,2], num_heads=2, "
            "rotary_embedding_dim=4, interleaved=1",
            "X: f16[1,1,1,2], cos_cache: f16[1,1,1], sin_cache: f16[1,1,1]",
            "X: f32[0,1,2,4], cos_cache: f32[0,2,2], sin_cache: f32[0,2,2]"}},
  };
  return rows;
}

}  // namespace dlc
