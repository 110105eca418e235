// Attributes of nodes.
#pragma once

#include "compiler/ir/graph.h"
#include "frontends/onnx/tensors.h"
#include "frontends/onnx/types.h"

namespace dlc::onnx {

/// The value of an attribute that is not a graph. Throws Error(invalid) when its type does not fit
/// its fields, Error(unsupported) for lists of tensors, graphs and types.
Attr read_attr(const proto::AttributeProto& attr, TensorReader& tensors, Symbols& symbols);

/// The tensor of a Constant node's one attribute, in any of the forms that ONNX has.
Tensor read_constant(const proto::AttributeProto& attr, TensorReader& tensors);

}  // namespace dlc::onnx
