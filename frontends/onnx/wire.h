// Protobuf's wire format, for messages that have no generated code here and for broken ones.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace dlc::onnx {

/// One field of a message: a number, or bytes (a string or a message).
struct WireField {
  uint64_t number = 0;
  uint64_t value = 0;
  std::span<const uint8_t> bytes;
  bool has_bytes = false;
  size_t start = 0, content = 0;  ///< where the field and its bytes begin
};

/// Walks the fields of one message.
class WireReader {
 public:
  /// `base`: the position of the first byte in its file, for what damage() says.
  explicit WireReader(std::span<const uint8_t> bytes, size_t base = 0)
      : bytes_(bytes), base_(base) {}

  /// nullopt at the end, or where the message breaks off: damage() is not empty then.
  std::optional<WireField> next();
  const std::string& damage() const { return damage_; }

 private:
  std::optional<uint64_t> varint();

  std::span<const uint8_t> bytes_;
  size_t base_;
  size_t at_ = 0;
  std::string damage_;
};

}  // namespace dlc::onnx
