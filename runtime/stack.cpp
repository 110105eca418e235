// Stacking along any axis, in either direction.
// Next: runtime/control_flow.cpp.
#include "runtime/stack.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "runtime/error.h"

namespace dlc {
namespace {

// A trip count is often only a bound: up to this size the whole stack is made at once.
constexpr int64_t bytes_made_at_once = int64_t{64} << 20;
constexpr int64_t least_capacity = 16;

int64_t parse_size(const std::string& dim, const Symbols& symbols) {
  int64_t size = 0;
  const auto [end, error] = std::from_chars(dim.data(), dim.data() + dim.size(), size);
  if (error == std::errc() && end == dim.data() + dim.size()) return size;
  return symbols.find(dim).value_or(0);
}

}  // namespace

void Stack::begin(int64_t limit, bool exact, int64_t axis, bool reversed) {
  assert((exact || (axis == 0 && !reversed)) && "the place of an element must be known");
  limit_ = limit;
  exact_ = exact;
  axis_ = axis;
  reversed_ = reversed;
  if (memory_.owner().use_count() > 1) memory_ = {};
}

int64_t Stack::element_axis(size_t element_rank) const {
  const auto rank = static_cast<int64_t>(element_rank) + 1;
  if (axis_ < -rank || axis_ >= rank)
    fail("output axis {} is outside [-{}, {})", axis_, rank, rank);
  return axis_ < 0 ? axis_ + rank : axis_;
}

/// Elements are whole runs of bytes in the stack, in order.
bool Stack::is_direct() const {
  return dtype_ != DType::string && element_axis(shape_.size()) == 0 &&
         element_size_ * bits(dtype_) % 8 == 0;
}

void Stack::learn(const Tensor& element) {
  if (element.dtype() != dtype_) memory_ = {};
  dtype_ = element.dtype();
  shape_ = element.shape();
  element_size_ = element.size();
}

void Stack::reserve(int64_t count) {
  int64_t total = 0;
  if (__builtin_mul_overflow(count, element_size_, &total))
    fail_as(ErrorCode::limit, "{} stacked elements of shape {} do not fit in memory", count,
            to_string(shape_));
  if (!memory_.empty() && memory_.size() >= total) return;
  int64_t capacity = limit_;
  int64_t at_once = 0;
  if (!exact_ && (__builtin_mul_overflow(limit_, std::max<int64_t>(element_size_, 1), &at_once) ||
                  at_once > bytes_made_at_once))
    capacity = std::min(limit_, std::max(2 * count, least_capacity));
  Tensor larger = Tensor::allocate(dtype_, {element_count(Shape{capacity, element_size_})});
  // An exact stack has its size from the start: here are the elements of a growing one.
  if (!exact_ && count > 1) copy_elements(memory_, 0, larger, 0, (count - 1) * element_size_);
  memory_ = std::move(larger);
}

void Stack::prepare(int64_t i, Datum& out) {
  if (dtype_ == DType::undefined || !is_direct()) return;
  const int64_t count = exact_ ? limit_ : i + 1;
  // The first element may have another size than those of the run before: only memory that is there
  // already is offered to it.
  if (i == 0 && (memory_.empty() || memory_.size() / std::max<int64_t>(element_size_, 1) < count))
    return;
  reserve(count);
  if (out.kind != Datum::Kind::tensor) out = {};
  out.kind = Datum::Kind::tensor;
  const int64_t offset = byte_size(dtype_, place(i) * element_size_);
  out.tensor.rebind(dtype_, shape_, static_cast<char*>(memory_.mutable_data()) + offset);
}

void Stack::take(int64_t i, const Datum& out) {
  if (out.kind != Datum::Kind::tensor) fail("a stacked output must be a tensor");
  const Tensor& element = out.tensor;
  if (element.dtype() != dtype_ || element.shape() != shape_) {
    if (i > 0)
      fail("stacked elements must have one shape; iteration {} gave {} after {}", i,
           to_string(element.shape()), to_string(shape_));
    learn(element);
  }
  reserve(exact_ ? limit_ : i + 1);
  const int64_t axis = element_axis(shape_.size());
  int64_t outer = 1, inner = 1;
  for (size_t k = 0; k < shape_.size(); ++k)
    (static_cast<int64_t>(k) < axis ? outer : inner) *= shape_[k];
  const auto* here = static_cast<char*>(memory_.mutable_data());
  if (is_direct() && element.data() == here + byte_size(dtype_, place(i) * element_size_)) return;
  const int64_t stride = axis == 0 ? 0 : limit_ * inner;
  for (int64_t k = 0; k < outer; ++k)
    copy_elements(element, k * inner, memory_, k * stride + place(i) * inner, inner);
}

Tensor Stack::finish(int64_t count, const Parameter& parameter, const Symbols& symbols) {
  DType dtype = dtype_;
  Shape shape = shape_;
  if (count == 0) {
    dtype = parameter.dtype;
    shape.clear();
    for (const std::string& dim : parameter.dims) shape.push_back(parse_size(dim, symbols));
  }
  shape.insert(shape.begin() + element_axis(shape.size()), count);
  if (count == 0) return Tensor::allocate(dtype, std::move(shape));
  return Tensor::borrow(dtype, std::move(shape), memory_.data(), memory_.owner());
}

}  // namespace dlc
