// Rows of ai.onnx.ml that prepare features: Scaler, Normalizer, Binarizer, Imputer, ...
// Next: ml_labels.cpp (maps and labels), ml_linear.cpp, ml_trees.cpp.
#include <cmath>

#include "compiler/ops/index_math.h"
#include "compiler/ops/ml.h"
#include "compiler/ops/registry.h"

namespace dlc {
namespace {

constexpr DTypes features = one(DType::f32) | one(DType::f64) | one(DType::i64) | one(DType::i32);

/// A list of one number, or of one for each feature, as a constant that broadcasts over rows.
Value per_feature(const OpArgs& args, Builder& build, DType dtype, const Reals& values,
                  std::string_view attr) {
  const Dims& x = args.shape("X");
  if (values.size() == 1) return build.scalar(dtype, values[0]);
  const auto count = static_cast<int64_t>(values.size());
  if (x.empty() || (x.back().is_number() && x.back().number() != count))
    fail("{} has {} numbers for {} features", attr, count, x.empty() ? "no" : x.back().to_string());
  args.require(SizeRule::equal, x.back(), count, "features");
  return real_constant(build, dtype, {count}, values);
}

/// (X - offset) * scale
std::vector<Value> expand_scaler(const OpArgs& args, Builder& build,
                                 std::span<const Value> inputs) {
  Term y = cast(DType::f32, {build, inputs[0]});
  if (const Reals offset = args.reals("offset"); !offset.empty())
    y = apply("Sub", y, per_feature(args, build, DType::f32, offset, "offset"));
  if (const Reals scale = args.reals("scale"); !scale.empty())
    y = apply("Mul", y, per_feature(args, build, DType::f32, scale, "scale"));
  return {y};
}

/// X divided by the greatest element, the sum of magnitudes or the length of each row
std::vector<Value> expand_normalizer(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const std::string norm = args.text("norm");
  const Term x = cast(DType::f32, {build, inputs[0]});
  if (x.rank() < 1) fail("X has no axis");
  const char* op = norm == "MAX"  ? "ReduceMax"
                   : norm == "L1" ? "ReduceL1"
                   : norm == "L2" ? "ReduceL2"
                                  : nullptr;
  if (op == nullptr) fail("norm '{}' is not known", norm);
  const Term divisor = reduce(op, x, {x.rank() - 1});
  const Term zero(build, build.scalar(DType::f32, 0)), one(build, build.scalar(DType::f32, 1));
  return {x / select(apply("Equal", divisor, zero), one, divisor)};
}

Expr binarize(const ScalarArgs& args) {
  const Expr x = args["X"];
  const Expr wide = is_float(x.dtype()) ? x : cast(DType::f64, x);
  return cast(x.dtype(), wide > args.real("threshold"));
}

std::vector<Value> expand_imputer(const OpArgs& args, Builder& build,
                                  std::span<const Value> inputs) {
  const Term x(build, inputs[0]);
  const bool real = is_float(x.dtype());
  Reals imputed;
  if (real) {
    imputed = args.reals("imputed_value_floats");
  } else {
    for (int64_t value : args.ints("imputed_value_int64s"))
      imputed.push_back(static_cast<double>(value));
  }
  if (imputed.empty()) fail("values to impute for elements of {} are missing", name(x.dtype()));
  const double replaced = real ? args.real("replaced_value_float")
                               : static_cast<double>(args.integer("replaced_value_int64"));
  const Term missing = std::isnan(replaced) ? apply("IsNaN", x)
                                            : apply("Equal", x, build.scalar(x.dtype(), replaced));
  const Value values = per_feature(args, build, x.dtype(), imputed, "the imputed values");
  return {select(missing, {build, values}, x)};
}

/// 1 at the place of the element among the categories
std::vector<Value> expand_one_hot(const OpArgs& args, Builder& build,
                                  std::span<const Value> inputs) {
  const bool of_strings = args.dtype("X") == DType::string;
  const std::optional<Tensor> categories = class_labels(args, "cats_int64s", "cats_strings");
  if (!categories || (categories->dtype() == DType::string) != of_strings)
    fail("there are no categories for elements of {}", name(args.dtype("X")));
  Term x(build, inputs[0]);
  if (!of_strings) x = cast(DType::i64, x);
  const AttrMap checked = {{"required", int64_t{args.integer("zeros") == 0}}};
  const Term place(build, build("dlc.LookUp", {x, build.constant(*categories)}, checked));
  const Term all(build, build("Range", {build.constant(Tensor::scalar(DType::i64, 0)),
                                        build.constant(Tensor::scalar(
                                            DType::i64, static_cast<double>(categories->size()))),
                                        build.constant(Tensor::scalar(DType::i64, 1))}));
  return {cast(DType::f32, apply("Equal", append_axes(place, 1), all))};
}

std::vector<Value> expand_extractor(const OpArgs& args, Builder& build,
                                    std::span<const Value> inputs) {
  const Dims& x = args.shape("X");
  if (x.empty()) fail("X has no axis");
  const Term indices = reshape({build, inputs[1]}, {product(args.shape("Y"))});
  const Term found(build, build("Gather", {inputs[0], indices}, {{"axis", int64_t{-1}}}));
  if (x.size() > 1) return {found};
  return {reshape(found, {1, found.shape()[0]})};
}

/// The features of all inputs, one after the other, in each row
std::vector<Value> expand_vectorizer(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const Ints sizes = args.ints("inputdimensions");
  if (!sizes.empty() && sizes.size() != inputs.size())
    fail("inputdimensions has {} numbers for {} inputs", sizes.size(), inputs.size());
  std::vector<Value> parts;
  for (Value input : inputs) {
    Term part = cast(DType::f32, {build, input});
    if (part.rank() == 1) part = reshape(part, {1, part.shape()[0]});
    if (part.rank() != 2) fail("an input has rank {}, but must have 1 or 2", part.rank());
    parts.push_back(part);
  }
  for (size_t k = 0; k < sizes.size(); ++k)
    common_dim(args, build.shape(parts[k])[1], sizes[k], "an input and inputdimensions");
  return {build("Concat", parts, {{"axis", int64_t{1}}})};
}

}  // namespace

const std::vector<OpDef>& ml_feature_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ai.onnx.ml.Scaler",
       .doc = "(X - offset) * scale, with one number for all or one for each feature.",
       .source = "ONNX ai.onnx.ml.Scaler-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"offset"}, {"scale"}},
       .expand = expand_scaler,
       .samples = {"X: f32[2,3], offset=[1.0,2.0,3.0], scale=[0.5]", "X: i64[n,1], scale=[2.5]",
                   "X: f64[0,2], offset=[1.5,2.0]"}},
      {.name = "ai.onnx.ml.Normalizer",
       .doc = "Each row divided by its greatest element (MAX), sum of magnitudes (L1) or length "
              "(L2), if that is not 0.",
       .source = "ONNX ai.onnx.ml.Normalizer-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"norm", "MAX"}},
       .expand = expand_normalizer,
       .samples = {"X: f32[2,3]", "X: i32[n,4], norm=\"L1\"", "X: f64[3], norm=\"L2\"",
                   "X: f32[2]{0, 0}, norm=\"L2\"", "X: f32[0,2]"}},
      {.name = "ai.onnx.ml.Binarizer",
       .doc = "1 where X is greater than the threshold, else 0.",
       .source = "ONNX ai.onnx.ml.Binarizer-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"threshold", 0.0}},
       .scalar = binarize,
       .samples = {"X: f32[2,3], threshold=0.5", "X: i64[4]", "X: f64[1]", "X: i32[0]"}},
      {.name = "ai.onnx.ml.Imputer",
       .doc = "X with all elements that equal the replaced value (NaN: that are none) replaced by "
              "the imputed one, one for all or one for each feature.",
       .source = "ONNX ai.onnx.ml.Imputer-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"imputed_value_floats"},
                 {"imputed_value_int64s"},
                 {"replaced_value_float", 0.0},
                 {"replaced_value_int64", 0}},
       .expand = expand_imputer,
       .samples = {"X: f32[2,3], imputed_value_floats=[1.5,2.5,3.5], replaced_value_float=1.0",
                   "X: i64[n,2], imputed_value_int64s=[7], replaced_value_int64=1",
                   "X: f64[0,1], imputed_value_floats=[1.5]"}},
      {.name = "ai.onnx.ml.OneHotEncoder",
       .doc = "A 1 at the place of each element among the categories, on a new last axis; all 0 "
              "where it is none of them, or (zeros=0) an error.",
       .source = "ONNX ai.onnx.ml.OneHotEncoder-1",
       .inputs = {{"X", features | types::strings}},
       .outputs = {"Y"},
       .attrs = {{"cats_int64s"}, {"cats_strings"}, {"zeros", 1}},
       .expand = expand_one_hot,
       .samples = {"X: i64[2,3], cats_int64s=[1,2,3]", "X: str[n], cats_strings=[\"a\",\"b\"]",
                   "X: f32[2]{1.0, 2.0}, cats_int64s=[2,1], zeros=0"}},
      {.name = "ai.onnx.ml.ArrayFeatureExtractor",
       .doc = "The features of X at the places Y of the last axis.",
       .source = "ONNX ai.onnx.ml.ArrayFeatureExtractor-1",
       .inputs = {{"X", features | types::strings}, {"Y", one(DType::i64)}},
       .outputs = {"Z"},
       .expand = expand_extractor,
       .samples = {"X: f32[2,3], Y: i64[2]{2, 0}", "X: str[3], Y: i64[1,2]{0, 1}",
                   "X: i64[n,1], Y: i64[1]{0}"}},
      {.name = "ai.onnx.ml.FeatureVectorizer",
       .doc = "The inputs side by side, as f32.",
       .source = "ONNX ai.onnx.ml.FeatureVectorizer-1",
       .inputs = {{"X", features, Presence::variadic}},
       .outputs = {"Y"},
       .attrs = {{"inputdimensions"}},
       .expand = expand_vectorizer,
       .samples = {"X: f32[2,3], f32[2,1], inputdimensions=[3,1]", "X: i64[3], i64[2]",
                   "X: f64[0,2]"}},
  };
  return rows;
}

}  // namespace dlc
