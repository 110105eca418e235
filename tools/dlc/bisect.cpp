// dlc bisect: which pass, or else which kernel, alters a model's answer.
// Next: compiler/driver/verify.h.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "compiler/ops/compare.h"
#include "runtime/error.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/expected.h"
#include "tools/dlc/progress.h"
#include "tools/dlc/text.h"
#include "tools/dlc/verify.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct BisectOptions {
  std::string model, test_data;
  std::vector<std::string> inputs;
  ModelOptions compile;
  Tolerance tolerance;
  int threads = 0;
  bool json = false;
};

struct Result {
  std::vector<std::string> unexpected;  ///< what the interpreter makes other than the test data
  Verification verification;
};

Json alteration_json(const Alteration& found) {
  Json json;
  if (!found.pass.empty()) json = {{"pass", found.pass}, {"position", found.position}};
  if (found.pass.empty()) json = {{"kernel", found.kernel}};
  json["nodes"] = found.nodes;
  json["op"] = found.op;
  json["value"] = found.value;
  json["difference"] = found.difference;
  return json;
}

void print_json(const BisectOptions& options, const Result& result) {
  const Verification& done = result.verification;
  Json json = {{"schema", 1}, {"model", options.model}};
  if (!options.test_data.empty()) json["unexpected"] = result.unexpected;
  json["passes"] = done.passes;
  json["steps"] = done.steps;
  json["alters"] = done.alteration ? alteration_json(*done.alteration) : Json(nullptr);
  fmt::print("{}\n", json.dump(2));
}

/// With test data, the model as it is read must give what they say: else no pass is to blame.
Result bisect(const BisectOptions& options, const LoadedModel& model) {
  Result result;
  ThreadPool pool(options.threads);
  if (!options.test_data.empty()) {
    const std::vector<Datum> outputs = interpret_model(options.model, model);
    result.unexpected = differences(options.test_data, model, outputs, options.tolerance);
  }
  if (result.unexpected.empty())
    result.verification = verify_model(options.model, options.compile, model, pool);
  return result;
}

void run(const BisectOptions& options) {
  const InputSource source(options.inputs, options.test_data);
  const LoadedModel model = load_model(options.model, options.compile, source);
  print_load_notes(model, options.compile);
  const Result result = bisect(options, model);
  const Verification& done = result.verification;
  if (options.json) print_json(options, result);
  const std::string name = fs::path(options.model).filename().string();
  if (!result.unexpected.empty())
    fail_as(ErrorCode::check, "{}: no pass is to blame: interpreted as it is read, {}", name,
            join(result.unexpected, "; "));
  if (done.alteration) fail_as(ErrorCode::check, "{}: {}", name, done.alteration->text());
  if (!options.json) fmt::print("nothing alters the answer: {}\n", agreement_text(done));
}

}  // namespace

void add_bisect(CLI::App& app) {
  const auto options = std::make_shared<BisectOptions>();
  CLI::App& command =
      *app.add_subcommand("bisect", "Name the first pass or kernel that alters a model's answer");
  command.add_option("model", options->model, "An ONNX model")->required()->type_name("MODEL");
  add_input_options(command, options->inputs, options->test_data);
  add_tolerance_options(command, options->tolerance);
  add_threads_option(command, options->threads);
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  command.footer(
      "Each pass is judged by the interpreter, on what it changed, and by its row in `dlc "
      "passes`:\n"
      "exact, or within tolerance. Then each value that the program stores is compared with what\n"
      "the interpreter makes of the values stored before. Exit code 5 if something differs.\n"
      "Example: dlc bisect model.onnx --test-data test_data_set_0");
  command.callback([options] { run(*options); });
}

}  // namespace dlc::cli
