// The operator sets that are known here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "compiler/ir/graph.h"

namespace dlc::onnx {

/// The newest version of a domain ("" is ai.onnx); nullopt: the domain is not known. Newer versions
/// may give an op another meaning.
std::optional<int64_t> newest_opset(std::string_view domain);

/// Of ai.onnx, for models that need no newer one. What is older, few still use.
inline constexpr int64_t oldest_exported_opset = 21;

/// The first version of its domain in which a node of ONNX means what it does here; 1 for nodes of
/// other domains.
int64_t first_opset(const Graph& graph, const Node& node);

/// The version of the file format that came with an opset of ai.onnx.
int64_t ir_version_of(int64_t opset);

}  // namespace dlc::onnx
