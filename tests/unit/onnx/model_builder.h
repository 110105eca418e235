// Builds small ONNX models for the tests of the importer.
#pragma once

#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "frontends/onnx/import.h"
#include "onnx-ml.pb.h"

namespace dlc::onnx {

namespace messages = ::onnx;

/// A size of a declared shape: a number, a name, or "" for an unknown one.
using SizeText = std::variant<int64_t, std::string>;
using Sizes = std::vector<SizeText>;

struct AttrText {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
               messages::TensorProto, messages::GraphProto>
      value;
};
template <typename T>
AttrText attr(std::string name, T value) {
  if constexpr (std::is_same_v<T, int>) {
    return {std::move(name), static_cast<int64_t>(value)};
  } else if constexpr (std::is_same_v<T, const char*>) {
    return {std::move(name), std::string(value)};
  } else {
    return {std::move(name), std::move(value)};
  }
}
inline AttrText ints(std::string name, std::vector<int64_t> values) {
  return {std::move(name), std::move(values)};
}
inline AttrText floats(std::string name, std::vector<float> values) {
  return {std::move(name), std::move(values)};
}

messages::TensorProto float_tensor(std::string name, std::vector<int64_t> dims,
                                   const std::vector<float>& values);
messages::TensorProto int_tensor(std::string name, std::vector<int64_t> dims,
                                 const std::vector<int64_t>& values);

void set_attr(messages::NodeProto& node, const AttrText& attr);
void set_type(messages::TypeProto& type, DType dtype, const Sizes& sizes);

/// Adds to a graph; `name` of a node is empty unless given.
struct GraphBuilder {
  messages::GraphProto& graph;

  GraphBuilder& input(const std::string& name, DType dtype, const Sizes& sizes);
  GraphBuilder& output(const std::string& name, DType dtype, const Sizes& sizes);
  GraphBuilder& output(const std::string& name);
  GraphBuilder& initializer(messages::TensorProto tensor);
  GraphBuilder& node(const std::string& op, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs,
                     const std::vector<AttrText>& attrs = {}, const std::string& name = "");
};

struct ModelHolder {
  messages::ModelProto model;
};

/// A model with one opset.
struct ModelBuilder : ModelHolder, GraphBuilder {
  explicit ModelBuilder(int64_t opset = 28, int64_t ir_version = 10);
  ModelBuilder(const ModelBuilder&) = delete;

  std::string bytes() const { return model.SerializeAsString(); }
  Graph import(const ImportOptions& options = {}) const;
  /// What the import's error says; "" if there is none.
  std::string error(const ImportOptions& options = {}) const;
};

/// A nested graph made by `fill`.
template <typename Fill>
messages::GraphProto nested(const std::string& name, const Fill& fill) {
  messages::GraphProto graph;
  graph.set_name(name);
  GraphBuilder builder{graph};
  fill(builder);
  return graph;
}

}  // namespace dlc::onnx
