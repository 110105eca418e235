// The exporter: one graph on its way into a ModelProto.
// export.cpp: graphs and nodes; export_values.cpp: types, tensors, attributes; export_sizes.cpp:
// symbolic sizes as ONNX nodes.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "compiler/ir/graph.h"
#include "frontends/onnx/proto.h"

namespace dlc::onnx {

/// Takes the bytes of a tensor to another place and says so in the message; false: it did not.
using TensorSink = std::function<bool(const Tensor& tensor, proto::TensorProto& message)>;

void write_type(const Type& type, proto::TypeProto& message);
void write_tensor(const Tensor& tensor, const TensorSink& sink, proto::TensorProto& message);

/// Which value's which dimension is a symbol.
struct SizeSource {
  std::string value;
  int64_t axis;
};

/// The names of one graph's values and of those around it.
struct ExportScope {
  std::set<std::string> used;               ///< names, those of the graphs around included
  std::map<Value, std::string> names;       ///< of this graph's values
  std::map<std::string, SizeSource> sizes;  ///< symbols that can be read off a value by now
};

class Exporter {
 public:
  explicit Exporter(TensorSink sink) : sink_(std::move(sink)) {}

  void write_model(const Graph& graph, proto::ModelProto& model);

 private:
  /// `formals`: how many inputs are the graph's own; the others have their names already.
  void write_graph(const Graph& graph, size_t formals, ExportScope scope,
                   proto::GraphProto& message);
  void name_values(const Graph& graph, size_t formals, ExportScope& scope);
  void write_outputs(const Graph& graph, size_t formals, ExportScope& scope,
                     proto::GraphProto& message);
  void write_node(const Graph& graph, NodeId id, ExportScope& scope, proto::GraphProto& message);
  void write_attr(const std::string& name, const Attr& attr, const Node& node, size_t captures,
                  const ExportScope& scope, proto::NodeProto& message);
  void write_sizes(const Node& node, ExportScope& scope, proto::GraphProto& message);
  void learn_sizes(const Graph& graph, Value value, ExportScope& scope);
  std::string fresh_name(ExportScope& scope);
  std::string node_name(const Node& node);

  TensorSink sink_;
  std::map<std::string, int64_t> opsets_;  ///< by domain: the first that has all nodes so far
  std::set<std::string> node_names_;
  int generated_ = 0;
};

}  // namespace dlc::onnx
