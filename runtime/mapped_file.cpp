// Mapping files.
#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/error.h"

namespace dlc {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const auto give_up = [&](const char* why) {
    fail_as(ErrorCode::failed, "{}: {}", path.string(), why);
  };
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) give_up(std::strerror(errno));
  struct stat status = {};
  if (::fstat(file.number(), &status) != 0) give_up(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) give_up("not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (data == MAP_FAILED) give_up(std::strerror(errno));
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(std::move(file), static_cast<const uint8_t*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<uint8_t*>(data_), size_);
}

void MappedFile::release(std::span<const uint8_t> bytes) const {
  // Whole pages only; the ones at the ends may belong to neighbours too, and come back for them.
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size());
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace dlc
