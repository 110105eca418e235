// The cache's folder.
#include "compiler/driver/cache.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "compiler/driver/backend.h"
#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/mapped_file.h"

namespace dlc {
namespace {

namespace fs = std::filesystem;

constexpr auto abandoned = std::chrono::hours(1);  // a temporary file of who did not finish

/// Throws unless only this user can write to the folder.
void check_owner(const fs::path& folder) {
  struct stat status = {};
  if (::lstat(folder.c_str(), &status) != 0)
    fail_as(ErrorCode::failed, "cache {}: {}", folder.string(), std::strerror(errno));
  if (!S_ISDIR(status.st_mode))
    fail_as(ErrorCode::failed, "cache {}: not a folder", folder.string());
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail_as(ErrorCode::failed,
            "cache {}: others can write there, and what it holds is run; make it yours alone "
            "(chmod 700)",
            folder.string());
}

/// A name that no other process or thread uses.
std::string temporary_name() {
  static std::atomic<uint64_t> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{}-{}-{}.tmp", ::getpid(), now, count++);
}

/// Removes a file that was not renamed in time.
struct Temporary {
  fs::path path;
  ~Temporary() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

struct Entry {
  fs::path path;
  uint64_t size;
  fs::file_time_type used;
};

/// The identity that the linker gave to the library this function is in.
std::string own_build_id() {
  struct Search {
    uintptr_t address;
    std::string id;
  } search{reinterpret_cast<uintptr_t>(&own_build_id), {}};
  const auto visit = [](dl_phdr_info* info, size_t, void* data) {
    auto& s = *static_cast<Search*>(data);
    bool here = false;
    for (int k = 0; k < info->dlpi_phnum; ++k) {
      const auto& header = info->dlpi_phdr[k];
      const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
      here |= header.p_type == PT_LOAD && s.address >= begin && s.address - begin < header.p_memsz;
    }
    for (int k = 0; here && k < info->dlpi_phnum; ++k) {
      const auto& header = info->dlpi_phdr[k];
      if (header.p_type != PT_NOTE) continue;
      const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
      const char* end = at + header.p_memsz;
      while (at + sizeof(ElfW(Nhdr)) <= end) {
        const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
        const char* name = at + sizeof *note;
        const char* content = name + (note->n_namesz + 3) / 4 * 4;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !std::memcmp(name, "GNU", 4))
          for (size_t i = 0; i < note->n_descsz; ++i)
            s.id += fmt::format("{:02x}", static_cast<uint8_t>(content[i]));
        at = content + (note->n_descsz + 3) / 4 * 4;
      }
    }
    return here ? 1 : 0;
  };
  ::dl_iterate_phdr(visit, &search);
  return search.id;
}

/// Size and age of a file: it changes when the file does.
std::string stamp_of(const struct stat& status) {
  return fmt::format("{}-{}.{}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}
std::string stamp_of(const fs::path& file) {
  struct stat status = {};
  return ::stat(file.c_str(), &status) == 0 ? stamp_of(status) : "none";
}

/// With what no program can set: the inode and the time of the last change of any kind.
std::string identity_of(const struct stat& status) {
  return fmt::format("{}:{} {} {}.{}", status.st_dev, status.st_ino, stamp_of(status),
                     status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

/// Whether a later write would show in the times, which are coarse.
bool is_settled(const struct stat& status) {
  constexpr time_t coarse = 2;  // seconds: the worst of the file systems in use
  return ::time(nullptr) - std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec) > coarse;
}

}  // namespace

fs::path default_cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value == '/' ? fs::path(value) : fs::path();
  };
  if (const fs::path caches = variable("XDG_CACHE_HOME"); !caches.empty()) return caches / "dlc";
  const fs::path home = variable("HOME");
  return home.empty() ? home : home / ".cache" / "dlc";
}

Cache::Cache(const CacheOptions& options)
    : folder_(options.folder.empty() ? default_cache_folder() : options.folder),
      most_bytes_(options.most_bytes) {
  if (folder_.empty())
    fail_as(ErrorCode::failed, "no cache: neither HOME nor XDG_CACHE_HOME is set");
  std::error_code error;
  if (!fs::exists(folder_, error)) {
    fs::create_directories(folder_.parent_path(), error);
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
      fail_as(ErrorCode::failed, "cache {}: {}", folder_.string(), std::strerror(errno));
  }
  check_owner(folder_);
  salt_ = read_salt();
}

Digest Cache::read_salt() const {
  const fs::path path = folder_ / "salt";
  Digest salt;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file && ::read(file.number(), &salt, sizeof salt) == sizeof salt) return salt;
    // The first to come makes it; a link, unlike a rename, replaces none.
    const Temporary temporary{folder_ / temporary_name()};
    const Descriptor made(
        ::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made || ::getrandom(&salt, sizeof salt, 0) != sizeof salt ||
        ::write(made.number(), &salt, sizeof salt) != sizeof salt)
      break;
    if (::link(temporary.path.c_str(), path.c_str()) != 0 && errno != EEXIST) break;
  }
  fail_as(ErrorCode::failed, "cache {}: it cannot be written", folder_.string());
}

