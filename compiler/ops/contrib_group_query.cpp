// Row of com.microsoft's GroupQueryAttention, and of the cache that it fills.
// Next: contrib_attention.cpp.
#include <cmath>

#include "compiler/ops/contrib_attention.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"

namespace dlc {
namespace {

using namespace contrib;
using types::floats;
constexpr DTypes i32 = one(DType::i32);

// --- a cache that every sample fills to its own length

/// y[b, n, t, h]: x behind the first start[b] places of past
Computed append_to_cache(const ComputeArgs& args) {
  args.expect_rank("x", 4);
  const Dims& x = args.shape("x");
  const Dims length = args.values("length");
  if (length.size() != 1) fail("length must be one number");
  const Operand start = args["start"];
  if (start.shape().size() != 1) fail("start must have one axis");
  common_dim(args, start.shape()[0], x[0], "start and x");
  if (args.has("past")) {
    args.expect_rank("past", 4);
    if (args.dtype("past") != args.dtype("x")) fail("past and x have different element types");
    for (size_t k : {size_t{0}, size_t{1}, size_t{3}})
      common_dim(args, args.shape("past")[k], x[k], "past and x");
  }
  return tensor({x[0], x[1], length[0], x[3]}, [&](const Indices& i) {
    const Expr begin = cast(DType::i64, start({i[0]}));
    const Expr own = i[2] - begin;
    Expr before = zero_of(args.dtype("x"));
    if (args.has("past")) {
      const Operand past = args["past"];
      before = select(i[2] < dim(past.shape()[2]), past.raw(i), before);
    }
    return select(within(own, x[2]), args["x"].raw(with_index(i, 2, own)), before);
  });
}

/// scores where query i of sample b sees key j: j <= start[b] + i, and in the window; else -inf.
/// Without `causal` it sees all keys that there are after these queries.
Computed mask_cache(const ComputeArgs& args) {
  args.expect_rank("scores", 4);
  const Dims& shape = args.shape("scores");
  const int64_t window = args.integer("window");
  const bool causal = args.integer("causal") != 0;
  const Operand start = args["start"];
  if (start.shape().size() != 1) fail("start must have one axis");
  common_dim(args, start.shape()[0], shape[0], "start and scores");
  return tensor(shape, [&](const Indices& i) {
    const Expr query = causal ? i[2] : dim(shape[2] - 1);
    const Expr position = cast(DType::i64, start({i[0]})) + query;
    Expr seen = i[3] <= position;
    if (window >= 0) seen = seen && position - index(window) < i[3];
    const Expr score = args["scores"](i);
    return select(seen, score, constant(score.dtype(), -INFINITY));
  });
}

class GroupQuery {
 public:
  GroupQuery(const OpArgs& args, Builder& build, std::span<const Value> inputs)
      : args_(args), build_(build), inputs_(args, build, inputs) {
    heads_ = args.integer("num_heads");
    shared_ = args.integer("kv_num_heads");
    if (shared_ < 1 || heads_ < 1 || heads_ % shared_ != 0)
      fail("{} query heads cannot share {} key heads", heads_, shared_);
    if (args.has("k_scale") || args.has("v_scale") || args.integer("kv_cache_bit_width") != 0)
      fail_as(ErrorCode::unsupported, "a quantized cache is not supported");
    if (args.integer("sliding_window_cache") != 0)
      fail_as(ErrorCode::unsupported,
              "a cache that forgets (sliding_window_cache) is not supported");
    if (args.has("q_norm_weight") != args.has("k_norm_weight"))
      fail("q_norm_weight and k_norm_weight go together");
  }

  std::vector<Value> expand() {
    args_.expect_rank("query", 3);
    Term q = inputs_.term("query"), k = q, v = q;
    if (args_.has("key")) {
      k = inputs_.term("key");
      v = inputs_.term("value");
    } else {
      const Dim size = floor_div(q.shape()[2], heads_ + 2 * shared_);
      const Dim first = size * heads_, second = first + size * shared_;
      k = slice(q, first, second, 2);
      v = slice(q, second, second + size * shared_, 2);
      q = slice(q, 0, first, 2);
    }
    q = normalized(split_heads(q, heads_), "q_norm_weight");
    k = normalized(split_heads(k, shared_), "k_norm_weight");
    v = split_heads(v, shared_);
    const Term start = first_places(q.shape()[2]);
    if (args_.integer("do_rotary") != 0) {
      q = turned(q, start);
      k = turned(k, start);
    }
    const Value length = build_.sizes({cache_length(q.shape()[2])});
    k = {build_, build_("dlc.AppendToCache", {k, start, length, inputs_["past_key"]})};
    v = {build_, build_("dlc.AppendToCache", {v, start, length, inputs_["past_value"]})};
    std::vector<Value> outputs = attend(q, k, v, start);
    outputs.insert(outputs.begin() + 1, {k, v});
    return outputs;
  }

