// Weights in files beside the model, memory-mapped.
// Next: tensors.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontends/onnx/reader.h"

namespace dlc::onnx {

/// The files beside one model, each mapped once. A model is untrusted: only files inside its folder
/// are opened, whatever the path, `..` and symbolic links say.
class ExternalData {
 public:
  /// Empty: there is no folder, and asking for a file is an error.
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::shared_ptr<const MappedFile> open(const std::string& location);
  std::vector<std::string> opened() const;  ///< their locations, sorted

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace dlc::onnx
