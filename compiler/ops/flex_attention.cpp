// Row of FlexAttention: attention with graphs that change the scores and the probabilities.
// Next: attention.cpp.
#include <cmath>

#include "compiler/ops/index_math.h"
#include "compiler/ops/inline_graph.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;

/// In which type scores and probabilities are.
DType score_type(const OpArgs& args) {
  if (!args.has_attr("softmax_precision")) return arithmetic_type(args.dtype("Q"));
  const DType type = args.element_type("softmax_precision");
  if (!(one(type) & floats)) fail("softmax_precision is no type of real numbers");
  return type;
}

/// Heads of keys or values, each for as many heads of queries as share it.
Term shared(const Term& x, const Dim& queries) {
  const Dims s = x.shape();
  if (s[1] == queries) return x;
  if (!queries.is_number() || !s[1].is_number())
    fail_as(ErrorCode::unsupported, "the numbers of heads must be known");
  if (s[1].number() == 0 || queries.number() % s[1].number() != 0)
    fail("{} query heads cannot share {} key heads", queries.number(), s[1].number());
  const int64_t times = queries.number() / s[1].number();
  const Term apart = reshape(x, {s[0], s[1], 1, s[2], s[3]});
  const Term repeated = apply("Expand", apart, x.build().sizes({s[0], s[1], times, s[2], s[3]}));
  return reshape(repeated, {s[0], queries, s[2], s[3]});
}

Term changed(const OpArgs& args, std::string_view attr, const Term& x,
             std::span<const Value> captures) {
  if (!args.attr(attr)) return x;
  std::vector<Value> inputs = {x};
  inputs.insert(inputs.end(), captures.begin(), captures.end());
  const std::vector<Value> results = inline_graph(x.build(), args.graph(attr), inputs);
  if (results.size() != 1) fail("graph {} has {} outputs, but must have 1", attr, results.size());
  const Term result(x.build(), results[0]);
  if (result.dtype() != x.dtype() || result.rank() != x.rank())
    fail("graph {} makes {} of {}", attr, to_string(x.build().type(result)),
         to_string(x.build().type(x)));
  for (size_t k = 0; k < x.shape().size(); ++k)
    args.require(SizeRule::equal, result.shape()[k], x.shape()[k],
                 "what graph " + std::string(attr) + " makes");
  return result;
}

std::vector<Value> expand_flex_attention(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs) {
  for (const char* name : {"Q", "K", "V"}) args.expect_rank(name, 4);
  const Term q = widen({build, inputs[0]});
  const Dim heads = q.shape()[1], size = q.shape()[3];
  const Term k = shared(widen({build, inputs[1]}), heads);
  const Term v = shared({build, inputs[2]}, heads);
  double scale = args.has_attr("scale") ? args.real("scale") : 0;
  if (!args.has_attr("scale")) {
    if (!size.is_number()) fail_as(ErrorCode::unsupported, "the size of a head must be known");
    scale = 1 / std::sqrt(static_cast<double>(size.number()));
  }
  const auto captures = inputs.subspan(3);
  const DType type = score_type(args);
  const Term raw = cast(type, apply("MatMul", q * scale, transpose(k, {0, 1, 3, 2})));
  const Term scores = changed(args, "score_mod", raw, captures);
  const Term weights =
      changed(args, "prob_mod", apply("Softmax", scores, {{"axis", int64_t{-1}}}), captures);
  return {cast(args.dtype("V"), apply("MatMul", weights, cast(type, v)))};
}

}  // namespace

const std::vector<OpDef>& flex_attention_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ai.onnx.preview.FlexAttention",
       .doc = "Y = prob_mod(softmax(score_mod(scale * Q * K^T))) * V per head. The graphs take the "
              "scores or probabilities [batch, heads, queries, keys], and the captures.",
       .source = "ONNX ai.onnx.preview.FlexAttention-1",
       .inputs =
           {{"Q", floats}, {"K", floats}, {"V", floats}, {"captures", types::all, Presence::any}},
       .outputs = {"Y"},
       .attrs = {{"captures", 0}, {"prob_mod"}, {"scale"}, {"score_mod"}, {"softmax_precision"}},
       .expand = expand_flex_attention,
       .samples = {"Q: f32[2,4,3,8], K: f32[2,2,5,8], V: f32[2,2,5,6]",
                   "Q: f16[1,1,2,4], K: f16[1,1,3,4], V: f16[1,1,3,4], scale=0.25, "
                   "score_mod=graph @mod(%s: f32[1,1,2,3]) -> (f32[1,1,2,3]) { "
                   "%y = Tanh(%s) : f32[1,1,2,3] return %y }",
                   "Q: f32[2,1,n,4], K: f32[2,1,m,4], V: f32[2,1,m,4], prob_mod=graph @mod(%p: "
                   "f32[b,h,q,k]) -> (f32[b,h,q,k]) { %y = Relu(%p) : f32[b,h,q,k] return %y }"}},
  };
  return rows;
}

}  // namespace dlc
