// Rows of ops on strings, and what ops that move elements need to move strings.
// They run as C++ functions: runtime/host/strings.h. Next: on_strings.h.
#include <algorithm>

#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/strings.h"

namespace dlc {
namespace {

using types::strings;

std::vector<Type> infer_like_input(const OpArgs& args) {
  return {Type::tensor(DType::string, args.shape(0))};
}

std::vector<Type> infer_equal(const OpArgs& args) {
  return {Type::tensor(DType::boolean, broadcast_shape(args))};
}

std::vector<Type> infer_concat(const OpArgs& args) {
  return {Type::tensor(DType::string, broadcast_shape(args))};
}

std::vector<Type> infer_cast(const OpArgs& args) {
  const DType from = args.dtype("input"), to = args.element_type("to");
  if (is_complex(to) || is_complex(from))
    fail("a cast from {} to {} does not exist", name(from), name(to));
  if (from != to && from != DType::string && to != DType::string)
    fail("neither {} nor {} is str", name(from), name(to));
  return {Type::tensor(to, args.shape("input"))};
}

std::vector<Type> infer_split(const OpArgs& args) {
  Dims parts = args.shape("X");
  const Dims counts = parts;
  parts.push_back(fresh_dim(args, "parts"));
  return {Type::tensor(DType::string, parts), Type::tensor(DType::i64, counts)};
}

std::vector<Type> infer_normalizer(const OpArgs& args) {
  const Dims& x = args.shape("X");
  if (x.empty() || x.size() > 2) fail("X has rank {}, but must have 1 or 2", x.size());
  Dims shape = x;
  shape.back() = fresh_dim(args, "words");
  return {Type::tensor(DType::string, shape)};
}

std::vector<Type> infer_match(const OpArgs& args) {
  return {Type::tensor(DType::boolean, args.shape("X"))};
}

std::vector<Type> infer_tf_idf(const OpArgs& args) {
  const Dims& x = args.shape("X");
  if (x.size() > 2) fail("X has rank {}, but must have 1 or 2", x.size());
  const Ints columns = args.ints("ngram_indexes");
  if (columns.empty()) fail("ngram_indexes is empty");
  for (const char* pool : {"pool_strings", "pool_int64s"}) {
    const bool of_strings = std::string_view(pool) == "pool_strings";
    if (of_strings == (args.dtype("X") == DType::string) && !args.attr(pool))
      fail("attribute {} is missing", pool);
  }
  const std::string mode = args.text("mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    fail("mode is '{}', but must be 'TF', 'IDF' or 'TFIDF'", mode);
  const Dim width = *std::max_element(columns.begin(), columns.end()) + 1;
  return {Type::tensor(DType::f32, x.size() == 2 ? Dims{x[0], width} : Dims{width})};
}

/// result[i] = position of i in x * step + first
Computed compute_number(const ComputeArgs& args) {
  const Dims& shape = args.shape("x");
  return tensor(shape, [&](const Indices& i) {
    return flatten_index(i, shape) * index(args.integer("step")) + index(args.integer("first"));
  });
}

}  // namespace

const std::vector<OpDef>& string_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "dlc.Number",
       .doc = "first + step * k for the k-th element of x, whatever that is.",
       .source = "dlc",
       .inputs = {{"x"}},
       .attrs = {{"step", 1}, {"first", 0}},
       .compute = compute_number,
       .final_type = true,
       .samples = {"x: str[2,3], step=2, first=1", "x: f32[]", "x: i64[0]"}},
      {.name = "dlc.TakeStrings",
       .doc = "Where a position is p * n + k + 1, element p of the k-th of n texts; the empty "
              "string where it is 0.",
       .source = "dlc",
       .inputs = {{"positions", one(DType::i64)}, {"texts", strings, Presence::variadic}},
       .host = host::take_strings,
       .infer = infer_like_input,
       .samples = {"positions: i64[4]{0, 1, 2, 4}, texts: str[2], str[3]",
                   "positions: i64[0], texts: str[2]"}},
      {.name = "dlc.EqualStrings",
       .doc = "Whether a and b are the same, byte by byte.",
       .source = "ONNX Equal-19",
       .inputs = {{"a", strings}, {"b", strings}},
       .host = host::equal_strings,
       .infer = infer_equal,
       .samples = {"a: str[2,3], b: str[3]", "a: str[0], b: str[]"}},
      {.name = "dlc.CastStrings",
       .doc = "Numbers as text, with the fewest digits that say them, or what texts say as "
              "numbers; an error for a text that says none.",
       .source = "ONNX Cast-28",
       .inputs = {{"input"}},
       .attrs = {{"to", required_attr}, {"saturate", 1}, {"round_mode", "up"}},
       .host = host::cast_strings,
       .infer = infer_cast,
       .samples = {"input: f32[2,3], to=8", "input: i64[4], to=8", "input: bool[1], to=8",
                   "input: str[2]{\"1.5\", \"-inf\"}, to=1", "input: f16[0], to=8"}},
      {.name = "StringConcat",
       .doc = "X followed by Y.",
       .source = "ONNX StringConcat-20",
       .inputs = {{"X", strings}, {"Y", strings}},
       .outputs = {"Z"},
       .host = host::string_concat,
       .infer = infer_concat,
       .samples = {"X: str[2,3], Y: str[3]", "X: str[1], Y: str[]", "X: str[0], Y: str[1]"}},
      {.name = "StringSplit",
       .doc = "The parts of each string between delimiters (none: between runs of white space), "
              "at most maxsplit + 1, padded with empty strings; and how many there are.",
       .source = "ONNX StringSplit-20",
       .inputs = {{"X", strings}},
       .outputs = {"Y", "Z"},
       .attrs = {{"delimiter"}, {"maxsplit"}},
       .host = host::string_split,
       .infer = infer_split,
       .samples = {"X: str[3]{\"a b  c\", \"\", \" d\"}",
                   "X: str[2]{\"a,b,,c\", \"x\"}, delimiter=\",\", maxsplit=2", "X: str[0]"}},
      {.name = "StringNormalizer",
       .doc = "The strings that are no stop words, in lower or upper case if asked for; one empty "
              "string if none is left.",
       .source = "ONNX StringNormalizer-10",
       .inputs = {{"X", strings}},
       .outputs = {"Y"},
       .attrs =
           {{"case_change_action", "NONE"}, {"is_case_sensitive", 0}, {"locale"}, {"stopwords"}},
       .host = host::string_normalizer,
       .infer = infer_normalizer,
       .samples = {"X: str[3], stopwords=[\"a\"], case_change_action=\"UPPER\"", "X: str[1,2]",
                   "X: str[0]"}},
      {.name = "RegexFullMatch",
       .doc = "Whether all of a string matches the pattern, in RE2's syntax.",
       .source = "ONNX RegexFullMatch-20",
       .inputs = {{"X", strings}},
       .outputs = {"Y"},
       .attrs = {{"pattern", required_attr}},
       .host = host::regex_full_match,
       .infer = infer_match,
       .samples = {"X: str[2,3], pattern=\"[ab]\"", "X: str[0], pattern=\"\""}},
      {.name = "TfIdfVectorizer",
       .doc = "How often each n-gram of the pool occurs in a row, with up to max_skip_count items "
              "left out between two; weighted (TFIDF), or its weight if it occurs at all (IDF).",
       .source = "ONNX TfIdfVectorizer-9",
       .inputs = {{"X", strings | types::indices}},
       .outputs = {"Y"},
       .attrs = {{"max_gram_length", required_attr},
                 {"max_skip_count", required_attr},
                 {"min_gram_length", required_attr},
                 {"mode", required_attr},
                 {"ngram_counts", required_attr},
                 {"ngram_indexes", required_attr},
                 {"pool_int64s"},
                 {"pool_strings"},
                 {"weights"}},
       .host = host::tf_idf_vectorizer,
       .infer = infer_tf_idf,
       .samples = {"X: i64[2,5], max_gram_length=2, min_gram_length=1, max_skip_count=1, "
                   "mode=\"TF\", ngram_counts=[0,2], ngram_indexes=[0,1,2], pool_int64s=[1,2,1,2]",
                   "X: str[4], max_gram_length=1, min_gram_length=1, max_skip_count=0, "
                   "mode=\"TFIDF\", ngram_counts=[0], ngram_indexes=[1,0], "
                   "pool_strings=[\"a\",\"b\"], weights=[0.5,2.0]"}},
  };
  return rows;
}

}  // namespace dlc
