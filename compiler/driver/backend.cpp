// Loading the LLVM backend.
#include "compiler/driver/backend.h"

#include <dlfcn.h>

#include "runtime/error.h"

namespace dlc {

std::filesystem::path backend_path() {
  Dl_info info = {};
  if (::dladdr(reinterpret_cast<const void*>(&backend_path), &info) == 0 || !info.dli_fname)
    fail_as(ErrorCode::failed, "where dlc is installed cannot be found out");
  return std::filesystem::path(info.dli_fname).parent_path() / "libdlc-llvm.so";
}

const llvm_backend::Backend& llvm() {
  static const llvm_backend::Backend& loaded = []() -> const llvm_backend::Backend& {
    // Never closed: code of LLVM's runs at exit.
    void* library = ::dlopen(backend_path().c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (!library) fail_as(ErrorCode::failed, "the LLVM backend cannot be loaded: {}", ::dlerror());
    const auto get =
        reinterpret_cast<llvm_backend::GetBackend>(::dlsym(library, llvm_backend::get_backend));
    if (!get) fail_as(ErrorCode::failed, "{} is not dlc's", backend_path().string());
    return *get();
  }();
  return loaded;
}

}  // namespace dlc
