// LLVM's side of the target: features, target machines, passes.
// Next: target.cpp, jit.cpp.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "compiler/backends/llvm/jit.h"

namespace dlc::llvm_backend {

/// Initializes LLVM's x86 code generator, once.
void initialize_llvm();
/// Not thread-safe in use: one a thread. Throws Error(failed).
std::unique_ptr<llvm::TargetMachine> make_target_machine(const TargetInfo& target, int opt_level);
/// The passes that suit code which is vectorized already.
void optimize(llvm::Module& module, llvm::TargetMachine& machine);
llvm::SmallVector<char, 0> generate_code(llvm::Module& module, llvm::TargetMachine& machine,
                                         bool assembly);
/// Throws Error(failed) with LLVM's message.
void check(llvm::Error error, const char* what);
template <typename T>
T check(llvm::Expected<T> value, const char* what) {
  if (!value) check(value.takeError(), what);
  return static_cast<T&&>(*value);
}

}  // namespace dlc::llvm_backend
