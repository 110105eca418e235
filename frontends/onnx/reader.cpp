// Parsing of models.
// Next: damage.cpp (where a message breaks off).
#include "frontends/onnx/reader.h"

#include <limits>
#include <vector>

#include "frontends/onnx/wire.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

template <typename Message>
void refuse_unknown_fields(const Message& message, const char* where) {
  if (message.unknown_fields().empty()) return;
  fail_as(ErrorCode::unsupported,
          "the model's IR version is newer than {}, and its {} has fields that are not known here; "
          "export it with an older IR version",
          static_cast<int>(proto::IR_VERSION), where);
}

/// A newer IR version may use only what the known ones have: anything else could change what the
/// model means.
void refuse_newer_fields(const proto::GraphProto& graph) {
  refuse_unknown_fields(graph, "graph");
  for (const proto::TensorProto& tensor : graph.initializer()) {
    refuse_unknown_fields(tensor, "initializer");
  }
  for (const proto::NodeProto& node : graph.node()) {
    refuse_unknown_fields(node, "node");
    for (const proto::AttributeProto& attr : node.attribute()) {
      refuse_unknown_fields(attr, "attribute");
      if (attr.has_g()) refuse_newer_fields(attr.g());
    }
  }
}

void refuse_newer_fields(const proto::ModelProto& model) {
  if (model.ir_version() <= proto::IR_VERSION) return;
  refuse_unknown_fields(model, "model");
  refuse_newer_fields(model.graph());
}

/// Takes a model's bytes apart, so that the message can be parsed without the raw data of its
/// initializers: a message is the concatenation of its fields, and parsing merges them.
class Splitter {
 public:
  std::map<const proto::TensorProto*, std::span<const uint8_t>> raw_data;

  /// Null where the bytes are not as a model's usually are.
  std::shared_ptr<proto::ModelProto> split(std::span<const uint8_t> bytes) {
    constexpr uint64_t graph_field = 7, initializer_field = 5, raw_data_field = 9;
    auto model = std::make_shared<proto::ModelProto>();
    std::vector<std::span<const uint8_t>> graphs, initializers;
    if (!parse_rest(*model, bytes, graph_field, graphs) || graphs.size() != 1) return nullptr;
    proto::GraphProto& graph = *model->mutable_graph();
    if (!parse_rest(graph, graphs[0], initializer_field, initializers)) return nullptr;
    graph.mutable_initializer()->Reserve(static_cast<int>(initializers.size()));
    for (const std::span<const uint8_t> initializer : initializers) {
      proto::TensorProto& tensor = *graph.add_initializer();
      std::vector<std::span<const uint8_t>> raw;
      if (!parse_rest(tensor, initializer, raw_data_field, raw)) return nullptr;
      if (!raw.empty()) raw_data[&tensor] = raw.back();  // the last one counts
    }
    return model;
  }

 private:
  /// Parses all of a message but the fields of one number, which are taken out.
  static bool parse_rest(google::protobuf::MessageLite& message, std::span<const uint8_t> bytes,
                         uint64_t taken_field, std::vector<std::span<const uint8_t>>& taken) {
    std::string rest;
    WireReader reader(bytes);
    while (const std::optional<WireField> field = reader.next()) {
      if (field->number == taken_field) {
        if (!field->has_bytes) return false;
        taken.push_back(field->bytes);
        continue;
      }
      const auto* begin = reinterpret_cast<const char*>(bytes.data()) + field->start;
      rest.append(begin, field->content - field->start + field->bytes.size());
    }
    return reader.damage().empty() && message.ParseFromString(rest);
  }
};

}  // namespace

ModelMessage parse_model(std::span<const uint8_t> bytes) {
  if (bytes.empty()) fail("the file is empty");
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail_as(ErrorCode::limit,
            "{} bytes, but a model can have 2 GB at most; export the weights as external data",
            bytes.size());
  }
  auto model = std::make_shared<proto::ModelProto>();
  const bool parsed = model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const bool plausible = parsed && (model->has_graph() || model->has_ir_version());
  if (!plausible) {
    const std::string kind = kind_of_file(bytes);
    if (!kind.empty()) fail("this is {}, not an ONNX model", kind);
    if (parsed) fail("not an ONNX model: there is no graph in it");
    const std::string damage = explain_damage(bytes);
    fail("not an ONNX model, or a damaged one{}{}", damage.empty() ? "" : ": ", damage);
  }
  refuse_newer_fields(*model);
  return {std::move(model), nullptr, {}};
}

ModelMessage parse_model(std::shared_ptr<const MappedFile> file) {
  Splitter splitter;
  std::shared_ptr<proto::ModelProto> model = splitter.split(file->bytes());
  // What is odd in any way is left to the parser, which can say what is wrong.
  if (!model) return parse_model(file->bytes());
  refuse_newer_fields(*model);
  return {std::move(model), std::move(file), std::move(splitter.raw_data)};
}

}  // namespace dlc::onnx
