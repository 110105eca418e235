// Writing at positions that a tensor gives. One thread: updates for one place must keep their
// order.
#include "runtime/host/scatter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

enum class Reduction { none, add, mul, max, min };

Reduction reduction_of(const HostCall& call) {
  const std::string& name = call.attrs.text("reduction");
  if (name == "none") return Reduction::none;
  if (name == "add") return Reduction::add;
  if (name == "mul") return Reduction::mul;
  if (name == "max") return Reduction::max;
  if (name == "min") return Reduction::min;
  fail("reduction {} is not known", name);
}

template <typename T>
T combine(Reduction reduction, T a, T b) {
  switch (reduction) {
    case Reduction::none:
      return b;
    case Reduction::add:
      return a + b;
    case Reduction::mul:
      return a * b;
    case Reduction::max:
      return a != a ? a : b != b ? b : std::max(a, b);
    case Reduction::min:
      return a != a ? a : b != b ? b : std::min(a, b);
  }
  return b;
}

/// Writes runs of updates into the output.
class Writer {
 public:
  Writer(Tensor& output, const Tensor& updates, Reduction reduction)
      : output_(output), updates_(updates), reduction_(reduction), type_(output.dtype()) {
    if (bits(type_) < 8 || (is_complex(type_) && reduction != Reduction::none))
      fail_as(ErrorCode::unsupported, "scatter of {} is not supported", name(type_));
  }

  /// count elements from `from` of updates on to `to` of the output on.
  void write(int64_t to, int64_t from, int64_t count) {
    if (reduction_ == Reduction::none) {
      const size_t size = static_cast<size_t>(byte_size(type_, 1));
      std::memcpy(static_cast<char*>(output_.mutable_data()) + static_cast<size_t>(to) * size,
                  static_cast<const char*>(updates_.data()) + static_cast<size_t>(from) * size,
                  static_cast<size_t>(count) * size);
      return;
    }
    if (type_ == DType::f32) {
      float* out = output_.as_mutable<float>().data() + to;
      const float* in = updates_.as<float>().data() + from;
      for (int64_t k = 0; k < count; ++k) out[k] = combine(reduction_, out[k], in[k]);
      return;
    }
    for (int64_t k = 0; k < count; ++k) combine_one(to + k, from + k);
  }

 private:
  void combine_one(int64_t to, int64_t from) {
    void* out = output_.mutable_data();
    if (is_float(type_)) {
      const double a = load_real(type_, out, to), b = load_real(type_, updates_.data(), from);
      store_real(type_, out, to, combine(reduction_, a, b));
      return;
    }
    // Unsigned arithmetic wraps; only the order of u64 needs its own comparison.
    const auto a = static_cast<uint64_t>(load_integer(type_, out, to));
    const auto b = static_cast<uint64_t>(load_integer(type_, updates_.data(), from));
    const bool ordered =
        is_signed(type_) && (reduction_ == Reduction::max || reduction_ == Reduction::min);
    const int64_t result =
        ordered ? combine(reduction_, static_cast<int64_t>(a), static_cast<int64_t>(b))
                : static_cast<int64_t>(combine(reduction_, a, b));
    store_integer(type_, out, to, result);
  }

  Tensor& output_;
  const Tensor& updates_;
  Reduction reduction_;
  DType type_;
};

int64_t position(int64_t index, int64_t size) {
  if (index < -size || index >= size)
    fail("index {} is outside an axis of {} elements", index, size);
  return index < 0 ? index + size : index;
}

Shape strides_of(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t k = shape.size(); k-- > 1;) strides[k - 1] = strides[k] * shape[k];
  return strides;
}

Tensor& copy_of_data(const HostCall& call) {
  call.outputs[0] = call.in(0).dtype() == DType::string
                        ? throw Error(ErrorCode::unsupported, "scatter of strings is not supported")
                        : call.in(0).clone();
  return call.outputs[0].tensor;
}

}  // namespace

void scatter_elements(const HostCall& call) {
  const Tensor &indices = call.in(1), &updates = call.in(2);
  Tensor& output = copy_of_data(call);
  const Shape &data = output.shape(), &walk = indices.shape();
  const size_t rank = data.size();
  int64_t axis = call.attrs.integer("axis");
  if (axis < 0) axis += static_cast<int64_t>(rank);
  if (walk.size() != rank || updates.shape() != walk || axis < 0 ||
      axis >= static_cast<int64_t>(rank))
    fail("indices, updates and axis do not fit data of shape {}", to_string(data));
  for (size_t k = 0; k < rank; ++k) {
    if (static_cast<int64_t>(k) != axis && walk[k] > data[k])
      fail("indices of shape {} reach outside data of shape {}", to_string(walk), to_string(data));
  }
  Writer writer(output, updates, reduction_of(call));
  const Shape strides = strides_of(data);
  Shape at(rank, 0);
  for (int64_t n = 0; n < indices.size(); ++n) {
    int64_t to = 0;
    for (size_t k = 0; k < rank; ++k) {
      const bool chosen = static_cast<int64_t>(k) == axis;
      const int64_t i =
          chosen ? position(load_integer(indices.dtype(), indices.data(), n), data[k]) : at[k];
      to += i * strides[k];
    }
    writer.write(to, n, 1);
    for (size_t k = rank; k-- > 0 && ++at[k] == walk[k];) at[k] = 0;
  }
}

void scatter_nd(const HostCall& call) {
  const Tensor &indices = call.in(1), &updates = call.in(2);
  Tensor& output = copy_of_data(call);
  const Shape& data = output.shape();
  if (indices.rank() < 1 || indices.shape().back() > output.rank())
    fail("indices of shape {} do not fit data of shape {}", to_string(indices.shape()),
         to_string(data));
  const int64_t depth = indices.shape().back();
  Shape expected(indices.shape().begin(), indices.shape().end() - 1);
  expected.insert(expected.end(), data.begin() + depth, data.end());
  if (updates.shape() != expected)
    fail("updates have shape {}, but data and indices ask for {}", to_string(updates.shape()),
         to_string(expected));
  Writer writer(output, updates, reduction_of(call));
  const Shape strides = strides_of(data);
  const int64_t run = element_count(Shape(data.begin() + depth, data.end()));
  const int64_t tuples = element_count(Shape(indices.shape().begin(), indices.shape().end() - 1));
  for (int64_t n = 0; n < tuples; ++n) {
    int64_t to = 0;
    for (int64_t k = 0; k < depth; ++k)
      to += position(load_integer(indices.dtype(), indices.data(), n * depth + k), data[k]) *
            strides[k];
    writer.write(to, n * run, run);
  }
}

}  // namespace dlc::host
