// The cache: what was compiled once, on disk, for the next time.
// Next: runtime/artifact.h (what most entries are).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/digest.h"

namespace dlc {

struct CacheOptions {
  std::filesystem::path folder;             ///< empty: default_cache_folder()
  uint64_t most_bytes = uint64_t{4} << 30;  ///< the least recently used entries go beyond this
};

/// $XDG_CACHE_HOME/dlc or ~/.cache/dlc; empty if the environment names neither.
std::filesystem::path default_cache_folder();

/// A folder of entries, which are files. Any number of processes may use it at once: entries appear
/// and vanish as a whole. Entries are run, so nobody else may be able to write there.
class Cache {
 public:
  /// Makes the folder if need be. Throws Error(failed) if that cannot be done, or if the folder is
  /// somebody else's or others can write to it.
  explicit Cache(const CacheOptions& options);

  /// The file of an entry, which counts as used; nullopt: there is none.
  std::optional<std::filesystem::path> find(const std::string& key) const;
  /// Lets `write` make the entry's file. Throws what it throws; then there is no entry.
  void store(const std::string& key,
             const std::function<void(const std::filesystem::path&)>& write) const;
  void erase(const std::string& key) const;

  /// The same for a few bytes, which are checked. Trouble is no entry.
  std::optional<std::string> read(const std::string& key) const;
  void write(const std::string& key, std::string_view bytes) const;

  /// The digest of a file's bytes, salted. Reads them with `threads` unless an entry says what they
  /// were when the file was the same: of the same size, and not written or changed since, by its
  /// times and inode (as git's index does it). Throws Error(failed) when it cannot be read.
  Digest digest_of(const std::filesystem::path& file, int threads) const;

  /// A secret of this folder. Keys that are digests with it cannot be forged by who makes models.
  Digest salt() const { return salt_; }

 private:
  std::filesystem::path path_of(const std::string& key) const { return folder_ / (key + ".dlc"); }
  void trim(const std::filesystem::path& latest) const;
  Digest read_salt() const;

  std::filesystem::path folder_;
  uint64_t most_bytes_;
  Digest salt_;
};

/// What was compiled by another dlc, or for another machine, is not found under keys with this.
std::string build_signature();

}  // namespace dlc
