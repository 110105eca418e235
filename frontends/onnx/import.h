// ONNX models to graphs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc::onnx {

struct ImportOptions {
  std::map<std::string, int64_t> dims;      ///< symbolic dims to fix: batch=4
  std::map<std::string, Shape> shapes;      ///< shapes of inputs to fix
  std::map<std::string, Tensor> constants;  ///< graph inputs to be replaced by constants
  /// Set by import_file if not null: the files beside the model that weights come from.
  std::vector<std::string>* external_files = nullptr;
};

/// One thing that stands in the way, as `dlc check` lists them.
struct Finding {
  std::string node, op, message, hint;
};

/// Reads, checks and upgrades a model to the newest form of each op (opset 28), with inferred
/// types. Nodes carry their ONNX names as origins (unnamed ones: "Op_index"). Throws Error(invalid)
/// for a damaged or contradictory file (naming file and byte or node), Error(unsupported) naming op
/// and node, NeedsValue-derived errors say which graph input must be bound with `constants`.
Graph import_file(const std::filesystem::path& path, const ImportOptions& options = {});
/// A ModelProto in memory; external data is looked for in `folder` (empty: refused).
Graph import_bytes(std::span<const uint8_t> model, const std::filesystem::path& folder = {},
                   const ImportOptions& options = {});

/// Everything that import or compilation would refuse, all at once.
std::vector<Finding> check_file(const std::filesystem::path& path,
                                const ImportOptions& options = {});

/// A graph input without initializer, as the file declares it.
struct DeclaredInput {
  std::string name;
  Type type;  ///< `dims` and `shapes` applied; unranked where the file gives no shape
};

/// The inputs that a caller of the model supplies, in the model's order (those that `constants`
/// would replace included): what inputs given by position go by. Checks nothing else.
std::vector<DeclaredInput> declared_inputs(const std::filesystem::path& path,
                                           const ImportOptions& options = {});

/// The names of graph inputs whose values must be known at compile time (they decide shapes). A
/// caller that has values binds them by ImportOptions::constants.
std::vector<std::string> inputs_to_bind(const std::filesystem::path& path,
                                        const ImportOptions& options = {});

/// An onnx.TensorProto / SequenceProto / OptionalProto file (test data), by the given type.
Datum read_tensor_file(const std::filesystem::path& path, const Type& type);
/// The same of bytes in memory; external data is looked for in `folder` (empty: refused).
Datum read_tensor_bytes(std::span<const uint8_t> bytes, const std::filesystem::path& folder,
                        const Type& type);

}  // namespace dlc::onnx
