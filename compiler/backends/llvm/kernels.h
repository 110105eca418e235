// One function a kind of kernel: makes its code in `module` as function `symbol`.
// Next: jit.cpp, which calls them, loop_kernel.cpp.
#pragma once

#include <llvm/IR/Module.h>

#include <string>

#include "compiler/backends/llvm/jit.h"

namespace dlc::llvm_backend {

/// Everything of CompiledKernel but `function`. Throws Error(unsupported).
CompiledKernel emit_loop_kernel(const LoopKernel& kernel, const TargetInfo& target,
                                llvm::Module& module, const std::string& symbol);

CompiledKernel emit_staged_kernel(const StagedKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol);

CompiledKernel emit_attention_kernel(const AttentionKernel& kernel, const TargetInfo& target,
                                     llvm::Module& module, const std::string& symbol);

CompiledKernel emit_matmul_kernel(const MatmulKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol);

CompiledKernel emit_convolution_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                       llvm::Module& module, const std::string& symbol);

/// For kernels without a winograd_obstacle() (winograd.h).
CompiledKernel emit_winograd_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                    llvm::Module& module, const std::string& symbol);

/// For kernels that is_depthwise() is true of.
CompiledKernel emit_depthwise_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                     llvm::Module& module, const std::string& symbol);

}  // namespace dlc::llvm_backend
