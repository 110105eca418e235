// The wire format of Protobuf.
#include "frontends/onnx/wire.h"

#include <fmt/format.h>

namespace dlc::onnx {

std::optional<uint64_t> WireReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
    const uint8_t byte = bytes_[at_++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  return std::nullopt;
}

std::optional<WireField> WireReader::next() {
  if (at_ >= bytes_.size() || !damage_.empty()) return std::nullopt;
  const size_t start = base_ + at_;
  const auto key = varint();
  const uint64_t kind = key.value_or(7) & 7;
  if (!key || *key >> 3 == 0 || (kind != 0 && kind != 1 && kind != 2 && kind != 5)) {
    damage_ = fmt::format("at byte {}: no field begins here", start);
    return std::nullopt;
  }
  WireField field{.number = *key >> 3, .has_bytes = kind == 2, .start = start};
  uint64_t length = kind == 1 ? 8 : kind == 5 ? 4 : 0;
  if (kind == 0 || kind == 2) {
    const auto value = varint();
    if (!value) {
      damage_ = fmt::format("at byte {}: a number breaks off", start);
      return std::nullopt;
    }
    (kind == 0 ? field.value : length) = *value;
  }
  if (length > bytes_.size() - at_) {
    damage_ = fmt::format("at byte {}: field {} has {} bytes, but only {} are left", start,
                          field.number, length, bytes_.size() - at_);
    return std::nullopt;
  }
  field.bytes = bytes_.subspan(at_, length);
  field.content = base_ + at_;
  at_ += length;
  return field;
}

}  // namespace dlc::onnx
