// Loading the LLVM backend.
#include "compiler/driver/backend.h"

#include "runtime/module.h"

namespace dlc {

constexpr char backend_file[] = "libdlc-llvm.so";

std::filesystem::path backend_path() { return module_path(backend_file); }

const llvm_backend::Backend& llvm() {
  static const llvm_backend::Backend& loaded = *reinterpret_cast<llvm_backend::GetBackend>(
      module_function(backend_file, llvm_backend::get_backend))();
  return loaded;
}

}  // namespace dlc
