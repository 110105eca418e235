// Machine code: what a backend made, in executable memory.
// Next: runtime/artifact.h (code and programs in files), compiler/backends/llvm/link.h (who makes
// it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dlc {

/// Compiled code for items [begin, end) of a kernel's parallel loop. buffers: the step's slots in
/// order; params: its evaluated dims in order; scratch: `scratch_bytes` of this thread's own
/// memory, 64-byte aligned. Never throws, touches nothing else.
using KernelFunction = void (*)(void* const* buffers, const int64_t* params, void* scratch,
                                int64_t begin, int64_t end);

/// Code that runs wherever it lies, once the addresses of the functions it calls are filled in.
struct CodeImage {
  /// A function of the C library, the math libraries or dlc; its address belongs into the 8 bytes
  /// at offset `cell`.
  struct Import {
    uint64_t cell;
    std::string name;
    bool operator==(const Import&) const = default;
  };
  std::vector<uint8_t> bytes;
  std::vector<Import> imports;
};

/// An image in memory of its own, which nobody can write to.
class MachineCode {
 public:
  /// Throws Error(unsupported): a function is not there; Error(invalid): an import is outside it.
  explicit MachineCode(const CodeImage& image);
  ~MachineCode();
  MachineCode(const MachineCode&) = delete;
  MachineCode& operator=(const MachineCode&) = delete;

  KernelFunction function(uint64_t offset) const;
  /// Where a function of this code begins; throws Error(failed) for any other.
  uint64_t offset_of(KernelFunction function) const;
  /// What it was made of.
  CodeImage image() const;
  size_t size() const { return size_; }

 private:
  uint8_t* memory_ = nullptr;
  size_t size_ = 0, mapped_ = 0;
  std::vector<CodeImage::Import> imports_;
};

}  // namespace dlc
