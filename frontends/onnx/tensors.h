// TensorProto to Tensor, whatever field or file the elements are in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "frontends/onnx/external_data.h"
#include "runtime/tensor.h"

namespace dlc::onnx {

/// ONNX's number of an element type. Throws Error(invalid) for none, Error(unsupported) for a newer
/// one.
DType dtype_from_number(int64_t number);

/// Reads the tensors of one model. Elements stay where they are where their form allows it.
class TensorReader {
 public:
  /// `owner` keeps the messages alive that tensors then share memory with.
  TensorReader(std::shared_ptr<const void> owner, std::filesystem::path folder)
      : owner_(std::move(owner)), files_(std::move(folder)) {}
  /// For the tensors of a model, some of whose data is still in its file.
  TensorReader(const ModelMessage& model, std::filesystem::path folder)
      : owner_(model.proto),
        file_(model.file),
        raw_data_(model.raw_data),
        files_(std::move(folder)) {}

  /// Throws Error(invalid) when elements and shape do not fit each other; nothing is allocated
  /// before that is checked.
  Tensor read(const proto::TensorProto& tensor);
  /// What was read so far came from these files beside the model, too.
  std::vector<std::string> external_files() const { return files_.opened(); }
  /// As a dense tensor.
  Tensor read(const proto::SparseTensorProto& tensor);

 private:
  Tensor read_external(const proto::TensorProto& tensor, DType dtype, Shape shape);
  Tensor view(DType dtype, Shape shape, const void* data, size_t bytes,
              std::shared_ptr<const void> owner);

  Tensor view(DType dtype, Shape shape, std::span<const uint8_t> bytes,
              const std::shared_ptr<const MappedFile>& file);

  std::shared_ptr<const void> owner_;
  std::shared_ptr<const MappedFile> file_;
  std::map<const proto::TensorProto*, std::span<const uint8_t>> raw_data_;  ///< never iterated
  ExternalData files_;
};

}  // namespace dlc::onnx
