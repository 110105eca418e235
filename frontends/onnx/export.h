// Graphs to ONNX models.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "compiler/ir/graph.h"

namespace dlc::onnx {

/// A ModelProto of the first opset from 21 on that has the forms of all nodes, so that other runtimes
/// take it. Exporting and importing gives a graph with the same text.
/// Throws Error(unsupported) for ops of the domain `dlc` that have no ONNX form, and Error(limit)
/// above 2 GB (write_file puts weights beside the model then).
std::vector<uint8_t> export_bytes(const Graph& graph);

/// Where a model with more bytes of weights than `external_above` puts them: into a file beside it,
/// named like the model with ".data" added.
struct WriteOptions {
  int64_t external_above = 2'000'000'000;
};
void write_file(const Graph& graph, const std::filesystem::path& path,
                const WriteOptions& options = {});

}  // namespace dlc::onnx
