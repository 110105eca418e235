// The LLVM backend: kernels to machine code in this process.
// Next: emit.h (expressions to LLVM IR), loop_kernel.cpp, matmul.cpp, convolution.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

/// Objects of kernels that were compiled before, by what decides them. Both may be called by
/// several threads at once.
struct ObjectStore {
  std::function<std::optional<std::string>(std::string_view what)> find;
  std::function<void(std::string_view what, std::string_view object)> keep;
};

struct JitOptions {
  int vector_bits = 0;         ///< 128, 256 or 512; 0: the widest that this machine has
  int opt_level = 2;           ///< 0: no LLVM optimization passes
  int threads = 1;             ///< modules compiled at a time
  bool keep_assembly = false;  ///< fills Jit::assembly
  ObjectStore objects = {};    ///< empty: everything is compiled
};

/// What the code is made for.
struct TargetInfo {
  std::string cpu;  ///< LLVM's name: "znver3"
  std::string isa;  ///< for people: "avx2 fma f16c"
  int vector_bits = 128;
  int vector_registers = 16;
  bool fma = false;
  bool vnni = false, bf16 = false;  ///< dot products of bytes, of bf16
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10;
};
TargetInfo host_target(int vector_bits = 0);
std::string llvm_version();

/// Compiles kernels. Their functions live as long as what code() gave after the compile is held.
class Jit {
 public:
  explicit Jit(const JitOptions& options);
  ~Jit();
  const TargetInfo& target() const;

  /// Throws Error(unsupported) for a kernel that cannot be emitted (an element type, ...), with the
  /// kernel's origins in the message; Error(failed) when LLVM reports an error.
  std::vector<CompiledKernel> compile(std::span<const Kernel> kernels);
  std::shared_ptr<const MachineCode> code() const;  ///< of the last compile
  /// LLVM IR / assembly of the n-th kernel of the last compile, if keep_assembly.
  const std::string& assembly(size_t kernel) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct CompiledCode {
  std::vector<CompiledKernel> kernels;
  std::shared_ptr<const MachineCode> code;
};
/// What the library of this backend offers to who loads it (compiler/driver/backend.h).
struct Backend {
  TargetInfo (*host_target)(int vector_bits);
  std::string (*version)();
  CompiledCode (*compile)(std::span<const Kernel> kernels, const JitOptions& options);
};
/// Of the library's one function, and its type.
inline constexpr char get_backend[] = "dlc_llvm_backend";
using GetBackend = const Backend* (*)();

}  // namespace dlc::llvm_backend
