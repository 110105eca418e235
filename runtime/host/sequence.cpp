// Sequence and optional ops.
// Next: runtime/tensor.h (Datum).
#include "runtime/host/sequence.h"

#include <algorithm>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

/// `datum` to be kept beyond the call.
Datum keep(const Datum& datum) {
  return datum.kind == Datum::Kind::tensor ? Datum(datum.tensor.clone()) : datum;
}

const std::vector<Datum>& items(const HostCall& call, size_t input) {
  if (!call.has(input) || call.inputs[input].kind != Datum::Kind::sequence)
    fail("input {} is no sequence", input);
  return call.inputs[input].items;
}

/// Input `input` as a position in [0, size), or in [0, size] if the end counts too.
int64_t position(const HostCall& call, size_t input, int64_t size, bool end_too) {
  const Tensor& tensor = call.in(input);
  if (tensor.size() != 1) fail("a position must be one number, not {}", tensor.size());
  const int64_t given = load_integer(tensor.dtype(), tensor.data(), 0);
  if (given < -size || given >= size + (end_too ? 1 : 0))
    fail("position {} is outside a sequence of {} elements", given, size);
  return given < 0 ? given + size : given;
}

int64_t normalize_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) fail("axis {} is outside [-{}, {})", axis, rank, rank);
  return axis < 0 ? axis + rank : axis;
}

/// Elements before and from an axis on.
int64_t outer_size(const Shape& shape, int64_t axis) {
  return element_count(std::span(shape).first(axis));
}
int64_t inner_size(const Shape& shape, int64_t axis) {
  return element_count(std::span(shape).subspan(axis));
}

}  // namespace

void sequence_construct(const HostCall& call) {
  std::vector<Datum> all;
  for (const Datum& input : call.inputs) all.push_back(keep(input));
  call.outputs[0] = Datum::sequence(std::move(all));
}

void sequence_empty(const HostCall& call) { call.outputs[0] = Datum::sequence({}); }

void sequence_at(const HostCall& call) {
  const std::vector<Datum>& all = items(call, 0);
  call.outputs[0] = all[position(call, 1, static_cast<int64_t>(all.size()), false)];
}

void sequence_insert(const HostCall& call) {
  std::vector<Datum> all = items(call, 0);
  const auto size = static_cast<int64_t>(all.size());
  const int64_t at = call.has(2) ? position(call, 2, size, true) : size;
  all.insert(all.begin() + at, keep(call.inputs[1]));
  call.outputs[0] = Datum::sequence(std::move(all));
}

void sequence_erase(const HostCall& call) {
  std::vector<Datum> all = items(call, 0);
  const auto size = static_cast<int64_t>(all.size());
  if (size == 0) fail("nothing can be erased from an empty sequence");
  all.erase(all.begin() + (call.has(1) ? position(call, 1, size, false) : size - 1));
  call.outputs[0] = Datum::sequence(std::move(all));
}

void sequence_length(const HostCall& call) {
  call.out(0, DType::i64, {}).as_mutable<int64_t>()[0] =
      static_cast<int64_t>(items(call, 0).size());
}

void concat_from_sequence(const HostCall& call) {
  const std::vector<Datum>& all = items(call, 0);
  if (all.empty()) fail("an empty sequence has nothing to concatenate");
  const Tensor& first = all[0].tensor;
  const bool stack = call.attrs.integer("new_axis") != 0;
  const int64_t axis = normalize_axis(call.attrs.integer("axis"), first.rank() + (stack ? 1 : 0));
  Shape shape = first.shape();
  if (stack) shape.insert(shape.begin() + axis, 1);
  const Shape one = shape;
  shape[axis] = 0;
  for (const Datum& item : all) {
    Shape own = item.tensor.shape();
    if (item.kind != Datum::Kind::tensor || item.tensor.dtype() != first.dtype() ||
        own.size() != first.shape().size())
      fail("the elements of the sequence have different types");
    if (stack) own.insert(own.begin() + axis, 1);
    shape[axis] += own[axis];
    own[axis] = one[axis];
    if (own != one)
      fail("elements of shapes {} and {} cannot be concatenated along axis {}",
           to_string(first.shape()), to_string(item.tensor.shape()), axis);
  }
  Tensor& result = call.out(0, first.dtype(), shape);
  const int64_t outer = outer_size(shape, axis), row = inner_size(shape, axis);
  int64_t offset = 0;
  for (const Datum& item : all) {
    const int64_t part = outer == 0 ? 0 : item.tensor.size() / outer;
    for (int64_t k = 0; k < outer; ++k)
      copy_elements(item.tensor, k * part, result, k * row + offset, part);
    offset += part;
  }
}

namespace {

/// The lengths of the parts of an axis of `size` elements.
std::vector<int64_t> split_lengths(const HostCall& call, int64_t size) {
  if (!call.has(1)) return std::vector<int64_t>(size, 1);
  std::vector<int64_t> lengths = call.in(1).to_ints();
  if (call.in(1).rank() == 0) {
    const int64_t length = lengths.at(0);
    if (length <= 0) fail("split is {}, but must be positive", length);
    lengths.assign(size / length, length);
    if (size % length != 0) lengths.push_back(size % length);
    return lengths;
  }
  int64_t sum = 0;
  for (int64_t length : lengths) {
    if (length < 0 || __builtin_add_overflow(sum, length, &sum))
      fail("split has the length {}", length);
  }
  if (sum != size) fail("split adds up to {}, but the axis has {} elements", sum, size);
  return lengths;
}

}  // namespace

void split_to_sequence(const HostCall& call) {
  const Tensor& input = call.in(0);
  const int64_t axis = normalize_axis(call.attrs.integer("axis"), input.rank());
  const bool drop_axis = !call.has(1) && call.attrs.integer("keepdims") == 0;
  const int64_t outer = outer_size(input.shape(), axis), row = inner_size(input.shape(), axis);
  const int64_t inner = inner_size(input.shape(), axis + 1);
  std::vector<Datum> parts;
  int64_t offset = 0;
  for (int64_t length : split_lengths(call, input.shape()[axis])) {
    Shape shape = input.shape();
    shape[axis] = length;
    if (drop_axis) shape.erase(shape.begin() + axis);
    Tensor part = Tensor::allocate(input.dtype(), shape);
    for (int64_t k = 0; k < outer; ++k)
      copy_elements(input, k * row + offset * inner, part, k * length * inner, length * inner);
    offset += length;
    parts.emplace_back(std::move(part));
  }
  call.outputs[0] = Datum::sequence(std::move(parts));
}

void optional(const HostCall& call) {
  call.outputs[0] = call.has(0) ? keep(call.inputs[0]) : Datum();
}

void optional_get_element(const HostCall& call) {
  if (!call.has(0)) fail("the optional has no element");
  call.outputs[0] = keep(call.inputs[0]);
}

void optional_has_element(const HostCall& call) {
  call.out(0, DType::boolean, {}).as_mutable<bool>()[0] = call.has(0);
}

}  // namespace dlc::host
