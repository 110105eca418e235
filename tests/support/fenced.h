// Tensors in memory that ends, or begins, at a page nobody may touch: a read outside of one crashes
// even in code that no sanitizer sees.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "runtime/tensor.h"

namespace dlc::test {

enum class Fence { behind, before };

/// A copy of a tensor (not of strings) with a fence on that side.
inline Tensor fenced(const Tensor& tensor, Fence side) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto bytes = static_cast<size_t>(tensor.bytes());
  const size_t inside = (bytes + page - 1) / page * page, all = inside + 2 * page;
  void* memory = mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const std::shared_ptr<const void> owner(
      memory, [all](const void* start) { munmap(const_cast<void*>(start), all); });
  char* const first = static_cast<char*>(memory) + page;
  if (inside > 0 && mprotect(first, inside, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  char* const data = side == Fence::behind ? first + inside - bytes : first;
  if (bytes > 0) std::memcpy(data, tensor.data(), bytes);
  return Tensor::borrow(tensor.dtype(), tensor.shape(), data, owner);
}

}  // namespace dlc::test
