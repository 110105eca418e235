// The importer: types of results, against what the model declares, and names for sizes that only
// running the model tells.
#include "frontends/onnx/importer.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

using Names = std::set<std::string>;

void add_symbols(const Dim& dim, Names& names) {
  dim.visit_symbols([&](const std::string& name) { names.insert(name); });
}

void add_symbols(const Type& type, Names& names) {
  for (const Dim& dim : type.shape) add_symbols(dim, names);
  if (type.element) add_symbols(*type.element, names);
}

/// Symbols that the results may have: of the inputs' shapes, and of their values where those are
/// sizes.
Names symbols_of_inputs(const OnnxNode& node, const Graph& graph) {
  Names names;
  for (Value input : node.inputs) {
    if (!input.valid()) continue;
    add_symbols(graph.type(input), names);
    if (const std::optional<Dims> values = known_values(graph, input)) {
      for (const Dim& value : *values) add_symbols(value, names);
    }
  }
  return names;
}

bool has_symbols(const Type& type) {
  Names names;
  add_symbols(type, names);
  return !names.empty();
}

bool has_graph(const OnnxNode& node) {
  for (const auto& [name, attr] : node.attrs) {
    if (std::holds_alternative<std::shared_ptr<const Graph>>(attr)) return true;
  }
  return false;
}

}  // namespace

/// Rows name the sizes that they cannot know (NonZero's, for instance) by what they see of one
/// graph. Here they get names that are unique in the model, the model's own where it has some.
void Importer::settle_types(std::vector<Type>& types, const OnnxNode& node,
                            const proto::NodeProto& from, const Scope& scope, size_t first_symbol) {
  bool symbolic = false;
  for (const Type& type : types) symbolic |= has_symbols(type);
  Names given;
  if (symbolic) given = symbols_of_inputs(node, scope.graph());
  for (size_t k = 0; k < types.size(); ++k) {
    const std::string& name = from.output(static_cast<int>(k));
    const auto declared = scope.declared.find(name);
    const proto::TypeProto* type = declared == scope.declared.end() ? nullptr : declared->second;
    if (types[k].is_tensor() && !types[k].ranked && type && type->tensor_type().has_shape()) {
      if (agrees(*type, types[k])) types[k] = type_of(*type, name, symbols_);
      continue;
    }
    if (symbolic) settle_shape(types[k], given, has_graph(node), type, first_symbol);
  }
}

/// `nested`: the type comes out of a nested graph, whose own sizes mean nothing out here.
void Importer::settle_shape(Type& type, const Names& given, bool nested,
                            const proto::TypeProto* declared, size_t first_symbol) {
  if (type.element) {
    Type element = *type.element;
    settle_shape(element, given, nested, nullptr, first_symbol);
    type.element = std::make_shared<const Type>(std::move(element));
  }
  const auto is_ours = [&](const std::string& name) {
    if (given.contains(name)) return true;
    return nested && symbols_.known(name) && symbols_.age(name) < first_symbol;
  };
  std::map<std::string, Dim> renamed;
  for (size_t k = 0; k < type.shape.size(); ++k) {
    Dim& dim = type.shape[k];
    Names foreign;
    dim.visit_symbols([&](const std::string& name) {
      if (!is_ours(name) && !renamed.contains(name)) foreign.insert(name);
    });
    if (foreign.empty()) {
      dim = dim.substitute(renamed);
      continue;
    }
    std::string hint = declared ? declared_name(*declared, k) : "";
    if (identifier(hint) != hint || symbols_.known(hint)) hint = *foreign.begin();
    if (nested || dim.as_symbol()) {
      const Dim fresh = symbols_.fresh_symbol(hint);
      if (dim.as_symbol()) renamed.emplace(*foreign.begin(), fresh);
      dim = fresh;
      continue;
    }
    for (const std::string& name : foreign) renamed.emplace(name, symbols_.fresh_symbol(name));
    dim = dim.substitute(renamed);
  }
}

void Importer::check_declared(const std::string& name, const Type& type, const Scope& scope) const {
  // Sizes that the caller fixed are not those that the model was exported with.
  if (!options_.dims.empty() || !options_.shapes.empty()) return;
  const auto declared = scope.declared.find(name);
  if (declared == scope.declared.end() || agrees(*declared->second, type)) return;
  Symbols scratch;
  fail("the model declares '{}' as {}, but it is {}", name,
       to_string(type_of(*declared->second, name, scratch)), to_string(type));
}

}  // namespace dlc::onnx
