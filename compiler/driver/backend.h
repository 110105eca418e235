// The LLVM backend, which is a library of its own: a process that only runs what was compiled
// before never loads LLVM.
// Next: compiler/backends/llvm/jit.h.
#pragma once

#include <filesystem>

#include "compiler/backends/llvm/jit.h"

namespace dlc {

/// Loads it on the first call. Throws Error(failed) when it is not where it belongs.
const llvm_backend::Backend& llvm();
/// Where it belongs: beside the library or program that this function is in.
std::filesystem::path backend_path();

}  // namespace dlc
