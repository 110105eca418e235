// AttributeProto to Attr.
#include "frontends/onnx/attributes.h"

#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

using Kind = proto::AttributeProto;

/// IR versions 1 and 2 did not say which field is in use.
Kind::AttributeType kind_of(const proto::AttributeProto& attr) {
  if (attr.type() != Kind::UNDEFINED) return attr.type();
  if (attr.has_f()) return Kind::FLOAT;
  if (attr.has_i()) return Kind::INT;
  if (attr.has_s()) return Kind::STRING;
  if (attr.has_t()) return Kind::TENSOR;
  if (attr.has_g()) return Kind::GRAPH;
  if (attr.has_sparse_tensor()) return Kind::SPARSE_TENSOR;
  if (attr.has_tp()) return Kind::TYPE_PROTO;
  if (attr.floats_size() > 0) return Kind::FLOATS;
  if (attr.strings_size() > 0) return Kind::STRINGS;
  return Kind::INTS;
}

}  // namespace

Attr read_attr(const proto::AttributeProto& attr, TensorReader& tensors, Symbols& symbols) {
  switch (kind_of(attr)) {
    case Kind::FLOAT:
      return static_cast<double>(attr.f());
    case Kind::INT:
      return static_cast<int64_t>(attr.i());
    case Kind::STRING:
      return attr.s();
    case Kind::FLOATS:
      return Reals(attr.floats().begin(), attr.floats().end());
    case Kind::INTS:
      return Ints(attr.ints().begin(), attr.ints().end());
    case Kind::STRINGS:
      return Strings(attr.strings().begin(), attr.strings().end());
    case Kind::TENSOR:
      if (!attr.has_t()) fail("attribute {} has no tensor", attr.name());
      return tensors.read(attr.t());
    case Kind::TYPE_PROTO:
      return type_of(attr.tp(), attr.name(), symbols);
    default:
      break;
  }
  fail_as(ErrorCode::unsupported, "attribute {} is of a type that is not supported here ({})",
          attr.name(), static_cast<int>(attr.type()));
}

Tensor read_constant(const proto::AttributeProto& attr, TensorReader& tensors) {
  const std::string& name = attr.name();
  if (name == "value") return tensors.read(attr.t());
  if (name == "sparse_value") return tensors.read(attr.sparse_tensor());
  if (name == "value_float") return Tensor::scalar(DType::f32, attr.f());
  if (name == "value_string") return Tensor::strings({}, {attr.s()});
  if (name == "value_int") {
    const int64_t value = attr.i();
    return Tensor::ints(std::span(&value, 1)).reshaped({});
  }
  if (name == "value_ints") return Tensor::ints(Ints(attr.ints().begin(), attr.ints().end()));
  if (name == "value_floats") {
    const Reals values(attr.floats().begin(), attr.floats().end());
    return Tensor::of(DType::f32, {static_cast<int64_t>(values.size())}, values);
  }
  if (name == "value_strings") {
    const Shape shape = {attr.strings_size()};
    return Tensor::strings(shape, {attr.strings().begin(), attr.strings().end()});
  }
  fail_as(ErrorCode::unsupported, "attribute {} is not known", name);
}

}  // namespace dlc::onnx
