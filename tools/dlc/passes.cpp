// dlc passes: the table of passes, in the order in which they run.
#include "passes/pass.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/dlc/commands.h"
#include "tools/dlc/options.h"

namespace dlc::cli {
namespace {

std::string_view keeps_text(Keeps keeps) {
  switch (keeps) {
    case Keeps::exactly:
      return "exact";
    case Keeps::within_tolerance:
      return "within tolerance";
    case Keeps::not_signature:
      return "changes the signature";
  }
  return "";
}

void print_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Pass* pass : pipeline())
    rows.push_back({{"name", std::string(pass->name)},
                    {"keeps", std::string(keeps_text(pass->keeps))},
                    {"required", pass->required},
                    {"purpose", std::string(pass->purpose)}});
  fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"passes", rows}}.dump(2));
}

void print_text() {
  fmt::print("{:28}{:24}{:10}{}\n", "pass", "the answer stays", "required", "purpose");
  for (const Pass* pass : pipeline())
    fmt::print("{:28}{:24}{:10}{}\n", pass->name, keeps_text(pass->keeps),
               pass->required ? "yes" : "no", pass->purpose);
}

}  // namespace

void add_passes(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("passes", "List the passes, in their order");
  add_json_option(command, *json);
  command.footer("Example: dlc passes");
  command.callback([json] { *json ? print_json() : print_text(); });
}

}  // namespace dlc::cli
