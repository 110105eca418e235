// dlc run: runs a model once and shows or checks what comes out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/ops/compare.h"
#include "runtime/error.h"
#include "runtime/numeric.h"
#include "runtime/session.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/expected.h"
#include "tools/dlc/model.h"
#include "tools/dlc/npy.h"
#include "tools/dlc/text.h"
#include "tools/dlc/verify.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions {
  std::string model;
  ModelOptions compile;
  std::vector<std::string> inputs, outputs;
  std::string test_data;
  Tolerance tolerance;
  int threads = 0;
  bool json = false, verify = false;
};

/// What a person wants to know of a tensor at one glance.
struct Summary {
  double lowest = INFINITY, highest = -INFINITY, sum = 0;
  int64_t finite = 0, nan = 0, infinite = 0;

  explicit Summary(const Tensor& tensor) {
    if (tensor.dtype() == DType::string || is_complex(tensor.dtype())) return;
    for (int64_t i = 0; i < tensor.size(); ++i) {
      const double value = load_real(tensor.dtype(), tensor.data(), i);
      nan += std::isnan(value) ? 1 : 0;
      infinite += std::isinf(value) ? 1 : 0;
      if (!std::isfinite(value)) continue;
      ++finite;
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
      sum += value;
    }
  }
  double mean() const { return sum / static_cast<double>(finite); }
};

std::string type_text(const Datum& value) {
  switch (value.kind) {
    case Datum::Kind::none:
      return "nothing";
    case Datum::Kind::tensor:
      return to_string(Type::of(value.tensor));
    case Datum::Kind::sequence:
      return fmt::format("sequence of {}", value.items.size());
    case Datum::Kind::map:
      return fmt::format("map of {}", value.items.size());
  }
  return "";
}

constexpr int64_t shown_elements = 6;

std::vector<std::string> first_elements(const Tensor& tensor) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < std::min(tensor.size(), shown_elements); ++i)
    texts.push_back(element_text(tensor, i));
  return texts;
}

std::string summary_text(const Datum& value) {
  if (value.kind == Datum::Kind::sequence || value.kind == Datum::Kind::map) {
    std::vector<std::string> items;
    for (const Datum& item : value.items) items.push_back(type_text(item));
    return join(items);
  }
  if (value.kind != Datum::Kind::tensor) return "";
  const Summary summary(value.tensor);
  std::string text;
  if (summary.finite > 1)
    text = fmt::format("min {:.6g}  max {:.6g}  mean {:.6g}  ", summary.lowest, summary.highest,
                       summary.mean());
  if (summary.nan > 0) text += fmt::format("NaN {}  ", summary.nan);
  if (summary.infinite > 0) text += fmt::format("infinite {}  ", summary.infinite);
  const bool more = value.tensor.size() > shown_elements;
  return text + fmt::format("[{}{}]", join(first_elements(value.tensor)), more ? ", ..." : "");
}

Json summary_json(const std::string& name, const Datum& value) {
  Json json = {{"name", name}, {"type", type_text(value)}};
  if (value.kind != Datum::Kind::tensor) return json;
  const Summary summary(value.tensor);
  json["dtype"] = std::string(dlc::name(value.tensor.dtype()));
  json["shape"] = value.tensor.shape();
  if (summary.finite > 0) {
    json["min"] = summary.lowest;
    json["max"] = summary.highest;
    json["mean"] = summary.mean();
  }
  json["nan"] = summary.nan;
  json["infinite"] = summary.infinite;
  json["first"] = first_elements(value.tensor);
  return json;
}

/// Where -o wants an output; "name=@y.npy", or "y.npy" for a model with one output.
struct Target {
  size_t output;
  fs::path file;
};

