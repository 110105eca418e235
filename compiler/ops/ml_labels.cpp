// Rows of ai.onnx.ml about labels and maps: LabelEncoder, CategoryMapper, ZipMap, CastMap,
// DictVectorizer. Host functions: runtime/host/labels.h.
#include "compiler/ops/index_math.h"
#include "compiler/ops/ml.h"
#include "compiler/ops/registry.h"
#include "runtime/host/labels.h"

namespace dlc {
namespace {

constexpr DTypes labels = types::strings | types::floats | types::indices | one(DType::i16);

Tensor tensor_of(const Strings& texts) {
  return Tensor::strings({static_cast<int64_t>(texts.size())}, texts);
}
Tensor tensor_of(const Reals& reals) {
  return Tensor::of(DType::f32, {static_cast<int64_t>(reals.size())}, reals);
}

/// The list that one of the attributes prefix_strings, _int64s, _floats and _tensor has.
Tensor list_of(const OpArgs& args, const std::string& prefix) {
  std::optional<Tensor> found;
  const auto give = [&](Tensor list) {
    if (list.size() == 0) return;
    if (found) fail("more than one of the attributes {}_* is given", prefix);
    found = list.reshaped({list.size()});
  };
  give(tensor_of(args.strings(prefix + "_strings")));
  give(Tensor::ints(args.ints(prefix + "_int64s")));
  give(tensor_of(args.reals(prefix + "_floats")));
  if (const Attr* attr = args.attr(prefix + "_tensor")) {
    const auto* tensor = std::get_if<Tensor>(attr);
    if (tensor == nullptr) fail("attribute {}_tensor must be a tensor", prefix);
    give(*tensor);
  }
  if (!found) fail("none of the attributes {}_* is given", prefix);
  return *found;
}

/// What elements that are no key become, of the values' type.
Tensor default_of(const OpArgs& args, DType type) {
  if (const Attr* attr = args.attr("default_tensor")) {
    const auto* tensor = std::get_if<Tensor>(attr);
    if (tensor == nullptr || tensor->dtype() != type || tensor->size() != 1)
      fail("default_tensor must be one element of {}", name(type));
    return tensor->reshaped({1});
  }
  if (type == DType::string) return Tensor::strings({1}, {args.text("default_string")});
  const double value = is_float(type) ? args.real("default_float")
                                      : static_cast<double>(args.integer("default_int64"));
  return Tensor::of(type, {1}, {&value, 1});
}

/// values[position of X among keys], or `otherwise`
Value translate(Builder& build, Value x, const Tensor& keys, const Tensor& values,
                const Tensor& otherwise) {
  if (keys.size() != values.size())
    fail("there are {} keys, but {} values", keys.size(), values.size());
  if (keys.dtype() != build.type(x).dtype)
    fail("X is of {}, but the keys of {}", name(build.type(x).dtype), name(keys.dtype()));
  Tensor all = Tensor::allocate(values.dtype(), {values.size() + 1});
  copy_elements(values, 0, all, 0, values.size());
  copy_elements(otherwise, 0, all, values.size(), 1);
  const Value place = build("dlc.LookUp", {x, build.constant(keys)});
  return build("Gather", {build.constant(std::move(all)), place});
}

std::vector<Value> expand_label_encoder(const OpArgs& args, Builder& build,
                                        std::span<const Value> inputs) {
  const Tensor values = list_of(args, "values");
  return {
      translate(build, inputs[0], list_of(args, "keys"), values, default_of(args, values.dtype()))};
}

std::vector<Value> expand_category_mapper(const OpArgs& args, Builder& build,
                                          std::span<const Value> inputs) {
  const Tensor texts = tensor_of(args.strings("cats_strings"));
  const Tensor numbers = Tensor::ints(args.ints("cats_int64s"));
  const bool to_numbers = args.dtype("X") == DType::string;
  const Tensor otherwise = default_of(args, to_numbers ? DType::i64 : DType::string);
  return {to_numbers ? translate(build, inputs[0], texts, numbers, otherwise)
                     : translate(build, inputs[0], numbers, texts, otherwise)};
}

std::vector<Type> infer_look_up(const OpArgs& args) {
  if (args.dtype("x") != args.dtype("keys"))
    fail("x is of {}, but the keys of {}", name(args.dtype("x")), name(args.dtype("keys")));
  args.integer("required");
  return {Type::tensor(DType::i64, args.shape("x"))};
}

const Type& map_type(const OpArgs& args) {
  const Type& type = args.type("X");
  if (type.kind != Type::Kind::map || !type.element->is_tensor())
    fail("X must be a map to tensors, not {}", to_string(type));
  return type;
}

std::vector<Type> infer_cast_map(const OpArgs& args) {
  if (map_type(args).dtype != DType::i64) fail("the keys of X must be i64");
  const std::string to = args.text("cast_to"), form = args.text("map_form");
  if (to != "TO_FLOAT" && to != "TO_STRING" && to != "TO_INT64")
    fail("cast_to '{}' is not known", to);
  if (form != "DENSE" && form != "SPARSE") fail("map_form '{}' is not known", form);
  const Dim size = form == "SPARSE" ? Dim(args.integer("max_map")) : fresh_dim(args, "keys");
  const DType type = to == "TO_STRING" ? DType::string : to == "TO_INT64" ? DType::i64 : DType::f32;
  return {Type::tensor(type, {1, size})};
}

std::vector<Type> infer_dict(const OpArgs& args) {
  const Type& map = map_type(args);
  const size_t size = map.dtype == DType::string ? args.strings("string_vocabulary").size()
                                                 : args.ints("int64_vocabulary").size();
  if (size == 0) fail("the vocabulary for keys of {} is missing", name(map.dtype));
  return {Type::tensor(map.element->dtype, {1, static_cast<int64_t>(size)})};
}

std::vector<Type> infer_zip_map(const OpArgs& args) {
  const std::optional<Tensor> keys =
      class_labels(args, "classlabels_int64s", "classlabels_strings");
  if (!keys) fail("the labels are missing");
  const Dims& x = args.shape("X");
  if (x.empty() || x.size() > 2) fail("X has rank {}, but must have 1 or 2", x.size());
  common_dim(args, x.back(), keys->size(), "X and the labels");
  return {Type::sequence(Type::map(keys->dtype(), Type::tensor(DType::f32, {})))};
}

}  // namespace

const std::vector<OpDef>& ml_label_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "dlc.LookUp",
       .doc = "The position of each element among the keys, the last of equal ones; the number of "
              "keys where there is none, or (required=1) an error. NaN equals NaN.",
       .source = "dlc",
       .inputs = {{"x"}, {"keys"}},
       .attrs = {{"required", 0}},
       .host = host::look_up,
       .infer = infer_look_up,
       .samples = {"x: i64[2,3], keys: i64[3]{1, -1, 1}", "x: str[n], keys: str[2]{\"a\", \"c\"}",
                   "x: f32[3]{1, nan, -0}, keys: f32[2]{nan, 0}", "x: i32[0], keys: i32[0]"}},
      {.name = "ai.onnx.ml.LabelEncoder",
       .doc = "The value for each element of X, by parallel lists of keys and values; the default "
              "where it is no key.",
       .source = "ONNX ai.onnx.ml.LabelEncoder-4",
       .inputs = {{"X", labels}},
       .outputs = {"Y"},
       .attrs = {{"default_float", -0.0},
                 {"default_int64", -1},
                 {"default_string", "_Unused"},
                 {"default_tensor"},
                 {"keys_floats"},
                 {"keys_int64s"},
                 {"keys_strings"},
                 {"keys_tensor"},
                 {"values_floats"},
                 {"values_int64s"},
                 {"values_strings"},
                 {"values_tensor"}},
       .expand = expand_label_encoder,
       .samples = {"X: str[2,3], keys_strings=[\"a\",\"b\"], values_int64s=[5,6]",
                   "X: i64[n], keys_int64s=[1,2], values_strings=[\"one\",\"two\"], "
                   "default_string=\"many\"",
                   "X: f32[3], keys_floats=[0.5], values_floats=[1.5]"}},
      {.name = "ai.onnx.ml.CategoryMapper",
       .doc = "Strings to integers or integers to strings by two parallel lists.",
       .source = "ONNX ai.onnx.ml.CategoryMapper-1",
       .inputs = {{"X", types::strings | one(DType::i64)}},
       .outputs = {"Y"},
       .attrs = {{"cats_int64s"},
                 {"cats_strings"},
                 {"default_int64", -1},
                 {"default_string", "_Unused"}},
       .expand = expand_category_mapper,
       .samples = {"X: str[3], cats_int64s=[1,2], cats_strings=[\"a\",\"b\"]",
                   "X: i64[n,2], cats_int64s=[1,2], cats_strings=[\"a\",\"b\"]"}},
      {.name = "ai.onnx.ml.CastMap",
       .doc = "The values of a map, by ascending keys (DENSE) or each at the place its key says.",
       .source = "ONNX ai.onnx.ml.CastMap-1",
       .inputs = {{"X"}},
       .outputs = {"Y"},
       .attrs = {{"cast_to", "TO_FLOAT"}, {"map_form", "DENSE"}, {"max_map", 1}},
       .host = host::cast_map,
       .infer = infer_cast_map,
       .samples = {"X: map(i64,f32[])", "X: map(i64,f32[]), cast_to=\"TO_STRING\"",
                   "X: map(i64,str[]), cast_to=\"TO_STRING\", map_form=\"SPARSE\", max_map=9"}},
      {.name = "ai.onnx.ml.DictVectorizer",
       .doc = "The values of a map, each at the place of its key in the vocabulary.",
       .source = "ONNX ai.onnx.ml.DictVectorizer-1",
       .inputs = {{"X"}},
       .outputs = {"Y"},
       .attrs = {{"int64_vocabulary"}, {"string_vocabulary"}},
       .host = host::dict_vectorizer,
       .infer = infer_dict,
       .samples = {"X: map(str,f32[]), string_vocabulary=[\"c\",\"b\",\"a\",\"d\"]",
                   "X: map(i64,f64[]), int64_vocabulary=[0,1,2,3,4,5,6,7,8]",
                   "X: map(str,str[]), string_vocabulary=[\"c\",\"a\"]"}},
      {.name = "ai.onnx.ml.ZipMap",
       .doc = "Each row of X as a map from the labels to its elements.",
       .source = "ONNX ai.onnx.ml.ZipMap-1",
       .inputs = {{"X", one(DType::f32)}},
       .outputs = {"Z"},
       .attrs = {{"classlabels_int64s"}, {"classlabels_strings"}},
       .host = host::zip_map,
       .infer = infer_zip_map,
       .samples = {"X: f32[2,3], classlabels_int64s=[3,1,2]",
                   "X: f32[2], classlabels_strings=[\"x\",\"y\"]",
                   "X: f32[0,1], classlabels_int64s=[1]"}},
  };
  return rows;
}

}  // namespace dlc