 private:
  /// How many places of the cache each sample has filled before.
  Term first_places(const Dim& queries) {
    const Term ends =
        reshape(cast(DType::i64, inputs_.term("seqlens_k")), {args_.shape("query")[0]});
    const Term begin = apply("Add", ends, build_.sizes({1 - queries}));
    return apply("Max", begin, build_.constant(Tensor::scalar(DType::i64, 0)));
  }

  Dim cache_length(const Dim& queries) const {
    if (!args_.has("past_key")) return queries;
    args_.expect_rank("past_key", 4);
    const Dim past = args_.shape("past_key")[2];
    const auto total = args_.values_if_known("total_sequence_length");
    return total && total->size() == 1 ? maximum(past, (*total)[0]) : past + queries;
  }

  Term turned(const Term& x, const Term& start) {
    const Dims s = x.shape();
    Term places = apply("Add", reshape(start, {s[0], 1}), range(build_, s[2]));
    if (args_.has("position_ids")) places = inputs_.term("position_ids");
    const Value cosines = inputs_["cos_cache"], sines = inputs_["sin_cache"];
    if (!cosines.valid() || !sines.valid()) fail("cos_cache and sin_cache are missing");
    args_.expect_rank("cos_cache", 2);
    const int64_t rotated = 2 * number_of(build_.shape(cosines)[1], "cos_cache");
    return {build_, build_("RotaryEmbedding", {x, cosines, sines, places},
                           {{"interleaved", args_.integer("rotary_interleaved")},
                            {"rotary_embedding_dim", rotated}})};
  }

  Term normalized(const Term& x, std::string_view weight) {
    if (!args_.has(weight)) return x;
    return apply("RMSNormalization", x, inputs_[weight],
                 {{"epsilon", args_.real("qk_norm_epsilon")}});
  }

  /// The softmax of the scores and, where there is one, of a further score that has no value: 0, or
  /// each head's own.
  Term weights(const Term& scores) {
    const AttrMap last = {{"axis", int64_t{-1}}};
    if (args_.integer("smooth_softmax") <= 0 && !args_.has("head_sink"))
      return apply("Softmax", scores, last);
    const Dims s = scores.shape();
    Term sink(build_, build_.scalar(scores.dtype(), 0));
    if (args_.has("head_sink"))
      sink = reshape(cast(scores.dtype(), inputs_.term("head_sink")), {1, heads_, 1, 1});
    sink = apply("Expand", sink, build_.sizes({s[0], s[1], s[2], 1}));
    return slice(apply("Softmax", concat(scores, sink, 3), last), 0, s[3], 3);
  }

  static Term zero_where_unseen(const Term& scores) {
    const Term unseen = apply("IsInf", scores, {{"detect_positive", int64_t{0}}});
    return select(unseen, {scores.build(), scores.build().scalar(scores.dtype(), 0)}, scores);
  }

  /// The result, and the scores or their softmax if they are asked for.
  std::vector<Value> attend(const Term& q, const Term& k, const Term& v, const Term& start) {
    const int64_t times = heads_ / shared_;
    const Term keys = repeat_heads(widen(k), times), values = repeat_heads(widen(v), times);
    Term scores =
        apply("MatMul", widen(q) * scale_or(args_, q.shape()[3]), transpose(keys, {0, 1, 3, 2}));
    if (const double cap = args_.real("softcap"); cap > 0)
      scores = apply("Tanh", scores / cap) * cap;
    if (args_.has("attention_bias"))
      scores = scores + cast(scores.dtype(), inputs_.term("attention_bias"));
    scores = {build_, build_("dlc.MaskCache", {scores, start},
                             {{"causal", args_.integer("causal")},
                              {"window", args_.integer("local_window_size")}})};
    const Term shares = weights(scores);
    std::vector<Value> outputs = {merge_heads(cast(q.dtype(), apply("MatMul", shares, values)))};
    const int64_t which = args_.integer("qk_output");
    if (which == 1) outputs.push_back(cast(q.dtype(), zero_where_unseen(scores)));
    if (which == 2) outputs.push_back(cast(q.dtype(), shares));
    return outputs;
  }

