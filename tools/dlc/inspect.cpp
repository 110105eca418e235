// dlc inspect: what a model is, what it costs, and what dlc makes of it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/ir/text.h"
#include "runtime/error.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/cost.h"
#include "tools/dlc/dot.h"
#include "tools/dlc/files.h"
#include "tools/dlc/model.h"
#include "tools/dlc/progress.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string model;
  ModelOptions compile;
  bool ir = false, kernels = false, loops = false, json = false;
  std::string dot, explain;
};

/// Everything that is printed, as text or JSON.
struct Facts {
  std::vector<std::pair<std::string, std::string>> inputs, outputs;  ///< name, type
  std::map<std::string, int> ops;
  size_t nodes = 0;
  Parameters parameters;
  Dim operations;
  int64_t open_size = 1;  ///< what open sizes are taken as in what follows
  int64_t bytes_moved = 0;
  ArenaBytes arena;
  CompileReport report;
};

void count_ops(const Graph& graph, Facts& facts) {
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (node.op != "Constant") {
      ++facts.ops[node.op];
      ++facts.nodes;
    }
    for (const auto& [name, attr] : node.attrs)
      if (const auto* nested = std::get_if<std::shared_ptr<const Graph>>(&attr))
        count_ops(**nested, facts);
  }
}

Facts collect(const InspectOptions& options, Graph graph) {
  Facts facts;
  for (const Value input : graph.inputs())
    facts.inputs.emplace_back(graph.name(input), to_string(graph.type(input)));
  for (const Value output : graph.outputs())
    facts.outputs.emplace_back(graph.name(output), to_string(graph.type(output)));
  count_ops(graph, facts);
  facts.parameters = parameters(graph);
  facts.operations = operations(graph);
  const fs::path file = fs::path(options.model).filename();
  const Activity activity("compiling " + file.string());
  with_context([&] { return file.string(); },
               [&] {
                 const auto program =
                     compile(std::move(graph), options.compile.compile, &facts.report);
                 facts.open_size = smallest_open_size(*program);
                 facts.bytes_moved = bytes_moved(*program, facts.open_size);
                 facts.arena = arena_bytes(*program, facts.open_size);
               });
  return facts;
}

void print_kernels(const CompileReport& report, bool loops) {
  fmt::print("\nkernels ({})\n", report.kernels.size());
  for (const KernelReport& kernel : report.kernels) {
    fmt::print("  {:12} {}\n", kernel.kind, kernel.name);
    if (!kernel.origins.empty()) fmt::print("    of         {}\n", join(kernel.origins));
    if (!kernel.schedule.empty()) fmt::print("    schedule   {}\n", kernel.schedule);
    if (loops && !kernel.loops.empty()) fmt::print("{}\n", kernel.loops);
  }
}

/// " with every open size 1", if there are any.
std::string at_which_sizes(const Facts& facts) {
  return facts.operations.is_number() ? ""
                                      : fmt::format(" with every open size {}", facts.open_size);
}

/// "6.1 G", and the formula if it depends on symbols.
std::string operations_text(const Facts& facts) {
  const std::string count =
      human_count(static_cast<double>(at_open_size(facts.operations, facts.open_size)));
  if (facts.operations.is_number()) return count;
  const std::string formula = facts.operations.to_string();
  constexpr size_t readable = 160;
  return count + at_which_sizes(facts) + (formula.size() > readable ? "" : ": " + formula);
}

