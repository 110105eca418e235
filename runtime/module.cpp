// Loading of libraries.
#include "runtime/module.h"

#include <dlfcn.h>

#include "runtime/error.h"

namespace dlc {

std::filesystem::path module_path(const char* file) {
  Dl_info info = {};
  if (::dladdr(reinterpret_cast<const void*>(&module_path), &info) == 0 || !info.dli_fname)
    fail_as(ErrorCode::failed, "where dlc is installed cannot be found out");
  const std::filesystem::path folder = std::filesystem::path(info.dli_fname).parent_path();
  std::filesystem::path beside = folder / file;
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored)) return beside;
  std::filesystem::path other = folder.parent_path() / "lib" / file;
  return std::filesystem::exists(other, ignored) ? other : beside;
}

void* module_function(const char* file, const char* function) {
  // Never closed: code of LLVM's runs at exit.
  void* library = ::dlopen(module_path(file).c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library) fail_as(ErrorCode::failed, "{} cannot be loaded: {}", file, ::dlerror());
  void* found = ::dlsym(library, function);
  if (!found) fail_as(ErrorCode::failed, "{} is not dlc's", module_path(file).string());
  return found;
}

}  // namespace dlc
