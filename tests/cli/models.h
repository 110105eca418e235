// Small ONNX models, made message by message so that they can be wrong in any way.
#pragma once

#include <onnx-ml.pb.h>

#include <filesystem>
#include <string>
#include <vector>

namespace dlc::cli_test {

using Dims = std::vector<int64_t>;

/// A model with opset 21 and no nodes; `Model` calls can be chained.
class Model {
 public:
  Model();

  Model& input(const std::string& name, const Dims& dims, int dtype = ::onnx::TensorProto::FLOAT);
  Model& output(const std::string& name, int dtype = ::onnx::TensorProto::FLOAT);
  /// Adds the node and gives it back for attributes.
  ::onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs, const std::string& name = "");
  ::onnx::TensorProto& floats(const std::string& name, const Dims& dims,
                              const std::vector<float>& values);
  ::onnx::TensorProto& ints(const std::string& name, const Dims& dims, const Dims& values);

  ::onnx::GraphProto& graph() { return *proto.mutable_graph(); }
  std::string bytes() const { return proto.SerializeAsString(); }
  /// Writes FOLDER/model.onnx and gives its path.
  std::string save(const std::filesystem::path& folder) const;

  ::onnx::ModelProto proto;
};

void attribute(::onnx::NodeProto& node, const std::string& name, int64_t value);
void attribute(::onnx::NodeProto& node, const std::string& name, const Dims& values);
void attribute(::onnx::NodeProto& node, const std::string& name, const std::string& text);

/// y = Relu(x), x: f32[2,3]
Model relu();
/// y = x * w + b, x: f32[batch,3], w: f32[3,2]
Model linear();

/// A TensorProto as a test-data file has it.
std::string tensor_file(const Dims& dims, const std::vector<float>& values);

}  // namespace dlc::cli_test
