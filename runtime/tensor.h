// Tensor: typed, shaped, dense, row-major memory; Datum: a tensor, sequence, optional or map.
// Next: runtime/program.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/dtype.h"

namespace dlc {

using Shape = std::vector<int64_t>;

/// Product of the dimensions. Throws Error(limit) when it does not fit in 63 bits, Error(invalid)
/// for a negative dimension.
int64_t element_count(std::span<const int64_t> shape);
std::string to_string(std::span<const int64_t> shape);  ///< "2x3", "scalar"

/// A dense row-major tensor. Copies share the memory (which is why constants cost nothing to copy);
/// mutable_data() is for whoever allocated it. Strings are std::string objects in that memory.
/// Distinct objects may be used from distinct threads.
class Tensor {
 public:
  Tensor() = default;
  /// Fresh memory, 64-byte aligned, zeroed (strings: empty). Throws Error(limit) when out of
  /// memory.
  static Tensor allocate(DType dtype, Shape shape);
  /// Memory of somebody else, alive as long as `owner` (which may be null: the caller sees to it).
  static Tensor borrow(DType dtype, Shape shape, const void* data,
                       std::shared_ptr<const void> owner = nullptr);
  /// A rank-1 tensor (or scalar) of the given values.
  static Tensor of(DType dtype, Shape shape, std::span<const double> values);
  static Tensor ints(std::span<const int64_t> values);  ///< i64[n]
  static Tensor scalar(DType dtype, double value);
  static Tensor strings(Shape shape, std::vector<std::string> values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t size() const { return size_; }  ///< elements
  int64_t bytes() const { return byte_size(dtype_, size_); }
  bool empty() const { return dtype_ == DType::undefined; }  ///< holds no tensor at all

  const void* data() const { return data_; }
  void* mutable_data() { return const_cast<void*>(data_); }
  template <typename T>
  std::span<const T> as() const {
    return {static_cast<const T*>(data_), static_cast<size_t>(size_)};
  }
  template <typename T>
  std::span<T> as_mutable() {
    return {static_cast<T*>(mutable_data()), static_cast<size_t>(size_)};
  }
  /// Any numeric tensor's elements, converted.
  std::vector<int64_t> to_ints() const;
  std::vector<double> to_reals() const;

  /// Like *this = borrow(...), but without allocating when the rank stays.
  void rebind(DType dtype, std::span<const int64_t> shape, const void* data,
              std::shared_ptr<const void> owner = nullptr);
  /// Null: nobody's, or memory that somebody else sees to. A use count of 1 means that no other
  /// tensor has the memory.
  const std::shared_ptr<const void>& owner() const { return owner_; }

  /// The same memory under another shape of as many elements.
  Tensor reshaped(Shape shape) const;
  /// A deep copy.
  Tensor clone() const;

 private:
  DType dtype_ = DType::undefined;
  Shape shape_;
  int64_t size_ = 0;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

/// Copies elements between tensors of one dtype, packed ones and strings included. The ranges must
/// be inside the tensors and not overlap.
void copy_elements(const Tensor& from, int64_t from_index, Tensor& to, int64_t to_index,
                   int64_t count);

/// Same dtype, shape and bytes (strings: equal strings).
bool identical(const Tensor& a, const Tensor& b);

/// What a graph's value is at run time. `none` is an absent optional (or an unset value).
struct Datum {
  enum class Kind : uint8_t { none, tensor, sequence, map };
  Kind kind = Kind::none;
  Tensor tensor;             ///< kind tensor
  std::vector<Datum> items;  ///< kind sequence: the elements; kind map: the values
  Tensor keys;               ///< kind map: 1-D tensor of keys

  Datum() = default;
  Datum(Tensor t) : kind(Kind::tensor), tensor(std::move(t)) {}  // NOLINT: implicit on purpose
  static Datum sequence(std::vector<Datum> items);
};

}  // namespace dlc