  const OpArgs& args_;
  Builder& build_;
  Inputs inputs_;
  int64_t heads_, shared_;
};

std::vector<Value> expand_group_query(const OpArgs& args, Builder& build,
                                      std::span<const Value> inputs) {
  return GroupQuery(args, build, inputs).expand();
}

}  // namespace

const std::vector<OpDef>& contrib_group_query_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "com.microsoft.GroupQueryAttention",
       .doc = "Causal attention where groups of queries share keys, which go behind those in the "
              "cache; queries and keys may be turned by their position.",
       .source = "com.microsoft GroupQueryAttention-1",
       .inputs = {{"query", floats},
                  {"key", floats, Presence::optional},
                  {"value", floats, Presence::optional},
                  {"past_key", floats, Presence::optional},
                  {"past_value", floats, Presence::optional},
                  {"seqlens_k", i32},
                  {"total_sequence_length", i32},
                  {"cos_cache", floats, Presence::optional},
                  {"sin_cache", floats, Presence::optional},
                  {"position_ids", one(DType::i64), Presence::optional},
                  {"attention_bias", floats, Presence::optional},
                  {"head_sink", floats, Presence::optional},
                  {"k_scale", floats, Presence::optional},
                  {"v_scale", floats, Presence::optional},
                  {"q_norm_weight", floats, Presence::optional},
                  {"k_norm_weight", floats, Presence::optional}},
       .outputs = {"output", "present_key", "present_value", "output_qk"},
       .attrs = {{"causal", 1},
                 {"do_rotary", 0},
                 {"k_quant_type", "NONE"},
                 {"kv_cache_bit_width", 0},
                 {"kv_num_heads", required_attr},
                 {"local_window_size", -1},
                 {"num_heads", required_attr},
                 {"qk_norm_epsilon", 1e-6},
                 {"qk_output", 0},
                 {"rotary_interleaved", 0},
                 {"scale"},
                 {"sliding_window_cache", 0},
                 {"smooth_softmax", 0},
                 {"softcap", 0.0},
                 {"v_quant_type", "NONE"}},
       .expand = expand_group_query,
       .samples =
           {"query: f32[2,1,8], key: f32[2,1,4], value: f32[2,1,4], past_key: f32[2,1,3,4], "
            "past_value: f32[2,1,3,4], seqlens_k: i32[2]{3, 2}, total_sequence_length: "
            "i32[]{4}, cos_cache: f32[5,2], sin_cache: f32[5,2], num_heads=2, "
            "kv_num_heads=1, do_rotary=1",
            "query: f32[1,3,16], seqlens_k: i32[1]{2}, total_sequence_length: i32[]{3}, "
            "num_heads=2, kv_num_heads=1, local_window_size=2, softcap=5.0",
            "query: f32[1,3,16], seqlens_k: i32[1]{2}, total_sequence_length: i32[]{3}, "
            "head_sink: f32[2], num_heads=2, kv_num_heads=1, qk_output=2",
            "query: f32[2,3,8], key: f32[2,3,8], value: f32[2,3,8], seqlens_k: i32[2]{2, 1}, "
            "total_sequence_length: i32[]{3}, q_norm_weight: f32[4], k_norm_weight: f32[4], "
            "num_heads=2, kv_num_heads=2, smooth_softmax=1, causal=0"}},
      {.name = "dlc.AppendToCache",
       .doc = "x [batch, heads, places, size] behind the first start[b] places of past, `length` "
              "places in all; behind x past again, or 0.",
       .source = "com.microsoft GroupQueryAttention-1",
       .inputs = {{"x", floats},
                  {"start", types::indices},
                  {"length", one(DType::i64), Presence::required, true},
                  {"past", floats, Presence::optional}},
       .compute = append_to_cache,
       .final_type = true,
       .samples = {"x: f32[2,1,2,3], start: i64[2]{1, 2}, length=[4], past: f32[2,1,4,3]",
                   "x: f16[1,2,1,2], start: i32[1]{0}, length=[1]"}},
      {.name = "dlc.MaskCache",
       .doc = "The scores [batch, heads, queries, keys] of keys up to start[b] + query, and of the "
              "last `window` of them; -inf for others. Without `causal` of keys up to start[b] + "
              "the last query.",
       .source = "com.microsoft GroupQueryAttention-1",
       .inputs = {{"scores", one(DType::f32) | one(DType::f64)}, {"start", types::indices}},
       .attrs = {{"causal", 1}, {"window", -1}},
       .compute = mask_cache,
       .final_type = true,
       .samples = {"scores: f32[2,1,2,4], start: i64[2]{1, 2}, window=2",
                   "scores: f32[1,1,1,1], start: i32[1]{0}"}},
  };
  return rows;
}

}  // namespace dlc
