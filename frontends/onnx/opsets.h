// The operator sets that are known here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dlc::onnx {

/// The newest version of a domain ("" is ai.onnx); nullopt: the domain is not known. Newer versions
/// may give an op another meaning.
std::optional<int64_t> newest_opset(std::string_view domain);

}  // namespace dlc::onnx
