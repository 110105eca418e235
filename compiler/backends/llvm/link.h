// Objects to code: a linker for what LLVM makes of kernels, and nothing else.
// Next: runtime/machine_code.h.
#pragma once

#include <map>
#include <span>
#include <string>

#include "runtime/machine_code.h"

namespace dlc::llvm_backend {

/// Joins position-independent x86-64 ELF objects without writable data into one image.
class Linker {
 public:
  /// The offset of function `symbol` in the image. Throws Error(failed) for an object that is not
  /// of this kind.
  uint64_t add(std::span<const char> object, const std::string& symbol);
  CodeImage take() { return std::move(image_); }

 private:
  friend class ObjectReader;
  uint64_t place(std::span<const uint8_t> bytes, uint64_t alignment);
  /// A jump to a function outside; made on first use.
  uint64_t stub(const std::string& name);
  /// The cell that holds the function's address.
  uint64_t cell(const std::string& name) { return stub(name) + stub_cell; }

  static constexpr uint64_t stub_cell = 8;
  CodeImage image_;
  std::map<std::string, uint64_t> stubs_;
};

}  // namespace dlc::llvm_backend