std::optional<fs::path> Cache::find(const std::string& key) const {
  const fs::path path = path_of(key);
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) return std::nullopt;
  return path;
}

void Cache::store(const std::string& key, const std::function<void(const fs::path&)>& write) const {
  const Temporary temporary{folder_ / temporary_name()};
  write(temporary.path);
  std::error_code error;
  fs::rename(temporary.path, path_of(key), error);
  if (error) fail_as(ErrorCode::failed, "cache {}: {}", folder_.string(), error.message());
  trim(path_of(key));
}

void Cache::erase(const std::string& key) const {
  std::error_code ignored;
  fs::remove(path_of(key), ignored);
}

std::optional<std::string> Cache::read(const std::string& key) const {
  const std::optional<fs::path> path = find(key);
  if (!path) return std::nullopt;
  std::ifstream file(*path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t digits = digest("").hex().size();
  if (bytes.size() >= digits) {
    const std::string sum = bytes.substr(0, digits);
    bytes.erase(0, digits);
    if (digest(bytes).hex() == sum) return bytes;
  }
  erase(key);
  return std::nullopt;
}

void Cache::write(const std::string& key, std::string_view bytes) const {
  const Temporary temporary{folder_ / temporary_name()};
  std::ofstream file(temporary.path, std::ios::binary);
  file << digest(bytes).hex() << bytes << std::flush;
  std::error_code ignored;
  if (file) fs::rename(temporary.path, path_of(key), ignored);
}

Digest Cache::digest_of(const fs::path& path, int threads) const {
  const auto file = MappedFile::open(path);
  const int number = file->file().number();
  struct stat before = {}, after = {};
  const bool known = ::fstat(number, &before) == 0 && is_settled(before);
  const std::string key = "file-" + digest(identity_of(before), salt_).hex();
  if (known) {
    if (const auto entry = read(key); entry && entry->size() == sizeof(Digest)) {
      Digest result;
      std::memcpy(&result, entry->data(), sizeof result);
      return result;
    }
  }
  const Digest result = digest_file(number, 0, file->bytes().size(), threads, salt_);
  if (known && ::fstat(number, &after) == 0 && identity_of(after) == identity_of(before))
    write(key, {reinterpret_cast<const char*>(&result), sizeof result});
  return result;
}

void Cache::trim(const fs::path& latest) const {
  std::vector<Entry> entries;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // another process may be trimming, too
    const Entry entry{it->path(), it->file_size(gone), it->last_write_time(gone)};
    if (gone) continue;
    const std::string kind = entry.path.extension();
    if (kind == ".tmp" && now - entry.used > abandoned) fs::remove(entry.path, gone);
    if (kind == ".dlc") entries.push_back(entry);
  }
  // The latest first: all that fit stay, and always the one that was just stored (clocks are
  // coarse).
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    const bool a_is_latest = a.path == latest, b_is_latest = b.path == latest;
    return a_is_latest != b_is_latest ? a_is_latest : a.used > b.used;
  });
  uint64_t total = 0;
  for (size_t k = 0; k < entries.size(); ++k) {
    total += entries[k].size;
    if (k > 0 && total > most_bytes_) fs::remove(entries[k].path, error);
  }
}

std::string build_signature() {
  return own_build_id() + ' ' + stamp_of(backend_path()) + ' ' + cpu_signature();
}

}  // namespace dlc
