// The backend as a library that is loaded when it is needed.
#include "compiler/backends/llvm/jit.h"

namespace dlc::llvm_backend {
namespace {

CompiledCode compile(std::span<const Kernel> kernels, const JitOptions& options) {
  Jit jit(options);
  std::vector<CompiledKernel> compiled = jit.compile(kernels);
  return {std::move(compiled), jit.code()};
}

constexpr Backend backend = {
    .host_target = host_target, .version = llvm_version, .compile = compile};

}  // namespace
}  // namespace dlc::llvm_backend

extern "C" const dlc::llvm_backend::Backend* dlc_llvm_backend() {
  return &dlc::llvm_backend::backend;
}
