// Rows of ops on sequences and optionals. They run as C++ functions: runtime/host/sequence.h.
// A sequence's element type has numbers where all elements agree; other sizes are each element's
// own, and become fresh symbols once an element is taken out.
#include <algorithm>

#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/sequence.h"

namespace dlc {
namespace {

/// A type for elements of both types. Sizes that differ become `fresh`.
Type merge(const Type& a, const Type& b, const Dim& fresh) {
  if (a == b) return a;
  if (a.kind != b.kind || a.dtype != b.dtype)
    fail("a sequence cannot hold both {} and {}", to_string(a), to_string(b));
  if (!a.is_tensor()) return a;
  if (!a.ranked || !b.ranked || a.rank() != b.rank()) return Type::unranked(a.dtype);
  Type result = a;
  for (size_t k = 0; k < a.shape.size(); ++k)
    if (!(a.shape[k] == b.shape[k])) result.shape[k] = fresh;
  return result;
}

/// The type of one element taken out: its sizes are no other element's.
Type taken_out(const OpArgs& args, Type element) {
  for (size_t k = 0; k < element.shape.size(); ++k) {
    if (!element.shape[k].is_number())
      element.shape[k] = fresh_dim(args, fmt::format("element{}", k));
  }
  return element;
}

const Type& element_type(const OpArgs& args, size_t input) {
  const Type& type = args.type(input);
  if (type.kind != Type::Kind::sequence)
    fail("input {} must be a sequence, not {}", args.def().inputs[input].name, to_string(type));
  return *type.element;
}

std::vector<Type> infer_construct(const OpArgs& args) {
  Type element = args.type(0);
  for (size_t k = 1; k < args.input_count(); ++k)
    element = merge(element, args.type(k), fresh_dim(args, "element"));
  return {Type::sequence(std::move(element))};
}

std::vector<Type> infer_empty(const OpArgs& args) {
  return {Type::sequence(Type::unranked(args.element_type("dtype")))};
}

std::vector<Type> infer_at(const OpArgs& args) { return {taken_out(args, element_type(args, 0))}; }

std::vector<Type> infer_insert(const OpArgs& args) {
  return {Type::sequence(merge(element_type(args, 0), args.type(1), fresh_dim(args, "element")))};
}

std::vector<Type> infer_erase(const OpArgs& args) {
  element_type(args, 0);
  return {args.type(0)};
}

std::vector<Type> infer_length(const OpArgs& args) {
  element_type(args, 0);
  return {Type::tensor(DType::i64, {})};
}

std::vector<Type> infer_concat(const OpArgs& args) {
  Type type = taken_out(args, element_type(args, 0));
  if (!type.is_tensor() || !type.ranked) return {type};
  const bool stack = args.integer("new_axis") != 0;
  const int64_t axis = args.axis("axis", type.rank() + (stack ? 1 : 0));
  const Dim joined = fresh_dim(args, "joined");
  if (stack) {
    type.shape.insert(type.shape.begin() + axis, joined);
  } else {
    type.shape[axis] = joined;
  }
  return {type};
}

std::vector<Type> infer_split(const OpArgs& args) {
  Type part = args.type("input");
  const int64_t axis = args.axis("axis", args.rank("input"));
  if (!args.has("split")) {
    part.shape[axis] = 1;
    if (args.integer("keepdims") == 0) part.shape.erase(part.shape.begin() + axis);
    return {Type::sequence(std::move(part))};
  }
  Dim length = fresh_dim(args, "part");
  const std::optional<Dims> split = args.values_if_known("split");
  if (split && !split->empty()) {
    const bool equal = std::all_of(split->begin(), split->end(),
                                   [&](const Dim& size) { return size == (*split)[0]; });
    const Dim& size = part.shape[axis];
    const bool whole = args.rank("split") == 1 ||
                       (size.is_number() && (*split)[0].is_number() && (*split)[0].number() > 0 &&
                        size.number() % (*split)[0].number() == 0);
    if (equal && whole) length = (*split)[0];
  }
  part.shape[axis] = length;
  return {Type::sequence(std::move(part))};
}

std::vector<Type> infer_optional(const OpArgs& args) {
  if (args.has("input")) return {Type::optional(args.type("input"))};
  const Attr* type = args.attr("type");
  if (!type || !std::holds_alternative<Type>(*type)) fail("input and attribute type are missing");
  const Type& given = std::get<Type>(*type);
  return {given.kind == Type::Kind::optional ? given : Type::optional(given)};
}

std::vector<Type> infer_get_element(const OpArgs& args) {
  const Type& type = args.type("input");
  if (type.kind != Type::Kind::optional) return {type};
  return {taken_out(args, *type.element)};
}

std::vector<Type> infer_has_element(const OpArgs&) { return {Type::tensor(DType::boolean, {})}; }

}  // namespace

const std::vector<OpDef>& sequence_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "SequenceConstruct",
       .doc = "The sequence of the inputs.",
       .source = "ONNX SequenceConstruct-11",
       .inputs = {{"inputs", types::all, Presence::variadic}},
       .outputs = {"output_sequence"},
       .host = host::sequence_construct,
       .infer = infer_construct,
       .samples = {"inputs: f32[2,3], inputs: f32[1,3]", "inputs: i64[0]"}},
      {.name = "SequenceEmpty",
       .doc = "A sequence without elements, for tensors of `dtype` (ONNX's number; 1 is f32).",
       .source = "ONNX SequenceEmpty-11",
       .attrs = {{"dtype", int64_t{1}}},
       .host = host::sequence_empty,
       .infer = infer_empty,
       .samples = {"", "dtype=7"}},
      {.name = "SequenceAt",
       .doc = "The element at `position`; negative ones count from the end.",
       .source = "ONNX SequenceAt-11",
       .inputs = {{"input_sequence"}, {"position", types::indices}},
       .outputs = {"tensor"},
       .host = host::sequence_at,
       .infer = infer_at,
       .samples = {"input_sequence: seq(f32[2,3]), position: i64[]{1}",
                   "input_sequence: seq(i64[1]), position: i32[]{-2}"}},
      {.name = "SequenceInsert",
       .doc = "The sequence with `tensor` before `position`, or at the end.",
       .source = "ONNX SequenceInsert-11",
       .inputs = {{"input_sequence"}, {"tensor"}, {"position", types::indices, Presence::optional}},
       .outputs = {"output_sequence"},
       .host = host::sequence_insert,
       .infer = infer_insert,
       .samples = {"input_sequence: seq(f32[2,3]), tensor: f32[2,3], position: i64[]{-1}",
                   "input_sequence: seq(f16[0]), tensor: f16[0]"}},
      {.name = "SequenceErase",
       .doc = "The sequence without the element at `position`, or without the last.",
       .source = "ONNX SequenceErase-11",
       .inputs = {{"input_sequence"}, {"position", types::indices, Presence::optional}},
       .outputs = {"output_sequence"},
       .host = host::sequence_erase,
       .infer = infer_erase,
       .samples = {"input_sequence: seq(f32[2,3]), position: i64[]{0}",
                   "input_sequence: seq(bool[1])"}},
      {.name = "SequenceLength",
       .doc = "How many elements the sequence has.",
       .source = "ONNX SequenceLength-11",
       .inputs = {{"input_sequence"}},
       .outputs = {"length"},
       .host = host::sequence_length,
       .infer = infer_length,
       .samples = {"input_sequence: seq(f32[2,3])", "input_sequence: seq(u8[0])"}},
      {.name = "ConcatFromSequence",
       .doc = "The elements joined along `axis`; with new_axis=1 stacked along a new axis.",
       .source = "ONNX ConcatFromSequence-11",
       .inputs = {{"input_sequence"}},
       .outputs = {"concat_result"},
       .attrs = {{"axis", required_attr}, {"new_axis", int64_t{0}}},
       .host = host::concat_from_sequence,
       .infer = infer_concat,
       .samples = {"input_sequence: seq(f32[2,3]), axis=-1",
                   "input_sequence: seq(f64[0,1]), axis=0, new_axis=1"}},
      {.name = "SplitToSequence",
       .doc =
           "The parts of input along `axis`, with the lengths that split gives (one number: all "
           "but the last have it); without split slices of length 1, whose axis goes if keepdims "
           "is 0.",
       .source = "ONNX SplitToSequence-24",
       .inputs = {{"input"}, {"split", types::indices, Presence::optional}},
       .outputs = {"output_sequence"},
       .attrs = {{"axis", int64_t{0}}, {"keepdims", int64_t{1}}},
       .host = host::split_to_sequence,
       .infer = infer_split,
       .samples = {"input: f32[3,4], split: i64[2]{1, 2}",
                   "input: f32[3,4], split: i64[]{3}, axis=-1", "input: i32[0,2], keepdims=0"}},
      {.name = "Optional",
       .doc = "An optional that holds the input, or nothing of the given `type`.",
       .source = "ONNX Optional-15",
       .inputs = {{"input", types::all, Presence::optional}},
       .attrs = {{"type"}},
       .host = host::optional,
       .infer = infer_optional,
       .samples = {"input: f32[2,3]", "input: i64[0]"}},
      {.name = "OptionalGetElement",
       .doc = "What the optional holds; an error if it holds nothing.",
       .source = "ONNX OptionalGetElement-18",
       .inputs = {{"input"}},
       .host = host::optional_get_element,
       .infer = infer_get_element,
       .samples = {"input: opt(f32[2,3])", "input: f32[1]"}},
      {.name = "OptionalHasElement",
       .doc = "Whether the optional holds something.",
       .source = "ONNX OptionalHasElement-18",
       .inputs = {{"input", types::all, Presence::optional}},
       .host = host::optional_has_element,
       .infer = infer_has_element,
       .samples = {"input: opt(f32[2,3])", "input: seq(f32[1])"}},
  };
  return rows;
}

}  // namespace dlc
