// Bytes to messages: mapped files, and what is said about bytes that are no model.
// Next: tensors.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "frontends/onnx/proto.h"

namespace dlc::onnx {

/// A file mapped read-only as long as the object lives.
class MappedFile {
 public:
  /// Throws Error(failed) when it is no file or cannot be read.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  const uint8_t* data_;
  size_t size_;
};

/// Parses a model. Throws Error(invalid) with the byte where it stops making sense, Error(limit)
/// for more bytes than a Protobuf message can have, Error(unsupported) for fields that came after
/// the newest IR version known here.
std::shared_ptr<const proto::ModelProto> parse_model(std::span<const uint8_t> bytes);

/// What the first bytes of a file say that it is, as in "a ZIP archive"; empty: no idea.
std::string kind_of_file(std::span<const uint8_t> bytes);

/// Where a Protobuf message breaks off: "at byte 12: ..."; empty if its outer structure is sound.
std::string explain_damage(std::span<const uint8_t> bytes);

}  // namespace dlc::onnx
