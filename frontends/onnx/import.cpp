// The importer: models as a whole, and the functions that callers see.
// Next: nodes.cpp.
#include "frontends/onnx/import.h"

#include <algorithm>

#include "frontends/onnx/generated_names.h"
#include "frontends/onnx/importer.h"
#include "frontends/onnx/inputs.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
std::string normal_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

Importer::Importer(const ModelMessage& model, std::filesystem::path folder,
                   const ImportOptions& options, OnError on_error)
    : model_(model.proto),
      options_(options),
      on_error_(on_error),
      tensors_(model, std::move(folder)) {}

bool Importer::is_generated(const std::string& name) const {
  return model_->producer_name() == own_producer && is_generated_name(name);
}

Graph Importer::import() {
  if (!model_->has_graph()) fail("the model has no graph");
  read_opsets();
  read_functions();
  Graph graph(model_->graph().name().empty() ? "main" : model_->graph().name());
  Level level(graph);
  Scope scope(level);
  const Place place{scope, main_};
  add_inputs(scope);
  import_contents(model_->graph(), place);
  try {
    graph.set_outputs(find_outputs(model_->graph(), place));
  } catch (const Unknown&) {  // its node is among the findings
  }
  if (model_->graph().output_size() == 0) fail("the model has no output");
  return graph;
}

void Importer::read_opsets() {
  if (!model_->has_ir_version() || model_->ir_version() < 1) fail("the IR version is missing");
  for (const auto& entry : model_->opset_import()) {
    const std::string domain = normal_domain(entry.domain());
    int64_t& version = main_.opsets[domain];
    version = std::max<int64_t>(version, entry.version());
  }
  // Before IR version 3 there was but one opset.
  if (model_->ir_version() < 3 && main_.opsets.empty()) main_.opsets[""] = 1;
  if (main_.opsets.empty()) fail("the model does not say which opset it is of (opset_import)");
}

void Importer::add_inputs(Scope& scope) {
  for (DeclaredInput& input : graph_inputs(model_->graph(), options_, symbols_)) {
    const auto given = options_.constants.find(input.name);
    if (given == options_.constants.end()) {
      const Value value = scope.graph().add_input(std::move(input.type));
      scope.level().set_name(value, input.name);
      scope.define(input.name, value);
      continue;
    }
    if (!compatible(input.type, Type::of(given->second))) {
      fail_as(ErrorCode::usage, "input '{}' is {}, but the value given for it is {}", input.name,
              to_string(input.type), to_string(Type::of(given->second)));
    }
    const Value constant = scope.graph().add_constant(given->second);
    scope.level().set_name(constant, input.name);
    scope.define(input.name, constant);
  }
}

void Importer::add_initializers(const proto::GraphProto& graph, Scope& scope) {
  const auto add = [&](const std::string& name, const auto& tensor) {
    if (name.empty()) fail("an initializer has no name");
    const auto read = [&] { return tensors_.read(tensor); };
    try {
      const Tensor value = with_context([&] { return "initializer '" + name + "'"; }, read);
      const Value constant = scope.graph().add_constant(value);
      if (!is_generated(name)) scope.level().set_name(constant, name);
      scope.define(name, constant);
    } catch (const Error& error) {
      if (on_error_ == OnError::stop) throw;
      collect({.node = name, .op = "initializer", .message = error.what()});
      scope.define(name, Value());
    }
  };
  for (const auto& tensor : graph.initializer()) add(tensor.name(), tensor);
  for (const auto& sparse : graph.sparse_initializer()) add(sparse.values().name(), sparse);
}

/// Initializers, then nodes. The scope has the inputs already.
void Importer::import_contents(const proto::GraphProto& graph, Place place) {
  for (const auto& info : graph.value_info()) {
    place.scope.declared.emplace(info.name(), &info.type());
  }
  for (const auto& info : graph.output()) {
    place.scope.declared.insert_or_assign(info.name(), &info.type());
  }
  add_initializers(graph, place.scope);
  for (int k : sorted(graph)) import_node(graph.node(k), k, place);
}

std::vector<Value> Importer::find_outputs(const proto::GraphProto& graph, Place place) {
  std::vector<Value> outputs;
  for (const auto& output : graph.output()) outputs.push_back(place.scope.find(output.name()));
  return outputs;
}

Graph import_bytes(std::span<const uint8_t> model, const std::filesystem::path& folder,
                   const ImportOptions& options) {
  return Importer(parse_model(model), folder, options, OnError::stop).import();
}

namespace {

ModelMessage load(const std::filesystem::path& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  return with_context([&] { return path.string(); }, [&] { return parse_model(std::move(file)); });
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

Graph import_file(const std::filesystem::path& path, const ImportOptions& options) {
  const ModelMessage model = load(path);
  return with_context([&] { return path.string(); },
                      [&] {
                        Importer importer(model, folder_of(path), options, OnError::stop);
                        Graph graph = importer.import();
                        if (options.external_files)
                          *options.external_files = importer.external_files();
                        return graph;
                      });
}

std::vector<Finding> check_file(const std::filesystem::path& path, const ImportOptions& options) {
  const ModelMessage model = load(path);
  return with_context([&] { return path.string(); },
                      [&] {
                        Importer importer(model, folder_of(path), options, OnError::collect);
                        importer.import();
                        return importer.findings();
                      });
}

std::vector<DeclaredInput> declared_inputs(const std::filesystem::path& path,
                                           const ImportOptions& options) {
  const ModelMessage model = load(path);
  return with_context([&] { return path.string(); },
                      [&] {
                        Symbols symbols;
                        return graph_inputs(model.proto->graph(), options, symbols);
                      });
}

std::vector<std::string> inputs_to_bind(const std::filesystem::path& path,
                                        const ImportOptions& options) {
  const ModelMessage model = load(path);
  return with_context([&] { return path.string(); },
                      [&] {
                        Importer importer(model, folder_of(path), options, OnError::collect);
                        importer.import();
                        return std::vector<std::string>(importer.needed_inputs().begin(),
                                                        importer.needed_inputs().end());
                      });
}

}  // namespace dlc::onnx
