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

  /// Throws Error(invalid) when elements and shape do not fit each other; nothing is allocated
  /// before that is checked.
  Tensor read(const proto::TensorProto& tensor);
  /// As a dense tensor.
  Tensor read(const proto::SparseTensorProto& tensor);

 private:
  Tensor read_external(const proto::TensorProto& tensor, DType dtype, Shape shape);
  Tensor view(DType dtype, Shape shape, const void* data, size_t bytes,
              std::shared_ptr<const void> owner);

  std::shared_ptr<const void> owner_;
  ExternalData files_;
};

}  // namespace dlc::onnx
