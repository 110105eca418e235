// Rows of recurrences over a sequence with a state: LinearAttention, CausalConvWithState.
// Next: attention.cpp (softmax attention), rnn.cpp.
#include <cmath>
#include <limits>

#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;

/// One LinearAttention while it is expanded. Inside, f32 (or f64) and the layout
/// [time, batch, kv heads, ...].
class LinearAttention {
 public:
  LinearAttention(const OpArgs& args, Builder& build, std::span<const Value> inputs)
      : args_(args), build_(build), inputs_(inputs) {
    for (const char* name : {"query", "key", "value"}) args.expect_rank(name, 3);
    const int64_t queries = args.integer("q_num_heads");
    heads_ = args.integer("kv_num_heads");
    if (heads_ < 1 || queries < 1 || queries % heads_ != 0)
      fail("{} query heads cannot share {} key heads", queries, heads_);
    group_ = queries / heads_;
    const Dims& q = args.shape("query");
    batch_ = q[0];
    time_ = q[1];
    key_size_ = divided(q[2], queries, "query");
    value_size_ = divided(args.shape("value")[2], heads_, "value");
    for (const char* name : {"key", "value"}) {
      common_dim(args, args.shape(name)[0], batch_, name);
      common_dim(args, args.shape(name)[1], time_, name);
    }
    common_dim(args, divided(args.shape("key")[2], heads_, "key"), key_size_, "the size of a key");
    const std::string rule = args.text("update_rule");
    gated_ = rule == "gated" || rule == "gated_delta";
    corrected_ = rule == "delta" || rule == "gated_delta";
    if (!gated_ && !corrected_ && rule != "linear") fail("update_rule '{}' is not known", rule);
    if (gated_ != args.has("decay")) fail("update_rule '{}' and decay do not fit", rule);
    if (corrected_ != args.has("beta")) fail("update_rule '{}' and beta do not fit", rule);
    if (gated_) {
      args.expect_rank("decay", 3);
      // One for each head, or for each entry of a key.
      const Dim& all = args.shape("decay")[2];
      decay_size_ = divided(all, heads_, "decay");
      args.expect_shape("decay", {batch_, time_, decay_size_ * heads_});
      args.require(SizeRule::broadcast, decay_size_, key_size_, "decay of a head");
      args.require(SizeRule::at_most, decay_size_, key_size_, "decay of a head");
    }
    if (corrected_) {
      args.expect_rank("beta", 3);
      beta_heads_ = heads_ == 1 ? Dim(1) : args.shape("beta")[2];
      args.expect_shape("beta", {batch_, time_, beta_heads_});
      args.require(SizeRule::broadcast, beta_heads_, heads_, "heads of beta");
    }
  }

  std::vector<Value> expand() {
    std::vector<Value> all = {initial_state()};
    all.push_back(by_time("query", {heads_, group_, key_size_}));
    all.push_back(by_time("key", {heads_, 1, key_size_}));
    all.push_back(by_time("value", {heads_, 1, value_size_}));
    if (gated_) all.push_back(by_time("decay", {heads_, decay_size_, 1}));
    if (corrected_) all.push_back(by_time("beta", {beta_heads_, 1, 1}));
    Graph body("token");
    for (size_t k = 0; k < all.size(); ++k) {
      Type type = build_.type(all[k]);
      if (k > 0) type.shape.erase(type.shape.begin());
      body.add_input(std::move(type));
    }
    make_step(body);
    const std::vector<Value> results =
        build_.node("Scan", all,
                    {{"body", std::make_shared<const Graph>(std::move(body))},
                     {"num_scan_inputs", static_cast<int64_t>(all.size()) - 1}},
                    2);
    const Term by_batch = transpose({build_, results[1]}, {1, 0, 2, 3, 4});
    const Dim width = value_size_ * (heads_ * group_);
    const DType state_type = args_.has("past_state") ? args_.dtype("past_state") : type_of_data();
    return {cast(type_of_data(), reshape(by_batch, {batch_, time_, width})),
            cast(state_type, {build_, results[0]})};
  }

 private:
  static Dim divided(const Dim& size, int64_t heads, std::string_view what) {
    if (size.is_number() && size.number() % heads != 0)
      fail("{} has {} entries for {} heads", what, size.number(), heads);
    return floor_div(size, heads);
  }

  DType type_of_data() const { return args_.dtype("query"); }
  DType wide() const { return arithmetic_type(type_of_data()); }
  Term input(std::string_view name) const { return {build_, inputs_[args_.position(name)]}; }

  /// [batch, time, parts...] -> [time, batch, parts...]
  Value by_time(std::string_view name, const Dims& parts) {
    Dims shape = {batch_, time_};
    shape.insert(shape.end(), parts.begin(), parts.end());
    return transpose(reshape(cast(wide(), input(name)), shape), {1, 0, 2, 3, 4});
  }

  Value initial_state() {
    if (args_.has("past_state")) {
      args_.expect_rank("past_state", 4);
      const Dims wanted = {batch_, heads_, key_size_, value_size_};
      for (size_t k = 0; k < 4; ++k)
        common_dim(args_, args_.shape("past_state")[k], wanted[k], "past_state");
      return cast(wide(), input("past_state"));
    }
    const double zero = 0;
    return build_("ConstantOfShape", {build_.sizes({batch_, heads_, key_size_, value_size_})},
                  {{"value", Tensor::of(wide(), {1}, {&zero, 1})}});
  }

