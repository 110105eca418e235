// ONNX's messages by name only, so that the headers here need no Protobuf.
// Next: reader.h (bytes to messages).
#pragma once

namespace onnx {
class AttributeProto;
class FunctionProto;
class GraphProto;
class ModelProto;
class NodeProto;
class SparseTensorProto;
class TensorProto;
class TypeProto;
class ValueInfoProto;
}  // namespace onnx

namespace dlc::onnx {
namespace proto = ::onnx;
}
