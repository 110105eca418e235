// Rows of com.microsoft: ops fused with an activation, forms of Gelu, layer normalizations of sums.
// All are bodies of other ops. Next: contrib_quantized.cpp, contrib_attention.cpp.
#include <algorithm>
#include <limits>

#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"
#include "runtime/host/linear_algebra.h"

namespace dlc {
namespace {

using types::floats;

double parameter(const Reals& given, size_t k, double standard) {
  return k < given.size() ? given[k] : standard;
}

/// The activation of a fused op by its name; "": none.
Term activate(const Term& x, const std::string& name, const Reals& given) {
  if (name.empty()) return x;
  if (name == "Relu" || name == "Tanh" || name == "Sigmoid" || name == "Softplus" ||
      name == "Gelu" || name == "HardSwish")
    return dlc::apply(name, x);
  if (name == "LeakyRelu") return apply(name, x, {{"alpha", parameter(given, 0, 0.01)}});
  if (name == "HardSigmoid")
    return apply(name, x,
                 {{"alpha", parameter(given, 0, 0.2)}, {"beta", parameter(given, 1, 0.5)}});
  if (name != "Clip") fail_as(ErrorCode::unsupported, "the activation '{}' is not supported", name);
  Builder& build = x.build();
  constexpr double most = std::numeric_limits<float>::max();
  return {build, build("Clip", {x, build.scalar(x.dtype(), parameter(given, 0, -most)),
                                build.scalar(x.dtype(), parameter(given, 1, most))})};
}

AttrMap given_attrs(const OpArgs& args, std::initializer_list<std::string_view> names) {
  AttrMap attrs;
  for (std::string_view name : names)
    if (const Attr* attr = args.attr(name)) attrs.emplace(name, *attr);
  return attrs;
}

std::vector<Value> expand_fused_conv(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const Value bias = args.has("B") ? inputs[2] : Value();
  Term y(build, build("Conv", {inputs[0], inputs[1], bias},
                      given_attrs(args, {"auto_pad", "dilations", "group", "kernel_shape", "pads",
                                         "strides"})));
  if (args.has("Z")) y = apply("Add", y, inputs[3]);
  return {activate(y, args.text("activation"), args.reals("activation_params"))};
}

std::vector<Value> expand_fused_gemm(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const Term y(build, build("Gemm", {inputs.begin(), inputs.end()},
                            given_attrs(args, {"alpha", "beta", "transA", "transB"})));
  Reals parameters;
  for (const char* name : {"activation_alpha", "activation_beta"})
    if (args.has_attr(name)) parameters.push_back(args.real(name));
  return {activate(y, args.text("activation"), parameters)};
}

/// `across`: the first axis is moved behind the other batch axes; then `inner` swaps the last two.
Term turned(const Term& x, bool across, bool inner) {
  if (x.rank() < 2 || (!across && !inner)) return x;
  Ints order;
  for (int64_t k = 0; k < x.rank(); ++k) order.push_back(k);
  if (across) std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  if (inner) std::swap(order[order.size() - 2], order[order.size() - 1]);
  return transpose(x, order);
}

std::vector<Value> expand_fused_matmul(const OpArgs& args, Builder& build,
                                       std::span<const Value> inputs) {
  const auto flag = [&](std::string_view name) { return args.integer(name) != 0; };
  const Term a = turned({build, inputs[0]}, flag("transBatchA"), flag("transA"));
  const Term b = turned({build, inputs[1]}, flag("transBatchB"), flag("transB"));
  const Term y = apply("MatMul", a, b);
  return {args.real("alpha") == 1 ? y : y * args.real("alpha")};
}

std::vector<Value> expand_fast_gelu(const OpArgs& args, Builder& build,
                                    std::span<const Value> inputs) {
  Term x(build, inputs[0]);
  if (args.has("bias")) x = apply("Add", x, inputs[1]);
  return {apply("Gelu", x, {{"approximate", std::string("tanh")}})};
}

/// 1 / sqrt(mean(x^2) + epsilon) over the last axis
Term inverse_root(const Term& x, double epsilon) {
  const Term wide = widen(x);
  const Term mean = reduce("ReduceMean", square(wide), {x.rank() - 1});
  return apply("Reciprocal", sqrt(mean + epsilon));
}

std::vector<Value> expand_simplified(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  expect_broadcast_to(args, args.shape("scale"), args.shape("X"), "scale");
  const Value y = build("RMSNormalization", {inputs[0], inputs[1]},
                        {{"axis", args.integer("axis")}, {"epsilon", args.real("epsilon")}});
  return {y, inverse_root({build, inputs[0]}, args.real("epsilon"))};
}

Term sum_of(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  Term sum = apply("Add", {build, inputs[0]}, inputs[1]);
  if (args.has("bias")) sum = apply("Add", sum, inputs[args.position("bias")]);
  return sum;
}

std::vector<Value> expand_skip(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  const Term sum = sum_of(args, build, inputs);
  const Value beta = args.has("beta") ? inputs[3] : Value();
  std::vector<Value> outputs = build.node("LayerNormalization", {sum, inputs[2], beta},
                                          {{"epsilon", args.real("epsilon")}}, 3);
  outputs.push_back(sum);
  return outputs;
}

std::vector<Value> expand_skip_simplified(const OpArgs& args, Builder& build,
                                          std::span<const Value> inputs) {
  const Term sum = sum_of(args, build, inputs);
  const double epsilon = args.real("epsilon");
  const Value y = build("RMSNormalization", {sum, inputs[2]}, {{"epsilon", epsilon}});
  const Term mean = reduce("ReduceMean", sum, {sum.rank() - 1});
  return {y, mean, inverse_root(sum, epsilon), sum};
}

/// The sum of the embeddings of words, positions and segments, normalized; and how many words of
/// each sample the mask lets through (with 1).
std::vector<Value> expand_embed(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  args.expect_rank("input_ids", 2);
  const Dims ids = args.shape("input_ids");
  const auto input = [&](std::string_view name) { return inputs[args.position(name)]; };
  const auto embedded = [&](std::string_view table, Value index) {
    return Term(build, build("Gather", {input(table), index}));
  };
  Term sum = embedded("word_embedding", inputs[0]);
  if (args.has("position_ids")) {
    sum = sum + embedded("position_embedding", input("position_ids"));
  } else {
    const Value first = build("Slice", {input("position_embedding"), build.ints({0}),
                                        build.sizes({ids[1]}), build.ints({0})});
    sum = apply("Add", sum, first);
  }
  if (args.has("segment_embedding") != args.has("segment_ids"))
    fail("segment_ids and segment_embedding go together");
  if (args.has("segment_ids")) sum = sum + embedded("segment_embedding", input("segment_ids"));
  const Value y = build("LayerNormalization", {sum, input("gamma"), input("beta")},
                        {{"epsilon", args.real("epsilon")}});
  Term counts(build, build("Expand", {build.scalar(DType::i32, 0), build.sizes({ids[0]})}));
  if (args.has("mask")) {
    const Term seen =
        cast(DType::i32, {build, build("Equal", {input("mask"), build.scalar(DType::i32, 1)})});
    counts = {build, build("ReduceSum", {seen, build.ints({1})}, {{"keepdims", int64_t{0}}})};
  }
  return {y, counts, sum};
}

/// The greatest of those elements in each window that the mask does not rule out
std::vector<Value> expand_masked_pool(const OpArgs& args, Builder& build,
                                      std::span<const Value> inputs) {
  const Term x(build, inputs[0]), mask(build, inputs[1]);
  const Term out = apply("Equal", mask, build.scalar(mask.dtype(), 0));
  const Term lowest(build, build.scalar(x.dtype(), -std::numeric_limits<float>::max()));
  return {build("MaxPool", {select(out, lowest, x)},
                given_attrs(args, {"auto_pad", "kernel_shape", "pads", "strides"}))};
}

std::vector<Type> infer_inverse(const OpArgs& args) {
  const Dims& x = args.shape("X");
  if (x.size() < 2) fail("X has rank {}, but must have at least 2", x.size());
  common_dim(args, x[x.size() - 2], x.back(), "a matrix that is not square");
  return {args.type("X")};
}

constexpr DTypes indices = types::indices;

std::vector<OpDef> fused_rows() {
  return {
      {.name = "com.microsoft.FusedConv",
       .doc = "A convolution, plus Z, through an activation.",
       .source = "com.microsoft FusedConv-1",
       .inputs = {{"X", floats},
                  {"W", floats},
                  {"B", floats, Presence::optional},
                  {"Z", floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"activation", ""},
                 {"activation_params"},
                 {"auto_pad"},
                 {"dilations"},
                 {"group"},
                 {"kernel_shape"},
                 {"pads"},
                 {"strides"}},
       .expand = expand_fused_conv,
       .samples = {"X: f32[1,2,5,5], W: f32[3,2,3,3], B: f32[3], Z: f32[1,3,3,3], "
                   "activation=\"LeakyRelu\", activation_params=[0.2]",
                   "X: f32[1,1,3], W: f32[1,1,2]"}},
      {.name = "com.microsoft.FusedGemm",
       .doc = "alpha * A' * B' + beta * C through an activation.",
       .source = "com.microsoft FusedGemm-1",
       .inputs = {{"A", floats}, {"B", floats}, {"C", floats, Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"activation", ""},
                 {"activation_alpha"},
                 {"activation_beta"},
                 {"activation_gamma"},
                 {"alpha", 1.0},
                 {"beta", 1.0},
                 {"transA", 0},
                 {"transB", 0}},
       .expand = expand_fused_gemm,
       .samples = {"A: f32[3,4], B: f32[5,4], C: f32[5], transB=1, activation=\"HardSigmoid\"",
                   "A: f32[1,1], B: f32[1,1]"}},
      {.name = "com.microsoft.FusedMatMul",
       .doc = "alpha times the product of matrices that may be transposed, or have their first "
              "axis behind the other batch axes (transBatch).",
       .source = "com.microsoft FusedMatMul-1",
       .inputs = {{"A", floats}, {"B", floats}},
       .outputs = {"Y"},
       .attrs =
           {{"alpha", 1.0}, {"transA", 0}, {"transB", 0}, {"transBatchA", 0}, {"transBatchB", 0}},
       .expand = expand_fused_matmul,
       .samples = {"A: f32[2,4,3], B: f32[2,5,4], transA=1, transB=1, alpha=0.5",
                   "A: f32[3,2,4], B: f32[2,4,5], transBatchA=1", "A: f32[1,1], B: f32[1,1]"}},
      {.name = "com.microsoft.MaxpoolWithMask",
       .doc = "The greatest of the elements of each window whose mask is not 0.",
       .source = "com.microsoft MaxpoolWithMask-1",
       .inputs = {{"X", one(DType::f32)}, {"M", one(DType::i32)}},
       .outputs = {"Y"},
       .attrs = {{"auto_pad"},
                 {"kernel_shape", required_attr},
                 {"pads"},
                 {"storage_order"},
                 {"strides"}},
       .expand = expand_masked_pool,
       .samples = {"X: f32[1,1,4,4], M: i32[1,1,4,4], kernel_shape=[2,2]"}},
      {.name = "com.microsoft.Inverse",
       .doc = "The inverse of each matrix; infinite or not a number where there is none.",
       .source = "com.microsoft Inverse-1",
       .inputs = {{"X", one(DType::f32) | one(DType::f64) | one(DType::f16)}},
       .outputs = {"Y"},
       .host = host::inverse,
       .infer = infer_inverse,
       .samples = {"X: f32[2,3,3]", "X: f64[1,1]", "X: f16[0,0]"}},
      {.name = "com.microsoft.Trilu",
       .doc = "The upper or lower triangle of matrices.",
       .source = "com.microsoft Trilu-1",
       .inputs = {{"X"}, {"k", one(DType::i64), Presence::optional}},
       .outputs = {"Y"},
       .attrs = {{"upper", 1}},
       .body = "%Y = Trilu(%X, %k, upper=$upper)",
       .samples = {"X: f32[3,4], k: i64[]{1}", "X: i64[2,2], upper=0"}},
      {.name = "com.microsoft.GatherND",
       .doc = "The parts of data at the tuples of indices.",
       .source = "com.microsoft GatherND-1",
       .inputs = {{"data"}, {"indices", indices}},
       .body = "%output = GatherND(%data, %indices)",
       .samples = {"data: f32[2,3], indices: i64[2,2]{0, 1, 1, 2}"}},
  };
}

std::vector<OpDef> gelu_rows() {
  return {
      {.name = "com.microsoft.Gelu",
       .doc = "Gelu, exactly.",
       .source = "com.microsoft Gelu-1",
       .inputs = {{"X", floats}},
       .outputs = {"Y"},
       .body = "%Y = Gelu(%X)",
       .samples = {"X: f32[2,3]", "X: f16[0]"}},
      {.name = "com.microsoft.BiasGelu",
       .doc = "Gelu of A + B, exactly.",
       .source = "com.microsoft BiasGelu-1",
       .inputs = {{"A", floats}, {"B", floats}},
       .outputs = {"C"},
       .body = "%C = Gelu(Add(%A, %B))",
       .samples = {"A: f32[2,3], B: f32[3]", "A: f16[0], B: f16[1]"}},
      {.name = "com.microsoft.FastGelu",
       .doc = "Gelu of X + bias, by tanh.",
       .source = "com.microsoft FastGelu-1",
       .inputs = {{"X", floats}, {"bias", floats, Presence::optional}},
       .outputs = {"Y"},
       .expand = expand_fast_gelu,
       .samples = {"X: f32[2,3], bias: f32[3]", "X: f16[4]"}},
      {.name = "com.microsoft.QuickGelu",
       .doc = "X / (1 + exp(-alpha * X)).",
       .source = "com.microsoft QuickGelu-1",
       .inputs = {{"X", floats}},
       .outputs = {"Y"},
       .attrs = {{"alpha", 1.702}},
       .body = "%Y = Swish(%X, alpha=$alpha)",
       .samples = {"X: f32[2,3]", "X: f16[4], alpha=1.0"}},
      {.name = "SimplifiedLayerNormalization",
       .doc = "X / sqrt(mean(X^2) + epsilon) * scale, and what X was multiplied by.",
       .source = "ONNX Runtime SimplifiedLayerNormalization-1",
       .inputs = {{"X", floats}, {"scale", floats}},
       .outputs = {"Y", "inv_std_var"},
       .attrs = {{"axis", -1}, {"epsilon", 1e-5}, {"stash_type", 1}},
       .expand = expand_simplified,
       .samples = {"X: f32[2,3,4], scale: f32[4]", "X: f16[1,2], scale: f16[2]"}},
      {.name = "com.microsoft.SkipLayerNormalization",
       .doc = "The layer normalization of input + skip + bias, and that sum.",
       .source = "com.microsoft SkipLayerNormalization-1",
       .inputs = {{"input", floats},
                  {"skip", floats},
                  {"gamma", floats},
                  {"beta", floats, Presence::optional},
                  {"bias", floats, Presence::optional}},
       .outputs = {"output", "mean", "inv_std_var", "input_skip_bias_sum"},
       .attrs = {{"epsilon", 1e-12}},
       .expand = expand_skip,
       .samples = {"input: f32[2,3,4], skip: f32[2,3,4], gamma: f32[4], beta: f32[4], bias: f32[4]",
                   "input: f32[1,2,4], skip: f32[2,4], gamma: f32[4]"}},
      {.name = "com.microsoft.SkipSimplifiedLayerNormalization",
       .doc = "input + skip + bias without its mean taken off, by its root mean square.",
       .source = "com.microsoft SkipSimplifiedLayerNormalization-1",
       .inputs = {{"input", floats},
                  {"skip", floats},
                  {"gamma", floats},
                  {"bias", floats, Presence::optional}},
       .outputs = {"output", "mean", "inv_std_var", "input_skip_bias_sum"},
       .attrs = {{"epsilon", 1e-12}},
       .expand = expand_skip_simplified,
       .samples = {"input: f32[2,3,4], skip: f32[2,3,4], gamma: f32[4], bias: f32[4]",
                   "input: f16[1,2,4], skip: f16[1,2,4], gamma: f16[4]"}},
      {.name = "com.microsoft.EmbedLayerNormalization",
       .doc = "The layer normalization of the sum of embeddings of words, positions and segments; "
              "how many words the mask has; and that sum.",
       .source = "com.microsoft EmbedLayerNormalization-1",
       .inputs = {{"input_ids", indices},
                  {"segment_ids", indices, Presence::optional},
                  {"word_embedding", floats},
                  {"position_embedding", floats},
                  {"segment_embedding", floats, Presence::optional},
                  {"gamma", floats},
                  {"beta", floats},
                  {"mask", one(DType::i32), Presence::optional},
                  {"position_ids", indices, Presence::optional}},
       .outputs = {"output", "mask_index", "embedding_sum"},
       .attrs = {{"epsilon", 1e-12}, {"mask_index_type", 0}},
       .expand = expand_embed,
       .samples = {"input_ids: i32[2,3]{0, 1, 2, 2, 1, 0}, segment_ids: i32[2,3]{0, 0, 1, 0, 1, "
                   "1}, word_embedding: f32[3,4], position_embedding: f32[5,4], "
                   "segment_embedding: f32[2,4], gamma: f32[4], beta: f32[4], mask: i32[2,3]"}},
  };
}

}  // namespace

const std::vector<OpDef>& contrib_fused_ops() {
  static const std::vector<OpDef> rows = [] {
    std::vector<OpDef> all = fused_rows();
    for (OpDef& row : gelu_rows()) all.push_back(std::move(row));
    return all;
  }();
  return rows;
}

}  // namespace dlc
