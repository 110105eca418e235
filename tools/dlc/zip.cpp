// Zip archives, by their central directory (PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3).
#include "tools/dlc/zip.h"

#include <zlib.h>

#include <algorithm>

#include "runtime/error.h"

namespace dlc::cli {
namespace {

constexpr uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50,
                   end_signature = 0x06054b50, end64_signature = 0x06064b50,
                   locator64_signature = 0x07064b50;
constexpr uint32_t in_extra_field = 0xFFFFFFFF;
/// Deflate cannot do better than this: a greater size is a lie.
constexpr uint64_t greatest_ratio = 1032;

/// Little-endian numbers at checked positions.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number(uint64_t at, int width) const {
    const std::string_view field = text(at, static_cast<uint64_t>(width));
    uint64_t value = 0;
    for (int i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(field[i]);
    return value;
  }
  uint16_t u16(uint64_t at) const { return static_cast<uint16_t>(number(at, 2)); }
  uint32_t u32(uint64_t at) const { return static_cast<uint32_t>(number(at, 4)); }
  uint64_t u64(uint64_t at) const { return number(at, 8); }
  std::string_view text(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) fail("the zip archive is cut short");
    return bytes_.substr(at, size);
  }

 private:
  std::string_view bytes_;
};

struct Directory {
  uint64_t offset = 0, entries = 0;
};

Directory find_directory(std::string_view archive, const Reader& read) {
  constexpr uint64_t end_size = 22, greatest_comment = 65535, locator_size = 20;
  if (archive.size() < end_size) fail("this is not a zip archive: it is too short");
  const uint64_t last = archive.size() - end_size;
  uint64_t at = last;
  while (read.u32(at) != end_signature) {
    if (at == 0 || last - at == greatest_comment)
      fail("this is not a zip archive, or its end is missing");
    --at;
  }
  Directory directory = {read.u32(at + 16), read.u16(at + 10)};
  const bool has_locator = at >= locator_size && read.u32(at - locator_size) == locator64_signature;
  if (has_locator) {
    const uint64_t end64 = read.u64(at - locator_size + 8);
    if (read.u32(end64) != end64_signature) fail("the zip archive's directory is damaged");
    directory = {read.u64(end64 + 48), read.u64(end64 + 32)};
  }
  return directory;
}

/// Sizes that do not fit into 32 bits stand in the extra field with number 1, in this order.
void read_zip64(const Reader& read, uint64_t at, uint64_t end, ZipMember& member) {
  while (at + 4 <= end) {
    const uint16_t id = read.u16(at), size = read.u16(at + 2);
    if (id == 1) {
      uint64_t field = at + 4;
      for (uint64_t* value : {&member.size, &member.compressed, &member.offset}) {
        if (*value != in_extra_field) continue;
        *value = read.u64(field);
        field += 8;
      }
      return;
    }
    at += 4 + size;
  }
}

std::string inflate_all(std::string_view packed, uint64_t size) {
  if (size / greatest_ratio > packed.size() + 1) fail("a size in the zip archive is impossible");
  std::string content(size, '\0');
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    fail_as(ErrorCode::limit, "zlib has no memory left");
  // zlib counts in 32 bits: it gets both sides in portions.
  constexpr uint64_t portion = uint64_t{1} << 30;
  uint64_t read = 0, written = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const auto in = static_cast<uInt>(std::min(portion, packed.size() - read));
    const auto out = static_cast<uInt>(std::min(portion, size - written));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + read));
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + written);
    stream.avail_in = in;
    stream.avail_out = out;
    status = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += out - stream.avail_out;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || written != size) fail("a member of the zip archive is damaged");
  return content;
}

}  // namespace

std::vector<ZipMember> zip_members(std::string_view archive) {
  const Reader read(archive);
  const Directory directory = find_directory(archive, read);
  std::vector<ZipMember> members;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (read.u32(at) != central_signature) fail("the zip archive's directory is damaged");
    ZipMember member;
    member.method = read.u16(at + 10);
    member.crc = read.u32(at + 16);
    member.compressed = read.u32(at + 20);
    member.size = read.u32(at + 24);
    member.offset = read.u32(at + 42);
    const uint64_t name_size = read.u16(at + 28), extra_size = read.u16(at + 30);
    member.name = read.text(at + 46, name_size);
    const uint64_t extra = at + 46 + name_size;
    read_zip64(read, extra, extra + extra_size, member);
    members.push_back(std::move(member));
    at = extra + extra_size + read.u16(at + 32);
  }
  return members;
}

std::string unzip(std::string_view archive, const ZipMember& member) {
  constexpr uint16_t stored = 0, deflated = 8;
  const Reader read(archive);
  if (read.u32(member.offset) != local_signature)
    fail("the zip archive's member '{}' is not where its directory says", member.name);
  const uint64_t data =
      member.offset + 30 + read.u16(member.offset + 26) + read.u16(member.offset + 28);
  const std::string_view packed = read.text(data, member.compressed);
  if (member.method != stored && member.method != deflated)
    fail("the zip archive's member '{}' is packed by method {}; stored and deflate are known",
         member.name, member.method);
  std::string content =
      member.method == stored ? std::string(packed) : inflate_all(packed, member.size);
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (content.size() != member.size || crc != member.crc)
    fail("the zip archive's member '{}' is damaged: its checksum is wrong", member.name);
  return content;
}

}  // namespace dlc::cli
