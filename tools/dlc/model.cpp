// From a file to a program that can run, with the inputs to run it on.
#include "tools/dlc/model.h"

#include <algorithm>
#include <cstdio>

#include "compiler/ir/text.h"
#include "runtime/error.h"
#include "tools/dlc/apart.h"
#include "tools/dlc/progress.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;

std::vector<onnx::DeclaredInput> inputs_of(const Program& program) {
  std::vector<onnx::DeclaredInput> inputs;
  for (const Parameter& input : program.inputs)
    inputs.push_back({input.name, parse_type(input.type)});
  return inputs;
}

/// Offers the values of the inputs that files give to `take`, which says whether it wants one;
/// their names are noted. False: nothing new.
template <typename Take>
bool take_values(const fs::path& path, const InputSource& source, const onnx::ImportOptions& import,
                 std::vector<std::string>& names, Take take) {
  const std::vector<onnx::DeclaredInput> declared = onnx::declared_inputs(path, import);
  const size_t before = names.size();
  for (size_t i = 0; i < declared.size(); ++i) {
    if (!declared[i].type.is_tensor()) continue;
    const std::optional<Datum> value = source.from_file(declared[i], i);
    if (value && value->kind == Datum::Kind::tensor && take(declared[i], value->tensor))
      names.push_back(declared[i].name);
  }
  return names.size() > before;
}

/// Makes constants of the inputs that decide shapes.
bool bind_inputs(const fs::path& path, const InputSource& source, onnx::ImportOptions& import,
                 std::vector<std::string>& bound) {
  const std::vector<std::string> names = onnx::inputs_to_bind(path, import);
  if (names.empty()) return false;
  return take_values(path, source, import, bound, [&](const auto& input, const Tensor& value) {
    return std::ranges::find(names, input.name) != names.end() &&
           import.constants.emplace(input.name, value).second;
  });
}

/// Fixes the shapes of the inputs: where a rank depends on a size (an If whose branches differ in
/// rank), only known sizes compile.
bool fix_shapes(const fs::path& path, const InputSource& source, onnx::ImportOptions& import,
                std::vector<std::string>& fixed) {
  return take_values(path, source, import, fixed, [&](const auto& input, const Tensor& value) {
    return !input.type.is_static() && import.shapes.emplace(input.name, value.shape()).second;
  });
}

/// Makes constants of single integers and booleans: switches between branches, of which some may
/// make no sense for the shapes at hand.
bool bind_switches(const fs::path& path, const InputSource& source, onnx::ImportOptions& import,
                   std::vector<std::string>& bound) {
  return take_values(path, source, import, bound, [&](const auto& input, const Tensor& value) {
    const bool discrete = is_integer(value.dtype()) || value.dtype() == DType::boolean;
    return discrete && value.size() == 1 && import.constants.emplace(input.name, value).second;
  });
}

/// Knows more about the inputs after a failure, step by step. False: there is no more to know.
bool specialize(const fs::path& path, const InputSource& source, ErrorCode code,
                onnx::ImportOptions& import, LoadedModel& model) {
  if (code == ErrorCode::unsupported) {
    if (bind_inputs(path, source, import, model.bound)) return true;
    if (fix_shapes(path, source, import, model.fixed)) return true;
  }
  // With fixed shapes, a branch that is not taken may have become a contradiction.
  return !model.fixed.empty() && bind_switches(path, source, import, model.bound);
}

/// Values for the inputs that the program still has, in its order.
std::vector<Datum> program_inputs(const fs::path& path, const InputSource& source,
                                  const std::vector<onnx::DeclaredInput>& left,
                                  const onnx::ImportOptions& import, LoadedModel& model) {
  if (model.bound.empty()) return source.values(left, model.assumed);
  const std::vector<onnx::DeclaredInput> declared = onnx::declared_inputs(path, import);
  const std::vector<Datum> all = source.values(declared, model.assumed);
  std::vector<Datum> values;
  for (const onnx::DeclaredInput& input : left)
    for (size_t i = 0; i < declared.size(); ++i)
      if (declared[i].name == input.name) values.push_back(all[i]);
  return values;
}

void load_once(const fs::path& path, const ModelOptions& options, const InputSource& source,
               const onnx::ImportOptions& import, const Cache* cache, LoadedModel& model) {
  CompiledFile compiled = compile_file(path, import, options.compile, cache, run_apart);
  model.program = std::move(compiled.program);
  model.report = std::move(compiled.report);
  model.from_cache = compiled.from_cache;
  model.cache_problem = std::move(compiled.cache_problem);
  model.import_ms = compiled.import_ms;
  model.compile_ms = compiled.compile_ms;
  model.assumed.clear();
  model.inputs = program_inputs(path, source, inputs_of(*model.program), import, model);
  model.output_types.clear();
  for (const Parameter& output : model.program->outputs)
    model.output_types.push_back(parse_type(output.type));
}

}  // namespace

LoadedModel load_model(const fs::path& path, const ModelOptions& options,
                       const InputSource& source) {
  check_compile_options(options);
  onnx::ImportOptions import = import_options(options);
  const std::unique_ptr<Cache> cache = open_cache(options);
  const Activity activity("compiling " + path.filename().string());
  LoadedModel model;
  while (true) {
    try {
      load_once(path, options, source, import, cache.get(), model);
      model.import = std::move(import);
      return model;
    } catch (const Error& error) {
      if (!specialize(path, source, error.code(), import, model)) throw;
    }
  }
}

Graph import_model(const fs::path& path, const ModelOptions& options) {
  check_compile_options(options);
  const Activity activity("reading " + path.filename().string());
  return onnx::import_file(path, import_options(options));
}

void print_load_notes(const LoadedModel& model, const ModelOptions& options) {
  if (!model.report.printed.empty()) fmt::print(stderr, "{}\n", model.report.printed);
  if (!model.assumed.empty()) {
    fmt::print(stderr, "note: nothing says how large {} {}: taken as 1; --dim {}=N says it\n",
               join(model.assumed), model.assumed.size() == 1 ? "is" : "are", model.assumed[0]);
  }
  if (!model.fixed.empty()) {
    fmt::print(stderr,
               "note: compiled for the given shapes of {} only: the model's ranks depend on them\n",
               join(model.fixed));
  }
  if (!options.verbose) return;
  if (!model.bound.empty()) {
    fmt::print(stderr, "note: compiled in, because other shapes depend on them: {}\n",
               join(model.bound));
  }
  if (!model.cache_problem.empty()) fmt::print(stderr, "note: {}\n", model.cache_problem);
  if (model.from_cache) {
    fmt::print(stderr, "note: compiled before: loaded in {} ({} steps)\n",
               human_ms(model.import_ms), model.program->steps.size());
    return;
  }
  if (model.report.kernels.empty()) {
    fmt::print(stderr, "note: compiled in {} ({} steps)\n", human_ms(model.compile_ms),
               model.program->steps.size());
    return;
  }
  fmt::print(stderr, "note: read in {}, compiled in {} ({} nodes, then {}; {} kernels)\n",
             human_ms(model.import_ms), human_ms(model.compile_ms), model.report.nodes_before,
             model.report.nodes_after, model.report.kernels.size());
}

}  // namespace dlc::cli
