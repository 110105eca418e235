// The exporter: graphs and nodes, and the files they go into.
// Next: export_values.cpp.
#include "frontends/onnx/export.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "compiler/ir/attr.h"
#include "frontends/onnx/exporter.h"
#include "frontends/onnx/generated_names.h"
#include "frontends/onnx/opsets.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

// Weights below this stay in the model: a file of its own pays for the large ones.
constexpr int64_t smallest_external = 1024;
constexpr int64_t page = 4096;

using GraphAttr = std::shared_ptr<const Graph>;

struct OpName {
  std::string domain, op;
  explicit OpName(const std::string& qualified) {
    const size_t dot = qualified.rfind('.');
    if (dot != std::string::npos) domain = qualified.substr(0, dot);
    op = dot == std::string::npos ? qualified : qualified.substr(dot + 1);
  }
};

bool is_constant(const Graph& graph, NodeId id) {
  return graph.constant(graph.node(id).outputs[0]) != nullptr;
}

}  // namespace

std::string Exporter::fresh_name(ExportScope& scope) {
  std::string name;
  do {
    name = generated_name(generated_++);
  } while (!scope.used.insert(name).second);
  return name;
}

std::string Exporter::node_name(const Node& node) {
  if (node.origins.empty()) return {};
  const std::string& origin = *node.origins.begin();
  std::string name = origin;
  for (int k = 2; !node_names_.insert(name).second; ++k) name = origin + "_" + std::to_string(k);
  return name;
}

void Exporter::write_model(const Graph& graph, proto::ModelProto& model) {
  model.set_producer_name(std::string(own_producer));
  opsets_ = {{"", oldest_exported_opset}};
  write_graph(graph, graph.inputs().size(), {}, *model.mutable_graph());
  model.set_ir_version(ir_version_of(opsets_.at("")));
  for (const auto& [domain, version] : opsets_) {
    auto& entry = *model.add_opset_import();
    entry.set_domain(domain);
    entry.set_version(version);
  }
}

/// Names of the model stay, unless a graph around has them, too.
void Exporter::name_values(const Graph& graph, size_t formals, ExportScope& scope) {
  const auto name = [&](Value value) {
    if (!value.valid() || scope.names.contains(value)) return;
    const std::string& own = graph.name(value);
    const bool free = !own.empty() && scope.used.insert(own).second;
    scope.names[value] = free ? own : fresh_name(scope);
  };
  for (size_t k = 0; k < formals; ++k) name(graph.inputs()[k]);
  for (NodeId id : graph.nodes()) {
    for (Value output : graph.node(id).outputs) name(output);
  }
}

void Exporter::write_graph(const Graph& graph, size_t formals, ExportScope scope,
                           proto::GraphProto& message) {
  message.set_name(graph.name());
  name_values(graph, formals, scope);
  for (size_t k = 0; k < graph.inputs().size(); ++k) {
    const Value input = graph.inputs()[k];
    learn_sizes(graph, input, scope);
    if (k >= formals) continue;
    auto& info = *message.add_input();
    info.set_name(scope.names.at(input));
    write_type(graph.type(input), *info.mutable_type());
  }
  // Constants at the beginning are initializers, so that importing puts them there again.
  bool beginning = true;
  for (NodeId id : graph.nodes()) {
    beginning &= is_constant(graph, id);
    if (beginning) {
      const Value value = graph.node(id).outputs[0];
      auto& tensor = *message.add_initializer();
      tensor.set_name(scope.names.at(value));
      write_tensor(*graph.constant(value), sink_, tensor);
      continue;
    }
    with_context([&] { return graph.describe(id); },
                 [&] { write_node(graph, id, scope, message); });
  }
  write_outputs(graph, formals, scope, message);
}

/// Outputs need names of their own: what is an output twice, or comes from outside, is copied.
void Exporter::write_outputs(const Graph& graph, size_t formals, ExportScope& scope,
                             proto::GraphProto& message) {
  std::set<Value> written(graph.inputs().begin() + static_cast<std::ptrdiff_t>(formals),
                          graph.inputs().end());
  for (Value output : graph.outputs()) {
    std::string name = scope.names.at(output);
    if (!written.insert(output).second) {
      auto& copy = *message.add_node();
      copy.set_op_type("Identity");
      copy.add_input(name);
      name = fresh_name(scope);
      copy.add_output(name);
    }
    auto& info = *message.add_output();
    info.set_name(name);
    write_type(graph.type(output), *info.mutable_type());
  }
}

void Exporter::write_node(const Graph& graph, NodeId id, ExportScope& scope,
                          proto::GraphProto& message) {
  const Node& node = graph.node(id);
  const OpName name(node.op);
  if (node.op == "dlc.Sizes") {
    write_sizes(node, scope, message);
  } else if (name.domain == "dlc") {
    fail_as(ErrorCode::unsupported,
            "the op {} has no form in ONNX; export the graph from before "
            "the pass that made it",
            node.op);
  } else {
    int64_t& opset = opsets_.emplace(name.domain, 1).first->second;
    opset = std::max(opset, first_opset(graph, node));
    const size_t captures = capture_count(node);
    proto::NodeProto& out = *message.add_node();
    out.set_op_type(name.op);
    out.set_domain(name.domain);
    out.set_name(node_name(node));
    for (size_t k = 0; k + captures < node.inputs.size(); ++k) {
      out.add_input(node.inputs[k].valid() ? scope.names.at(node.inputs[k]) : "");
    }
    for (Value output : node.outputs) {
      out.add_output(output.valid() ? scope.names.at(output) : "");
    }
    for (const auto& [attr, value] : node.attrs) {
      if (attr == "captures") continue;
      write_attr(attr, value, node, captures, scope, out);
    }
  }
  for (Value output : node.outputs) {
    if (!output.valid()) continue;
    learn_sizes(graph, output, scope);
    if (graph.is_output(output)) continue;
    auto& info = *message.add_value_info();
    info.set_name(scope.names.at(output));
    write_type(graph.type(output), *info.mutable_type());
  }
}

