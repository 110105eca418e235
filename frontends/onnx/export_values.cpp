// The exporter: types and tensors.
#include "frontends/onnx/exporter.h"
#include "onnx-ml.pb.h"

namespace dlc::onnx {
namespace {

void write_shape(const Type& type, proto::TypeProto::Tensor& message) {
  message.set_elem_type(static_cast<int>(type.dtype));
  if (!type.ranked) return;
  auto& shape = *message.mutable_shape();
  for (const Dim& size : type.shape) {
    auto& dim = *shape.add_dim();
    if (size.is_number()) {
      dim.set_dim_value(size.number());
    } else {
      dim.set_dim_param(size.to_string());
    }
  }
}

}  // namespace

void write_type(const Type& type, proto::TypeProto& message) {
  switch (type.kind) {
    case Type::Kind::none:
      break;
    case Type::Kind::tensor:
      write_shape(type, *message.mutable_tensor_type());
      break;
    case Type::Kind::sequence:
      write_type(*type.element, *message.mutable_sequence_type()->mutable_elem_type());
      break;
    case Type::Kind::optional:
      write_type(*type.element, *message.mutable_optional_type()->mutable_elem_type());
      break;
    case Type::Kind::map:
      message.mutable_map_type()->set_key_type(static_cast<int>(type.dtype));
      write_type(*type.element, *message.mutable_map_type()->mutable_value_type());
      break;
  }
}

void write_tensor(const Tensor& tensor, const TensorSink& sink, proto::TensorProto& message) {
  message.set_data_type(static_cast<int>(tensor.dtype()));
  for (int64_t size : tensor.shape()) message.add_dims(size);
  if (sink && sink(tensor, message)) return;
  if (tensor.dtype() == DType::string) {
    for (const std::string& text : tensor.as<std::string>()) message.add_string_data(text);
    return;
  }
  message.set_raw_data(tensor.data(), static_cast<size_t>(tensor.bytes()));
}

}  // namespace dlc::onnx
