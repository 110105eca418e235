// The LLVM backend: kernels to machine code in this process, by ORC LLJIT.
// Next: emit.h (expressions to LLVM IR), loop_kernel.cpp, matmul.cpp, convolution.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

struct JitOptions {
  int vector_bits = 0;         ///< 128, 256 or 512; 0: the widest that this machine has
  int opt_level = 2;           ///< 0: no LLVM optimization passes
  int threads = 1;             ///< modules compiled at a time
  bool keep_assembly = false;  ///< fills Jit::assembly
};

/// What the code is made for.
struct TargetInfo {
  std::string cpu;  ///< LLVM's name: "znver3"
  std::string isa;  ///< for people: "avx2 fma f16c"
  int vector_bits = 128;
  int vector_registers = 16;
  bool fma = false;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10;
};
TargetInfo host_target(int vector_bits = 0);
std::string llvm_version();

/// Compiled kernels and the memory they live in (which stays as long as code() is held).
class Jit {
 public:
  explicit Jit(const JitOptions& options);
  ~Jit();
  const TargetInfo& target() const;

  /// Throws Error(unsupported) for a kernel that cannot be emitted (an element type, ...), with the
  /// kernel's origins in the message; Error(failed) when LLVM reports an error.
  std::vector<CompiledKernel> compile(std::span<const Kernel> kernels);
  std::shared_ptr<const void> code() const;
  /// LLVM IR / assembly of the n-th kernel of the last compile, if keep_assembly.
  const std::string& assembly(size_t kernel) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dlc::llvm_backend
