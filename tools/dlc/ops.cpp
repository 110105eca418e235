// dlc ops: the table of operators.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/ops/op_def.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/options.h"

namespace dlc::cli {
namespace {

std::string_view kind_text(OpKind kind) {
  switch (kind) {
    case OpKind::elementwise:
      return "elementwise";
    case OpKind::composite:
      return "composite";
    case OpKind::loops:
      return "loops";
    case OpKind::host:
      return "host";
    case OpKind::structural:
      return "structural";
  }
  return "";
}

void print_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpDef* def : all_ops())
    rows.push_back({{"name", std::string(def->name)},
                    {"kind", std::string(kind_text(def->kind()))},
                    {"source", std::string(def->source)},
                    {"doc", std::string(def->doc)}});
  fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"ops", rows}}.dump(2));
}

void print_text() {
  fmt::print("{:32}{:13}{:32}{}\n", "op", "kind", "source", "what it computes");
  for (const OpDef* def : all_ops()) {
    const std::string_view first_line = def->doc.substr(0, def->doc.find('\n'));
    fmt::print("{:32}{:13}{:32}{}\n", def->name, kind_text(def->kind()), def->source, first_line);
  }
  fmt::print("{} operators\n", all_ops().size());
}

}  // namespace

void add_ops(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("ops", "List the operators that are known");
  add_json_option(command, *json);
  command.footer("Example: dlc ops | grep Conv");
  command.callback([json] { *json ? print_json() : print_text(); });
}

}  // namespace dlc::cli