  /// S = exp(g) S + k x (beta (v - exp(g) S^T k)), o = scale q S; [batch, heads, 1 or group, size].
  void make_step(Graph& body) const {
    Builder inside(body);
    size_t next = 0;
    const auto take = [&] { return Term(inside, body.inputs()[next++]); };
    Term state = take();
    const Term q = take(), k = take(), v = take();
    if (gated_) state = state * exp(take());
    Term update = v;
    if (corrected_) update = take() * (v - apply("MatMul", k, state));
    state = state + transpose(k, {0, 1, 3, 2}) * update;
    body.set_outputs({state, apply("MatMul", q, state) * scale()});
  }

  double scale() const {
    if (const double given = args_.real("scale"); given != 0) return given;
    if (!key_size_.is_number()) fail_as(ErrorCode::unsupported, "the size of a head must be known");
    return 1 / std::sqrt(static_cast<double>(key_size_.number()));
  }

  const OpArgs& args_;
  Builder& build_;
  std::span<const Value> inputs_;
  int64_t heads_ = 0, group_ = 0;
  Dim batch_, time_, key_size_, value_size_, beta_heads_, decay_size_;
  bool gated_ = false, corrected_ = false;
};

std::vector<Value> expand_linear_attention(const OpArgs& args, Builder& build,
                                           std::span<const Value> inputs) {
  return LinearAttention(args, build, inputs).expand();
}

/// A depthwise convolution of x after the k - 1 places before it, which past_state has.
std::vector<Value> expand_causal_conv(const OpArgs& args, Builder& build,
                                      std::span<const Value> inputs) {
  args.expect_rank("input", 3);
  args.expect_rank("weight", 3);
  const Dims &x = args.shape("input"), &weight = args.shape("weight");
  if (!weight[0].is_number() || !weight[2].is_number())
    fail_as(ErrorCode::unsupported, "the shape of the weight must be known");
  common_dim(args, x[1], weight[0], "channels of input and weight");
  const int64_t before = weight[2].number() - 1;
  if (before < 0) fail("the weight has no element");
  Value padded;
  if (args.has("past_state")) {
    args.expect_rank("past_state", 3);
    common_dim(args, args.shape("past_state")[2], before, "the length of past_state");
    padded = build("Concat", {inputs[3], inputs[0]}, {{"axis", int64_t{2}}});
  } else {
    padded = build("Pad", {inputs[0], build.ints({0, 0, before, 0, 0, 0})});
  }
  const Value bias = args.has("bias") ? inputs[2] : Value();
  Term y(build, build("Conv", {padded, inputs[1], bias}, {{"group", weight[0].number()}}));
  const std::string activation = args.text("activation");
  if (activation == "silu" || activation == "swish") {
    y = apply("Swish", y);
  } else if (activation != "none") {
    fail("activation '{}' is not known", activation);
  }
  const Value end = build.ints({std::numeric_limits<int64_t>::max()});
  const Value state = build("Slice", {padded, build.sizes({x[2]}), end, build.ints({2})});
  return {y, state};
}

}  // namespace

const std::vector<OpDef>& linear_attention_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "LinearAttention",
       .doc = "Attention without softmax, as a recurrence over the sequence: S = exp(decay) * S + "
              "key x (beta * (value - exp(decay) * S^T key)), output = scale * query S; without "
              "decay or the correction by update_rule. In f32 or wider within.",
       .source = "ONNX LinearAttention-27",
       .inputs = {{"query", floats},
                  {"key", floats},
                  {"value", floats},
                  {"past_state", floats, Presence::optional},
                  {"decay", floats, Presence::optional},
                  {"beta", floats, Presence::optional}},
       .outputs = {"output", "present_state"},
       .attrs = {{"chunk_size", 64},
                 {"kv_num_heads", required_attr},
                 {"q_num_heads", required_attr},
                 {"scale", 0.0},
                 {"update_rule", "gated_delta"}},
       .expand = expand_linear_attention,
       .samples =
           {"query: f32[2,3,8], key: f32[2,3,4], value: f32[2,3,6], decay: f32[2,3,4], beta: "
            "f32[2,3,2], q_num_heads=4, kv_num_heads=2",
            "query: f16[1,2,2], key: f16[1,2,2], value: f16[1,2,3], past_state: f16[1,1,2,3], "
            "q_num_heads=1, kv_num_heads=1, update_rule=\"linear\"",
            "query: f32[1,n,4], key: f32[1,n,4], value: f32[1,n,4], decay: f32[1,n,2], "
            "q_num_heads=2, kv_num_heads=2, update_rule=\"gated\", scale=0.5",
            "query: f32[1,n,6], key: f32[1,n,6], value: f32[1,n,3], decay: f32[1,n,m], "
            "q_num_heads=3, kv_num_heads=3, update_rule=\"gated\"",
            "query: f32[1,1,2], key: f32[1,1,2], value: f32[1,1,2], beta: f32[1,1,1], "
            "q_num_heads=1, kv_num_heads=1, update_rule=\"delta\""}},
      {.name = "CausalConvWithState",
       .doc = "A convolution of each channel with its own kernel, which sees the k - 1 places "
              "before each one; those before the first come from past_state (or are 0), and those "
              "before the next input are present_state.",
       .source = "ONNX CausalConvWithState-27",
       .inputs = {{"input", floats},
                  {"weight", floats},
                  {"bias", floats, Presence::optional},
                  {"past_state", floats, Presence::optional}},
       .outputs = {"output", "present_state"},
       .attrs = {{"activation", "none"}},
       .expand = expand_causal_conv,
       .samples = {"input: f32[2,3,5], weight: f32[3,1,3], bias: f32[3], past_state: f32[2,3,2], "
                   "activation=\"silu\"",
                   "input: f16[1,2,n], weight: f16[2,1,2]", "input: f32[1,1,1], weight: f32[1,1,1]",
                   "input: f32[0,2,3], weight: f32[2,1,2]"}},
  };
  return rows;
}

}  // namespace dlc
