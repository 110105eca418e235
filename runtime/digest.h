// Digests: 128 bits that tell whether bytes are the same. Fast rather than proof against forgery:
// whoever must not be able to make two files with one digest may not know the salt.
// Next: runtime/artifact.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dlc {

struct Digest {
  uint64_t low = 0, high = 0;
  bool operator==(const Digest&) const = default;
  std::string hex() const;  ///< 32 digits
};

Digest digest(std::span<const uint8_t> bytes, Digest salt = {});
Digest digest(std::string_view text, Digest salt = {});

/// The digest of a long run of bytes that come piece by piece: that of the digests of its chunks.
class StreamDigest {
 public:
  static constexpr size_t chunk = size_t{1} << 18;  ///< it and its copy stay in a core's cache

  explicit StreamDigest(Digest salt = {}) : salt_(salt) {}
  void update(std::span<const uint8_t> bytes);
  Digest finish();

 private:
  Digest salt_;
  std::vector<uint8_t> pending_;
  std::vector<Digest> chunks_;
};

/// The StreamDigest of bytes [offset, offset + size) of an open file, by several threads, which
/// leaves no page of it in this process's memory; unless `to` wants them: the bytes are left there.
/// Throws Error(failed) when it cannot be read.
Digest digest_file(int file, uint64_t offset, uint64_t size, int threads, Digest salt = {},
                   uint8_t* to = nullptr);

}  // namespace dlc
