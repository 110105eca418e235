// dlc check: everything that stands in the way of a model, at once.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/driver/compile.h"
#include "runtime/error.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/model.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;

struct CheckOptions {
  std::string model;
  ModelOptions compile;
  bool json = false;
};

/// What the reader finds; if nothing, what compilation does.
std::vector<onnx::Finding> find(const CheckOptions& options) {
  check_compile_options(options.compile);
  std::vector<onnx::Finding> findings =
      onnx::check_file(options.model, import_options(options.compile));
  if (!findings.empty()) return findings;
  try {
    compile(import_model(options.model, options.compile), options.compile.compile);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    findings.push_back({.message = error.what()});
  }
  return findings;
}

void print_json(const CheckOptions& options, const std::vector<onnx::Finding>& findings) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const onnx::Finding& f : findings)
    rows.push_back({{"node", f.node}, {"op", f.op}, {"message", f.message}, {"hint", f.hint}});
  const nlohmann::ordered_json json = {{"schema", 1}, {"model", options.model}, {"findings", rows}};
  fmt::print("{}\n", json.dump(2));
}

void print_text(const std::vector<onnx::Finding>& findings) {
  for (const onnx::Finding& f : findings) {
    if (!f.node.empty()) fmt::print("node '{}' ({}): ", f.node, f.op);
    fmt::print("{}\n", f.message);
    if (!f.hint.empty()) fmt::print("  hint: {}\n", f.hint);
  }
  if (findings.empty()) fmt::print("nothing stands in the way\n");
}

void check(const CheckOptions& options) {
  const std::vector<onnx::Finding> findings = find(options);
  options.json ? print_json(options, findings) : print_text(findings);
  if (findings.empty()) return;
  fail_as(ErrorCode::unsupported, "{}: {} finding{}", fs::path(options.model).filename().string(),
          findings.size(), findings.size() == 1 ? "" : "s");
}

}  // namespace

void add_check(CLI::App& app) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App& command =
      *app.add_subcommand("check", "List everything in a model that is not supported");
  command.add_option("model", options->model, "An ONNX model")->required()->type_name("MODEL");
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  command.footer("Example: dlc check model.onnx");
  command.callback([options] { check(*options); });
}

}  // namespace dlc::cli