std::vector<Target> targets(const RunOptions& options, const Program& program) {
  std::vector<std::string> names;
  for (const Parameter& output : program.outputs) names.push_back(output.name);
  std::vector<Target> found;
  for (const std::string& spec : options.outputs) {
    const size_t equals = spec.find("=@");
    const bool named = equals != std::string::npos;
    std::string file = named ? spec.substr(equals + 2) : spec;
    if (!named && file.starts_with('@')) file.erase(0, 1);
    if (fs::path(file).extension() != ".npy")
      fail_as(ErrorCode::usage, "-o {}: write name=@y.npy", spec);
    if (!named && names.size() != 1)
      fail_as(ErrorCode::usage, "-o {}: the model has {} outputs ({}); say which: name=@{}", spec,
              names.size(), join(names), file);
    const std::string name = named ? spec.substr(0, equals) : names[0];
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end())
      fail_as(ErrorCode::usage, "the model has no output '{}'{} (it has {})", name,
              did_you_mean(name, names), join(names));
    found.push_back({static_cast<size_t>(at - names.begin()), file});
  }
  return found;
}

void print_text(const LoadedModel& model, const std::vector<Datum>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i)
    fmt::print("{}: {}  {}\n", model.program->outputs[i].name, type_text(outputs[i]),
               summary_text(outputs[i]));
}

void print_json(const RunOptions& options, const LoadedModel& model,
                const std::vector<Datum>& outputs, const std::vector<std::string>& differing,
                double run_ms) {
  Json json = {{"schema", 1}, {"model", options.model}, {"outputs", Json::array()}};
  for (size_t i = 0; i < outputs.size(); ++i)
    json["outputs"].push_back(summary_json(model.program->outputs[i].name, outputs[i]));
  json["load_ms"] = model.import_ms + model.compile_ms;
  json["run_ms"] = run_ms;
  if (!options.test_data.empty()) {
    json["matches"] = differing.empty();
    json["differences"] = differing;
  }
  fmt::print("{}\n", json.dump(2));
}

void run(const RunOptions& options) {
  const InputSource source(options.inputs, options.test_data);
  const LoadedModel model = load_model(options.model, options.compile, source);
  print_load_notes(model, options.compile);
  const std::vector<Target> files = targets(options, *model.program);

  ThreadPool pool(options.threads);
  if (options.verify) {
    const Verification done = verify_model(options.model, options.compile, model, pool);
    if (done.alteration)
      fail_as(ErrorCode::check, "{}: {}", fs::path(options.model).filename().string(),
              done.alteration->text());
    fmt::print(stderr, "note: {}\n", agreement_text(done));
  }
  Session session(model.program, pool);
  Stopwatch watch;
  const std::vector<Datum> outputs =
      with_context([&] { return fs::path(options.model).filename().string(); },
                   [&] { return session.run(model.inputs); });
  const double run_ms = watch.lap();

  for (const Target& target : files) {
    const Datum& value = outputs[target.output];
    if (value.kind != Datum::Kind::tensor)
      fail_as(ErrorCode::unsupported, "output '{}' is {}, which .npy cannot hold",
              model.program->outputs[target.output].name, type_text(value));
    write_npy(target.file, value.tensor);
  }
  const std::vector<std::string> differing =
      differences(options.test_data, model, outputs, options.tolerance);
  if (options.json) {
    print_json(options, model, outputs, differing, run_ms);
  } else {
    print_text(model, outputs);
    if (!options.test_data.empty() && differing.empty()) fmt::print("all outputs as expected\n");
  }
  if (options.compile.verbose) fmt::print(stderr, "note: ran in {}\n", human_ms(run_ms));
  if (!differing.empty())
    fail_as(ErrorCode::check, "{}: {}", fs::path(options.model).filename().string(),
            join(differing, "; "));
}

}  // namespace

void add_run(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App& command = *app.add_subcommand("run", "Run a model once and show what comes out");
  command.add_option("model", options->model, "An ONNX model")->required()->type_name("MODEL");
  add_input_options(command, options->inputs, options->test_data);
  command.add_option("-o,--output", options->outputs, "Write an output: name=@y.npy")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  add_tolerance_options(command, options->tolerance);
  command.add_flag("--verify", options->verify,
                   "Compare with the interpreter first: the graph before and after each pass, then "
                   "what each kernel stores");
  add_threads_option(command, options->threads);
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  add_cache_options(command, options->compile);
  command.footer(
      "Example: dlc run resnet50.onnx -i data=@cat.npy -o prob=@prob.npy\n"
      "         dlc run bert.onnx --dim batch=2 --dim seq=128 -i random:7");
  command.callback([options] { run(*options); });
}

}  // namespace dlc::cli
