// Small ONNX models.
#include "tests/unit/onnx/model_builder.h"

#include "runtime/error.h"

namespace dlc::onnx {

messages::TensorProto float_tensor(std::string name, std::vector<int64_t> dims,
                                   const std::vector<float>& values) {
  messages::TensorProto tensor;
  tensor.set_name(std::move(name));
  tensor.set_data_type(messages::TensorProto::FLOAT);
  for (int64_t dim : dims) tensor.add_dims(dim);
  for (float value : values) tensor.add_float_data(value);
  return tensor;
}

messages::TensorProto int_tensor(std::string name, std::vector<int64_t> dims,
                                 const std::vector<int64_t>& values) {
  messages::TensorProto tensor;
  tensor.set_name(std::move(name));
  tensor.set_data_type(messages::TensorProto::INT64);
  for (int64_t dim : dims) tensor.add_dims(dim);
  for (int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

void set_attr(messages::NodeProto& node, const AttrText& attr) {
  using Kind = messages::AttributeProto;
  Kind& out = *node.add_attribute();
  out.set_name(attr.name);
  if (const auto* i = std::get_if<int64_t>(&attr.value)) {
    out.set_type(Kind::INT);
    out.set_i(*i);
  } else if (const auto* f = std::get_if<float>(&attr.value)) {
    out.set_type(Kind::FLOAT);
    out.set_f(*f);
  } else if (const auto* s = std::get_if<std::string>(&attr.value)) {
    out.set_type(Kind::STRING);
    out.set_s(*s);
  } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&attr.value)) {
    out.set_type(Kind::INTS);
    for (int64_t value : *ints) out.add_ints(value);
  } else if (const auto* floats = std::get_if<std::vector<float>>(&attr.value)) {
    out.set_type(Kind::FLOATS);
    for (float value : *floats) out.add_floats(value);
  } else if (const auto* tensor = std::get_if<messages::TensorProto>(&attr.value)) {
    out.set_type(Kind::TENSOR);
    *out.mutable_t() = *tensor;
  } else if (const auto* graph = std::get_if<messages::GraphProto>(&attr.value)) {
    out.set_type(Kind::GRAPH);
    *out.mutable_g() = *graph;
  }
}

void set_type(messages::TypeProto& type, DType dtype, const Sizes& sizes) {
  auto& tensor = *type.mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(dtype));
  auto& shape = *tensor.mutable_shape();
  for (const SizeText& size : sizes) {
    auto& dim = *shape.add_dim();
    if (const auto* number = std::get_if<int64_t>(&size)) {
      dim.set_dim_value(*number);
    } else if (const std::string& text = std::get<std::string>(size); !text.empty()) {
      dim.set_dim_param(text);
    }
  }
}

GraphBuilder& GraphBuilder::input(const std::string& name, DType dtype, const Sizes& sizes) {
  auto& info = *graph.add_input();
  info.set_name(name);
  set_type(*info.mutable_type(), dtype, sizes);
  return *this;
}

GraphBuilder& GraphBuilder::output(const std::string& name, DType dtype, const Sizes& sizes) {
  auto& info = *graph.add_output();
  info.set_name(name);
  set_type(*info.mutable_type(), dtype, sizes);
  return *this;
}

GraphBuilder& GraphBuilder::output(const std::string& name) {
  graph.add_output()->set_name(name);
  return *this;
}

GraphBuilder& GraphBuilder::initializer(messages::TensorProto tensor) {
  *graph.add_initializer() = std::move(tensor);
  return *this;
}

GraphBuilder& GraphBuilder::node(const std::string& op, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& outputs,
                                 const std::vector<AttrText>& attrs, const std::string& name) {
  auto& node = *graph.add_node();
  node.set_op_type(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  for (const AttrText& attr : attrs) set_attr(node, attr);
  return *this;
}

ModelBuilder::ModelBuilder(int64_t opset, int64_t ir_version)
    : GraphBuilder{*model.mutable_graph()} {
  model.set_ir_version(ir_version);
  model.add_opset_import()->set_version(opset);
  graph.set_name("main");
}

Graph ModelBuilder::import(const ImportOptions& options) const {
  const std::string data = bytes();
  return import_bytes({reinterpret_cast<const uint8_t*>(data.data()), data.size()}, {}, options);
}

std::string ModelBuilder::error(const ImportOptions& options) const {
  try {
    import(options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace dlc::onnx
