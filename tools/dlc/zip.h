// Reading zip archives: stored and deflated members, zip64 included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dlc::cli {

struct ZipMember {
  std::string name;
  uint64_t offset = 0;      ///< of its local header
  uint64_t compressed = 0;  ///< bytes in the archive
  uint64_t size = 0;        ///< bytes once unpacked
  uint32_t crc = 0;
  uint16_t method = 0;
};

/// The central directory. Throws Error(invalid) for what is not a zip archive.
std::vector<ZipMember> zip_members(std::string_view archive);

/// One member's content; its size and checksum are checked.
std::string unzip(std::string_view archive, const ZipMember& member);

}  // namespace dlc::cli