void Exporter::write_attr(const std::string& name, const Attr& attr, const Node& node,
                          size_t captures, const ExportScope& scope, proto::NodeProto& message) {
  using Kind = proto::AttributeProto;
  Kind& out = *message.add_attribute();
  out.set_name(name);
  if (const auto* integer = std::get_if<int64_t>(&attr)) {
    out.set_type(Kind::INT);
    out.set_i(*integer);
  } else if (const auto* real = std::get_if<double>(&attr)) {
    out.set_type(Kind::FLOAT);
    out.set_f(static_cast<float>(*real));
  } else if (const auto* text = std::get_if<std::string>(&attr)) {
    out.set_type(Kind::STRING);
    out.set_s(*text);
  } else if (const auto* ints = std::get_if<Ints>(&attr)) {
    out.set_type(Kind::INTS);
    for (int64_t value : *ints) out.add_ints(value);
  } else if (const auto* reals = std::get_if<Reals>(&attr)) {
    out.set_type(Kind::FLOATS);
    for (double value : *reals) out.add_floats(static_cast<float>(value));
  } else if (const auto* texts = std::get_if<Strings>(&attr)) {
    out.set_type(Kind::STRINGS);
    for (const std::string& value : *texts) out.add_strings(value);
  } else if (const auto* tensor = std::get_if<Tensor>(&attr)) {
    out.set_type(Kind::TENSOR);
    write_tensor(*tensor, sink_, *out.mutable_t());
  } else if (const auto* type = std::get_if<Type>(&attr)) {
    out.set_type(Kind::TYPE_PROTO);
    write_type(*type, *out.mutable_tp());
  } else if (const auto* nested = std::get_if<GraphAttr>(&attr)) {
    // The nested graph's last inputs are the values outside again.
    const auto& inputs = (*nested)->inputs();
    const size_t formals = inputs.size() - captures;
    ExportScope inner{scope.used, {}, scope.sizes};
    for (size_t k = 0; k < captures; ++k) {
      const Value outer = node.inputs[node.inputs.size() - captures + k];
      inner.names[inputs[formals + k]] = scope.names.at(outer);
    }
    out.set_type(Kind::GRAPH);
    write_graph(**nested, formals, std::move(inner), *out.mutable_g());
  }
}

std::vector<uint8_t> export_bytes(const Graph& graph) {
  proto::ModelProto model;
  Exporter(nullptr).write_model(graph, model);
  const size_t size = model.ByteSizeLong();
  if (size > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail_as(ErrorCode::limit,
            "the model has {} bytes, more than the 2 GB that one message can have; "
            "write it to a file with external data",
            size);
  }
  std::vector<uint8_t> bytes(size);
  model.SerializeToArray(bytes.data(), static_cast<int>(size));
  return bytes;
}

namespace {

int64_t weight_bytes(const Graph& graph) {
  int64_t bytes = 0;
  for (NodeId id : graph.nodes()) {
    for (const auto& [name, attr] : graph.node(id).attrs) {
      if (const auto* tensor = std::get_if<Tensor>(&attr)) bytes += tensor->bytes();
      if (const auto* nested = std::get_if<GraphAttr>(&attr)) bytes += weight_bytes(**nested);
    }
  }
  return bytes;
}

void add_entry(proto::TensorProto& message, const std::string& key, const std::string& value) {
  auto& entry = *message.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

/// Appends tensors to a file, each on a page of its own so that readers can map them.
class DataFile {
 public:
  explicit DataFile(const std::filesystem::path& path)
      : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
    if (!file_) fail_as(ErrorCode::failed, "{}: cannot be written", path.string());
  }

  bool take(const Tensor& tensor, proto::TensorProto& message) {
    if (tensor.dtype() == DType::string || tensor.bytes() < smallest_external) return false;
    position_ = (position_ + page - 1) / page * page;
    file_.seekp(position_);
    file_.write(static_cast<const char*>(tensor.data()), tensor.bytes());
    message.set_data_location(proto::TensorProto::EXTERNAL);
    add_entry(message, "location", path_.filename().string());
    add_entry(message, "offset", std::to_string(position_));
    add_entry(message, "length", std::to_string(tensor.bytes()));
    position_ += tensor.bytes();
    return true;
  }

  void finish() {
    file_.close();
    if (!file_) fail_as(ErrorCode::failed, "{}: cannot be written", path_.string());
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  int64_t position_ = 0;
};

void write_bytes(const proto::ModelProto& model, const std::filesystem::path& path) {
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail_as(ErrorCode::limit, "{}: more than 2 GB without the weights", path.string());
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file || !model.SerializeToOstream(&file) || !file.flush()) {
    fail_as(ErrorCode::failed, "{}: cannot be written", path.string());
  }
}

}  // namespace

void write_file(const Graph& graph, const std::filesystem::path& path,
                const WriteOptions& options) {
  proto::ModelProto model;
  if (weight_bytes(graph) <= options.external_above) {
    Exporter(nullptr).write_model(graph, model);
  } else {
    DataFile data(path.string() + ".data");
    Exporter([&](const Tensor& tensor, proto::TensorProto& message) {
      return data.take(tensor, message);
    }).write_model(graph, model);
    data.finish();
  }
  write_bytes(model, path);
}

}  // namespace dlc::onnx
