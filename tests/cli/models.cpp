// Small ONNX models, made message by message.
#include "tests/cli/models.h"

#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

using Proto = ::onnx::TensorProto;

void set_type(::onnx::ValueInfoProto& info, const std::string& name, int dtype) {
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(dtype);
}

}  // namespace

Model::Model() {
  proto.set_ir_version(10);
  proto.add_opset_import()->set_version(21);
  graph().set_name("test");
}

Model& Model::input(const std::string& name, const Dims& dims, int dtype) {
  ::onnx::ValueInfoProto& info = *graph().add_input();
  set_type(info, name, dtype);
  auto& shape = *info.mutable_type()->mutable_tensor_type()->mutable_shape();
  for (const int64_t dim : dims) shape.add_dim()->set_dim_value(dim);
  return *this;
}

Model& Model::output(const std::string& name, int dtype) {
  set_type(*graph().add_output(), name, dtype);
  return *this;
}

::onnx::NodeProto& Model::node(const std::string& op, const std::vector<std::string>& inputs,
                               const std::vector<std::string>& outputs, const std::string& name) {
  ::onnx::NodeProto& node = *graph().add_node();
  node.set_op_type(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

Proto& Model::floats(const std::string& name, const Dims& dims, const std::vector<float>& values) {
  Proto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(Proto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const float value : values) tensor.add_float_data(value);
  return tensor;
}

Proto& Model::ints(const std::string& name, const Dims& dims, const Dims& values) {
  Proto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(Proto::INT64);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

std::string Model::save(const std::filesystem::path& folder) const {
  const std::filesystem::path path = folder / "model.onnx";
  cli::write_file(path, bytes());
  return path.string();
}

void attribute(::onnx::NodeProto& node, const std::string& name, int64_t value) {
  ::onnx::AttributeProto& attr = *node.add_attribute();
  attr.set_name(name);
  attr.set_type(::onnx::AttributeProto::INT);
  attr.set_i(value);
}

void attribute(::onnx::NodeProto& node, const std::string& name, const Dims& values) {
  ::onnx::AttributeProto& attr = *node.add_attribute();
  attr.set_name(name);
  attr.set_type(::onnx::AttributeProto::INTS);
  for (const int64_t value : values) attr.add_ints(value);
}

void attribute(::onnx::NodeProto& node, const std::string& name, const std::string& text) {
  ::onnx::AttributeProto& attr = *node.add_attribute();
  attr.set_name(name);
  attr.set_type(::onnx::AttributeProto::STRING);
  attr.set_s(text);
}

Model relu() {
  Model model;
  model.input("x", {2, 3}).output("y").node("Relu", {"x"}, {"y"}, "act");
  return model;
}

Model linear() {
  Model model;
  model.input("x", {}).output("y");
  auto& shape = *model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type();
  shape.mutable_shape()->add_dim()->set_dim_param("batch");
  shape.mutable_shape()->add_dim()->set_dim_value(3);
  model.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
  model.floats("b", {2}, {0.5F, -0.5F});
  model.node("Gemm", {"x", "w", "b"}, {"y"}, "fc");
  return model;
}

std::string tensor_file(const Dims& dims, const std::vector<float>& values) {
  Proto tensor;
  tensor.set_data_type(Proto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const float value : values) tensor.add_float_data(value);
  return tensor.SerializeAsString();
}

}  // namespace dlc::cli_test
