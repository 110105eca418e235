// What the upgrade functions are made of.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontends/onnx/importer.h"
#include "runtime/error.h"

namespace dlc::onnx {

/// `apply` makes the next form out of the one that opsets up to `up_to` have.
struct Upgrade {
  std::vector<std::string_view> ops;  ///< none: every op
  int64_t up_to;
  void (*apply)(OnnxNode& node);
};

const std::vector<Upgrade>& input_upgrades();    ///< attributes that became inputs
const std::vector<Upgrade>& meaning_upgrades();  ///< broadcasting, normalization, softmax, ...
const std::vector<Upgrade>& resize_upgrades();

/// Removes an attribute from the node and gives its value.
template <typename T>
std::optional<T> take(OnnxNode& node, std::string_view name) {
  const auto found = node.attrs.find(name);
  if (found == node.attrs.end()) return std::nullopt;
  T* value = std::get_if<T>(&found->second);
  if (!value) fail("attribute {} is of the wrong type", name);
  std::optional<T> result = std::move(*value);
  node.attrs.erase(found);
  return result;
}

inline void drop(OnnxNode& node, std::string_view name) {
  const auto found = node.attrs.find(name);
  if (found != node.attrs.end()) node.attrs.erase(found);
}

inline void set_input(OnnxNode& node, size_t index, Value value) {
  if (node.inputs.size() <= index) node.inputs.resize(index + 1);
  node.inputs[index] = value;
}

/// An input that has to be there for an upgrade.
inline Value need_input(OnnxNode& node, size_t index) {
  if (!node.has(index)) fail("input {} is missing", index);
  return node.inputs[index];
}

/// The shape of an input whose rank an upgrade depends on.
inline const Dims& need_shape(OnnxNode& node, size_t index) {
  const Type& type = node.build.type(need_input(node, index));
  if (type.is_tensor() && type.ranked) return type.shape;
  fail_as(ErrorCode::unsupported,
          "the rank of input {} is not known, but this form of the op (opset "
          "{}) needs it",
          index, node.opset);
}

}  // namespace dlc::onnx
