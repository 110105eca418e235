// Bytes to messages, and what is said about bytes that are no model.
// Next: tensors.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "frontends/onnx/proto.h"
#include "runtime/mapped_file.h"

namespace dlc::onnx {

/// A model's message. Large raw data of initializers stays in the file that it came from.
struct ModelMessage {
  std::shared_ptr<const proto::ModelProto> proto;
  std::shared_ptr<const MappedFile> file;  ///< null: all data is in the message
  std::map<const proto::TensorProto*, std::span<const uint8_t>> raw_data;  ///< never iterated
};

/// Parses a model. Throws Error(invalid) with the byte where it stops making sense, Error(limit)
/// for more bytes than a Protobuf message can have, Error(unsupported) for fields that came after
/// the newest IR version known here.
ModelMessage parse_model(std::span<const uint8_t> bytes);
/// The same, without copying the weights.
ModelMessage parse_model(std::shared_ptr<const MappedFile> file);

/// What the first bytes of a file say that it is, as in "a ZIP archive"; empty: no idea.
std::string kind_of_file(std::span<const uint8_t> bytes);

/// Where a Protobuf message breaks off: "at byte 12: ..."; empty if its outer structure is sound.
std::string explain_damage(std::span<const uint8_t> bytes);

}  // namespace dlc::onnx
