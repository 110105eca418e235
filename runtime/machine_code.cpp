// Executable memory, and the functions that generated code may call.
#include "runtime/machine_code.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

uint8_t encode_small_float_double(uint32_t type, double value) {
  return encode_small_float(static_cast<DType>(type), value);
}

void* find_function(const std::string& name) {
  if (name == "dlc_encode_small_float") return reinterpret_cast<void*>(&encode_small_float_double);
  if (void* found = ::dlsym(RTLD_DEFAULT, name.c_str())) return found;
  // Not every process has these loaded; once loaded they stay, as the code's callers do.
  for (const char* library : {"libm.so.6", "libmvec.so.1", "libgcc_s.so.1"}) {
    void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) continue;
    if (void* found = ::dlsym(handle, name.c_str())) return found;
    ::dlclose(handle);
  }
  fail_as(ErrorCode::unsupported, "the code needs a function '{}', which this system does not have",
          name);
}

}  // namespace

MachineCode::MachineCode(const CodeImage& image)
    : size_(image.bytes.size()), imports_(image.imports) {
  std::vector<void*> addresses;
  for (const CodeImage::Import& import : imports_) {
    if (import.cell > size_ || size_ - import.cell < sizeof(void*))
      fail("the code is damaged: an import at byte {}", import.cell);
    addresses.push_back(find_function(import.name));
  }
  if (size_ == 0) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = (size_ + page - 1) / page * page;
  void* memory =
      ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail_as(ErrorCode::limit, "out of memory: {} bytes of code: {}", size_, std::strerror(errno));
  memory_ = static_cast<uint8_t*>(memory);
  std::memcpy(memory_, image.bytes.data(), size_);
  for (size_t i = 0; i < imports_.size(); ++i)
    std::memcpy(memory_ + imports_[i].cell, &addresses[i], sizeof(void*));
  if (::mprotect(memory_, mapped_, PROT_READ | PROT_EXEC) != 0) {
    ::munmap(memory_, mapped_);
    fail_as(ErrorCode::failed, "memory cannot be made executable: {}", std::strerror(errno));
  }
}

MachineCode::~MachineCode() {
  if (memory_) ::munmap(memory_, mapped_);
}

KernelFunction MachineCode::function(uint64_t offset) const {
  if (offset >= size_) fail("the code is damaged: no function at {}", offset);
  return reinterpret_cast<KernelFunction>(memory_ + offset);
}

uint64_t MachineCode::offset_of(KernelFunction function) const {
  const auto* address = reinterpret_cast<const uint8_t*>(function);
  if (address < memory_ || address >= memory_ + size_)
    fail_as(ErrorCode::failed, "a kernel is not part of the program's code");
  return static_cast<uint64_t>(address - memory_);
}

CodeImage MachineCode::image() const {
  CodeImage image{{memory_, memory_ + size_}, imports_};
  for (const CodeImage::Import& import : imports_)
    std::memset(image.bytes.data() + import.cell, 0, sizeof(void*));
  return image;
}

}  // namespace dlc
