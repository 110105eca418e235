// Graph inputs: declared types, and shapes fixed by options.
#include "frontends/onnx/inputs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

using Inputs = std::vector<const proto::ValueInfoProto*>;

Inputs without_initializers(const proto::GraphProto& graph) {
  std::set<std::string> initialized;
  for (const auto& tensor : graph.initializer()) initialized.insert(tensor.name());
  for (const auto& sparse : graph.sparse_initializer()) initialized.insert(sparse.values().name());
  Inputs inputs;
  for (const auto& input : graph.input()) {
    if (!initialized.contains(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

/// The shape that the options give an input, if they do.
std::optional<Shape> given_shape(const std::string& input, const ImportOptions& options) {
  const auto constant = options.constants.find(input);
  if (constant != options.constants.end()) return constant->second.shape();
  const auto shape = options.shapes.find(input);
  if (shape != options.shapes.end()) return shape->second;
  return std::nullopt;
}

[[noreturn]] void contradict(const std::string& input, const Shape& given, const std::string& why) {
  fail_as(ErrorCode::usage, "input '{}' cannot have shape {}: {}", input, to_string(given), why);
}

/// Fixes the symbols of an input whose shape is given.
void fix_symbols(const proto::ValueInfoProto& input, const Shape& given, Symbols& symbols) {
  if (!input.type().has_tensor_type()) contradict(input.name(), given, "it is not a tensor");
  if (!input.type().tensor_type().has_shape()) return;
  const auto& declared = input.type().tensor_type().shape();
  if (declared.dim_size() != static_cast<int>(given.size())) {
    contradict(input.name(), given, fmt::format("the model says rank {}", declared.dim_size()));
  }
  for (int k = 0; k < declared.dim_size(); ++k) {
    const auto& dim = declared.dim(k);
    if (given[k] < 0) contradict(input.name(), given, "a size is negative");
    if (dim.has_dim_value() && dim.dim_value() >= 0 && dim.dim_value() != given[k]) {
      contradict(input.name(), given,
                 fmt::format("the model says {} in dimension {}", dim.dim_value(), k));
    }
    // Only names: what an expression gives is checked when the program runs.
    if (dim.has_dim_param() && identifier(dim.dim_param()) == dim.dim_param() &&
        !symbols.fix(dim.dim_param(), given[k])) {
      contradict(
          input.name(), given,
          fmt::format("{} is {} elsewhere", dim.dim_param(), symbols.fixed().at(dim.dim_param())));
    }
  }
}

void refuse_unknown_inputs(const Inputs& inputs, const ImportOptions& options) {
  std::vector<std::string> names;
  for (const auto* input : inputs) names.push_back(input->name());
  const auto check = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    fail_as(ErrorCode::usage, "the model has no input '{}'; its inputs are: {}", name,
            fmt::join(names, ", "));
  };
  for (const auto& [name, shape] : options.shapes) check(name);
  for (const auto& [name, tensor] : options.constants) check(name);
}

void refuse_unknown_dims(const Inputs& inputs, const ImportOptions& options,
                         const Symbols& symbols) {
  std::set<std::string> texts;
  for (const auto* input : inputs) {
    for (const auto& dim : input->type().tensor_type().shape().dim()) {
      if (!dim.dim_param().empty()) texts.insert(dim.dim_param());
    }
  }
  for (const auto& [name, value] : options.dims) {
    if (value < 0) fail_as(ErrorCode::usage, "size {} cannot be {}", name, value);
    if (texts.contains(name) || symbols.known(name)) continue;
    fail_as(ErrorCode::usage, "no input of the model has a size named '{}'; there are: {}", name,
            texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", ")));
  }
}

}  // namespace

std::vector<DeclaredInput> graph_inputs(const proto::GraphProto& graph,
                                        const ImportOptions& options, Symbols& symbols) {
  const Inputs inputs = without_initializers(graph);
  refuse_unknown_inputs(inputs, options);
  for (const auto& [name, value] : options.dims) symbols.fix(name, value);
  for (const auto* input : inputs) {
    for (const auto& dim : input->type().tensor_type().shape().dim()) {
      if (!dim.dim_param().empty()) symbols.add_plain(dim.dim_param());
    }
    const std::optional<Shape> given = given_shape(input->name(), options);
    if (given) fix_symbols(*input, *given, symbols);
  }
  std::vector<DeclaredInput> declared;
  std::set<std::string> names;
  for (const auto* input : inputs) {
    if (input->name().empty() || !names.insert(input->name()).second) {
      fail("the model has two inputs '{}', or one without a name", input->name());
    }
    const auto context = [&] { return fmt::format("input '{}'", input->name()); };
    with_context(context, [&] {
      declared.push_back({input->name(), type_of(input->type(), input->name(), symbols)});
    });
    const std::optional<Shape> given = given_shape(input->name(), options);
    if (given) {
      element_count(*given);  // throws where the product overflows
      Type& type = declared.back().type;
      type = Type::tensor(type.dtype, Dims(given->begin(), given->end()));
    }
  }
  refuse_unknown_dims(inputs, options, symbols);
  return declared;
}

}  // namespace dlc::onnx