void print_text(const InspectOptions& options, const Facts& facts) {
  for (const auto& [name, type] : facts.inputs) fmt::print("input       {}: {}\n", name, type);
  for (const auto& [name, type] : facts.outputs) fmt::print("output      {}: {}\n", name, type);
  fmt::print("parameters  {} ({})\n", human_count(static_cast<double>(facts.parameters.count)),
             human_bytes(static_cast<double>(facts.parameters.bytes)));
  fmt::print("operations  {}\n", operations_text(facts));
  fmt::print("bytes       {} read and written by kernels{}\n",
             human_bytes(static_cast<double>(facts.bytes_moved)), at_which_sizes(facts));
  fmt::print("memory      {} for values, of which {} live at once{}\n",
             human_bytes(static_cast<double>(facts.arena.planned)),
             human_bytes(static_cast<double>(facts.arena.least)), at_which_sizes(facts));
  std::vector<std::pair<std::string, int>> ops(facts.ops.begin(), facts.ops.end());
  std::ranges::stable_sort(ops, [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> counts;
  for (const auto& [op, count] : ops) counts.push_back(fmt::format("{} {}", count, op));
  fmt::print("ops         {}: {}\n", facts.nodes, join(counts));
  const CompileReport& report = facts.report;
  fmt::print("passes      {} nodes became {} in {:.1f} ms\n", report.nodes_before,
             report.nodes_after, report.passes_ms);
  for (const PassReport& pass : report.passes) {
    if (pass.counts.empty()) continue;
    std::vector<std::string> changes;
    for (const auto& [what, count] : pass.counts)
      changes.push_back(fmt::format("{} {}", what, count));
    fmt::print("  {:28}{:8.2f} ms  {}\n", pass.name, pass.milliseconds, join(changes));
  }
  fmt::print("compiled    {} kernels: lowered in {:.1f} ms, machine code in {:.1f} ms\n",
             report.kernels.size(), report.lower_ms, report.codegen_ms);
  if (options.kernels || options.loops) print_kernels(report, options.loops);
}

Json named_types(const std::vector<std::pair<std::string, std::string>>& values) {
  Json rows = Json::array();
  for (const auto& [name, type] : values) rows.push_back({{"name", name}, {"type", type}});
  return rows;
}

void print_json(const InspectOptions& options, const Facts& facts) {
  const CompileReport& report = facts.report;
  Json json = {{"schema", 1},
               {"model", options.model},
               {"inputs", named_types(facts.inputs)},
               {"outputs", named_types(facts.outputs)},
               {"ops", facts.ops},
               {"nodes", facts.nodes},
               {"parameters", facts.parameters.count},
               {"parameter_bytes", facts.parameters.bytes},
               {"open_size", facts.open_size},
               {"operations", at_open_size(facts.operations, facts.open_size)},
               {"bytes_moved", facts.bytes_moved},
               {"arena_bytes", facts.arena.planned},
               {"arena_bytes_least", facts.arena.least},
               {"nodes_before", report.nodes_before},
               {"nodes_after", report.nodes_after},
               {"passes_ms", report.passes_ms},
               {"lower_ms", report.lower_ms},
               {"codegen_ms", report.codegen_ms},
               {"passes", Json::array()},
               {"kernels", Json::array()}};
  for (const PassReport& pass : report.passes)
    json["passes"].push_back(
        {{"name", pass.name}, {"ms", pass.milliseconds}, {"counts", pass.counts}});
  for (const KernelReport& kernel : report.kernels)
    json["kernels"].push_back({{"name", kernel.name},
                               {"kind", kernel.kind},
                               {"origins", kernel.origins},
                               {"schedule", kernel.schedule}});
  fmt::print("{}\n", json.dump(2));
}

void print_fusion(const CompileReport& report) {
  fmt::print("fused into {} kernels\n", report.kernels.size());
  for (const KernelReport& kernel : report.kernels) {
    fmt::print("  {:12} {}\n", kernel.kind, kernel.name);
    fmt::print("    nodes      {}\n", join(kernel.origins));
    if (!kernel.without_memory.empty())
      fmt::print("    no memory  {}\n", join(kernel.without_memory));
  }
  fmt::print("\nnear misses ({}): what did not hold\n", report.near_misses.size());
  for (const NearMiss& miss : report.near_misses)
    fmt::print("  {}, {}: {}\n", miss.rewrite, miss.node, miss.condition);
}

void print_fusion_json(const InspectOptions& options, const CompileReport& report) {
  Json json = {{"schema", 1},
               {"model", options.model},
               {"kernels", Json::array()},
               {"near_misses", Json::array()}};
  for (const KernelReport& kernel : report.kernels)
    json["kernels"].push_back({{"kind", kernel.kind},
                               {"name", kernel.name},
                               {"nodes", kernel.origins},
                               {"without_memory", kernel.without_memory}});
  for (const NearMiss& miss : report.near_misses)
    json["near_misses"].push_back(
        {{"what", miss.rewrite}, {"node", miss.node}, {"condition", miss.condition}});
  fmt::print("{}\n", json.dump(2));
}

void explain_fusion(const InspectOptions& options, Graph graph) {
  CompileOptions compile_options = options.compile.compile;
  compile_options.explain = true;
  CompileReport report;
  const std::string file = fs::path(options.model).filename().string();
  {
    const Activity activity("compiling " + file);
    with_context([&] { return file; },
                 [&] { compile(std::move(graph), compile_options, &report); });
  }
  options.json ? print_fusion_json(options, report) : print_fusion(report);
}

void inspect(const InspectOptions& options) {
  Graph graph = import_model(options.model, options.compile);
  if (!options.dot.empty()) write_file(options.dot, dot_text(graph));
  if (options.ir) {
    fmt::print("{}\n", print(graph, {.max_elements = 16}));
    return;
  }
  if (!options.compile.compile.print_after.empty()) {
    CompileReport report;
    CompileOptions compile = options.compile.compile;
    compile.stop_after = compile.print_after;
    with_context([&] { return fs::path(options.model).filename().string(); },
                 [&] { optimize(std::move(graph), compile, &report); });
    fmt::print("{}\n", report.printed);
    return;
  }
  if (!options.explain.empty()) return explain_fusion(options, std::move(graph));
  const Facts facts = collect(options, std::move(graph));
  options.json ? print_json(options, facts) : print_text(options, facts);
}

}  // namespace

void add_inspect(CLI::App& app) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App& command =
      *app.add_subcommand("inspect", "Show what a model is, costs, and is compiled to");
  command.add_option("model", options->model, "An ONNX model")->required()->type_name("MODEL");
  command.add_flag("--ir", options->ir, "Print the imported graph instead");
  command.add_flag("--kernels", options->kernels, "List the kernels and what was fused in each");
  command.add_flag("--loops", options->loops, "The same, with their loops");
  command
      .add_option(
          "--explain", options->explain,
          "Say instead what was fused and, for near misses, the condition that did not hold")
      ->check(CLI::IsMember({"fusion"}));
  command.add_option("--dot", options->dot, "Write the graph for Graphviz")->type_name("FILE");
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  command.footer(
      "Example: dlc inspect resnet50.onnx --kernels\n"
      "         dlc inspect resnet50.onnx --explain fusion\n"
      "         dlc inspect resnet50.onnx --print-after fold-batch-norm");
  command.callback([options] { inspect(*options); });
}

}  // namespace dlc::cli
