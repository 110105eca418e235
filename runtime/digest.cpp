// Digests of bytes and files.
#include "runtime/digest.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "runtime/error.h"

namespace dlc {
namespace {

// Odd numbers without a pattern: the binary digits of pi.
constexpr uint64_t keys[] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1,
                             0x082efa98ec4e6c89, 0x452821e638d01377, 0xbe5466cf34e90c6d,
                             0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917};

/// The two halves of a product, which depend on all bits of both factors.
uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Four lanes of 16 bytes each, so that one product need not wait for the one before.
struct Lanes {
  uint64_t lane[4];

  explicit Lanes(Digest salt) {
    for (size_t k = 0; k < 4; ++k)
      lane[k] = keys[k] ^ (k % 2 == 0 ? salt.low : salt.high) ^ (k / 2);
  }
  void add(const uint8_t* block) {
    uint64_t v[8];
    std::memcpy(v, block, sizeof v);
    for (size_t k = 0; k < 4; ++k)
      lane[k] = mix(lane[k] ^ v[2 * k], v[2 * k + 1] ^ keys[4 + k]) + v[2 * k];
  }
  Digest finish(uint64_t size) const {
    const uint64_t a = mix(lane[0] ^ size, lane[1] ^ keys[0]);
    const uint64_t b = mix(lane[2] ^ keys[1], lane[3] ^ keys[2]);
    return {mix(a ^ keys[4], b ^ keys[5]) + lane[0] + lane[2],
            mix(b ^ keys[6], a ^ keys[7]) + lane[1] + lane[3]};
  }
};

std::span<const uint8_t> bytes_of(const std::vector<Digest>& digests) {
  return {reinterpret_cast<const uint8_t*>(digests.data()), digests.size() * sizeof(Digest)};
}

}  // namespace

std::string Digest::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Digest digest(std::span<const uint8_t> bytes, Digest salt) {
  constexpr size_t block = 64;
  Lanes lanes(salt);
  size_t at = 0;
  for (; at + block <= bytes.size(); at += block) lanes.add(bytes.data() + at);
  uint8_t last[block] = {};
  if (at < bytes.size()) std::memcpy(last, bytes.data() + at, bytes.size() - at);
  lanes.add(last);
  return lanes.finish(bytes.size());
}

Digest digest(std::string_view text, Digest salt) {
  return digest(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()), salt);
}

void StreamDigest::update(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (pending_.empty() && bytes.size() >= chunk) {
      chunks_.push_back(digest(bytes.first(chunk), salt_));
      bytes = bytes.subspan(chunk);
      continue;
    }
    const size_t taken = std::min(chunk - pending_.size(), bytes.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<long>(taken));
    bytes = bytes.subspan(taken);
    if (pending_.size() < chunk) return;
    chunks_.push_back(digest(pending_, salt_));
    pending_.clear();
  }
}

Digest StreamDigest::finish() {
  if (!pending_.empty()) chunks_.push_back(digest(pending_, salt_));
  return digest(bytes_of(chunks_), salt_);
}

Digest digest_file(int file, uint64_t offset, uint64_t size, int threads, Digest salt,
                   uint8_t* to) {
  constexpr uint64_t chunk = StreamDigest::chunk;
  std::vector<Digest> chunks((size + chunk - 1) / chunk);
  std::atomic<size_t> next = 0;
  std::atomic<bool> broken = false;
  const auto work = [&] {
    std::vector<uint8_t> buffer(to ? 0 : std::min(chunk, size));
    for (size_t k = next++; k < chunks.size() && !broken; k = next++) {
      const uint64_t wanted = std::min(chunk, size - k * chunk);
      uint8_t* const bytes = to ? to + k * chunk : buffer.data();
      uint64_t got = 0;
      while (got < wanted) {
        const ssize_t n =
            ::pread(file, bytes + got, wanted - got, static_cast<off_t>(offset + k * chunk + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += static_cast<uint64_t>(n);
      }
      if (got < wanted) broken = true;
      chunks[k] = digest(std::span(bytes, wanted), salt);
    }
  };
  constexpr size_t worth_a_thread = 16;  // starting one takes about as long as four chunks
  std::vector<std::thread> helpers;
  for (int t = 1; t < threads && chunks.size() >= worth_a_thread * static_cast<size_t>(t); ++t)
    helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  if (broken) fail_as(ErrorCode::failed, "the file cannot be read, or became shorter");
  return digest(bytes_of(chunks), salt);
}

}  // namespace dlc
