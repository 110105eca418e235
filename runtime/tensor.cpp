// Tensor: its memory, and conversions from and to plain numbers.
// Next: runtime/program.h.
#include "runtime/tensor.h"

#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cstdlib>
#include <cstring>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

constexpr int64_t alignment = 64;

int64_t physical_memory() {
  static const int64_t bytes =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return bytes;
}

/// Weights that are read from memory once a run come a quarter to a half faster from huge pages
/// (measured: 22 GB/s and 29). A hint only: where it is not taken, nothing is lost.
void prefer_huge_pages(void* block, int64_t bytes) {
  constexpr int64_t least = int64_t{4} << 20;
  constexpr uintptr_t page = 4096;
  if (bytes < least) return;
  const auto address = reinterpret_cast<uintptr_t>(block);
  const uintptr_t begin = (address + page - 1) / page * page;
  const uintptr_t end = (address + static_cast<uintptr_t>(bytes)) / page * page;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

/// Zeroed bytes. calloc: large blocks come zeroed from the kernel, page by page on first touch.
std::shared_ptr<const void> allocate_bytes(int64_t bytes, const void*& data) {
  void* block = bytes > physical_memory() ? nullptr : std::calloc(1, bytes + alignment);
  if (!block) fail_as(ErrorCode::limit, "out of memory: {} bytes asked for one tensor", bytes);
  prefer_huge_pages(block, bytes);
  const auto address = reinterpret_cast<uintptr_t>(block);
  data = reinterpret_cast<void*>((address + alignment - 1) / alignment * alignment);
  return {block, std::free};
}

std::shared_ptr<const void> allocate_strings(int64_t count, const void*& data) {
  if (byte_size(DType::string, count) > physical_memory())
    fail_as(ErrorCode::limit, "out of memory: {} strings asked for one tensor", count);
  auto block = std::make_shared<std::vector<std::string>>(static_cast<size_t>(count));
  data = block->data();
  return block;
}

}  // namespace

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  bool overflow = false, zero = false;
  for (int64_t dim : shape) {
    if (dim < 0) fail("shape {} has a negative dimension", to_string(shape));
    zero |= dim == 0;
    overflow |= __builtin_mul_overflow(count, dim, &count);
  }
  if (zero) return 0;
  if (overflow) fail_as(ErrorCode::limit, "shape {} has too many elements", to_string(shape));
  return count;
}

std::string to_string(std::span<const int64_t> shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

Tensor Tensor::allocate(DType dtype, Shape shape) {
  assert(dtype != DType::undefined && "a tensor has an element type");
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.size_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.owner_ = dtype == DType::string ? allocate_strings(tensor.size_, tensor.data_)
                                         : allocate_bytes(tensor.bytes(), tensor.data_);
  return tensor;
}

Tensor Tensor::borrow(DType dtype, Shape shape, const void* data,
                      std::shared_ptr<const void> owner) {
  assert(dtype != DType::undefined && "a tensor has an element type");
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.size_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.data_ = data;
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::of(DType dtype, Shape shape, std::span<const double> values) {
  Tensor tensor = allocate(dtype, std::move(shape));
  assert(tensor.size() == static_cast<int64_t>(values.size()) && "one value for each element");
  for (int64_t i = 0; i < tensor.size(); ++i)
    store_real(dtype, tensor.mutable_data(), i, values[i]);
  return tensor;
}

Tensor Tensor::ints(std::span<const int64_t> values) {
  Tensor tensor = allocate(DType::i64, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as_mutable<int64_t>().begin());
  return tensor;
}

Tensor Tensor::scalar(DType dtype, double value) { return of(dtype, {}, std::span(&value, 1)); }

Tensor Tensor::strings(Shape shape, std::vector<std::string> values) {
  Tensor tensor = allocate(DType::string, std::move(shape));
  assert(tensor.size() == static_cast<int64_t>(values.size()) && "one value for each element");
  std::move(values.begin(), values.end(), tensor.as_mutable<std::string>().begin());
  return tensor;
}

std::vector<int64_t> Tensor::to_ints() const {
  std::vector<int64_t> values(size_);
  for (int64_t i = 0; i < size_; ++i) values[i] = load_integer(dtype_, data_, i);
  return values;
}

std::vector<double> Tensor::to_reals() const {
  std::vector<double> values(size_);
  for (int64_t i = 0; i < size_; ++i) values[i] = load_real(dtype_, data_, i);
  return values;
}

void Tensor::rebind(DType dtype, std::span<const int64_t> shape, const void* data,
                    std::shared_ptr<const void> owner) {
  dtype_ = dtype;
  size_ = element_count(shape);
  shape_.assign(shape.begin(), shape.end());
  data_ = data;
  owner_ = std::move(owner);
}

Tensor Tensor::reshaped(Shape shape) const {
  assert(element_count(shape) == size_ && "reshaping keeps the number of elements");
  Tensor tensor = *this;
  tensor.shape_ = std::move(shape);
  return tensor;
}

Tensor Tensor::clone() const {
  if (empty()) return {};
  Tensor copy = allocate(dtype_, shape_);
  copy_elements(*this, 0, copy, 0, size_);
  return copy;
}

void copy_elements(const Tensor& from, int64_t from_index, Tensor& to, int64_t to_index,
                   int64_t count) {
  assert(from.dtype() == to.dtype() && "copying does not convert");
  if (count <= 0) return;
  if (from.dtype() == DType::string) {
    const auto source = from.as<std::string>().subspan(from_index, count);
    std::copy(source.begin(), source.end(), to.as_mutable<std::string>().begin() + to_index);
    return;
  }
  const int width = bits(from.dtype());
  if (width < 8 && (from_index * width % 8 != 0 || to_index * width % 8 != 0 ||
                    (count * width % 8 != 0 && to_index + count != to.size()))) {
    const DType raw = width == 4 ? DType::u4 : DType::u2;
    for (int64_t i = 0; i < count; ++i)
      store_integer(raw, to.mutable_data(), to_index + i,
                    load_integer(raw, from.data(), from_index + i));
    return;
  }
  std::memcpy(static_cast<char*>(to.mutable_data()) + to_index * width / 8,
              static_cast<const char*>(from.data()) + from_index * width / 8,
              byte_size(from.dtype(), count));
}

bool identical(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.empty() || a.size() == 0 || a.data() == b.data()) return true;
  if (a.dtype() == DType::string) {
    const auto left = a.as<std::string>(), right = b.as<std::string>();
    return std::equal(left.begin(), left.end(), right.begin());
  }
  const int64_t whole_bytes = a.size() * bits(a.dtype()) / 8;
  if (std::memcmp(a.data(), b.data(), whole_bytes) != 0) return false;
  // The unused bits of a last byte with packed elements mean nothing.
  const int used = static_cast<int>(a.size() * bits(a.dtype()) % 8);
  const auto last = [&](const Tensor& t) {
    return static_cast<const uint8_t*>(t.data())[whole_bytes];
  };
  return used == 0 || ((last(a) ^ last(b)) & ((1 << used) - 1)) == 0;
}

Datum Datum::sequence(std::vector<Datum> items) {
  Datum datum;
  datum.kind = Kind::sequence;
  datum.items = std::move(items);
  return datum;
}

}  // namespace dlc
