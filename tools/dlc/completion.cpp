// dlc completion: what a shell needs to complete dlc's commands and options, from the same tables
// that parse them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tools/dlc/commands.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

struct Option {
  std::vector<std::string> names;  ///< "--json", "-i"
  std::string description;
  bool takes_value = false;
};

struct Command {
  std::string name, description;
  std::vector<Option> options;
};

std::vector<Option> options_of(const CLI::App& app) {
  std::vector<Option> options;
  for (const CLI::Option* option : app.get_options()) {
    Option found = {{}, option->get_description(), option->get_items_expected_max() > 0};
    for (const std::string& name : option->get_lnames()) found.names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) found.names.push_back("-" + name);
    if (!found.names.empty()) options.push_back(std::move(found));
  }
  return options;
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back({command->get_name(), command->get_description(), options_of(*command)});
  return commands;
}

std::vector<std::string> names_of(const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const Option& option : options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// For a text between single quotes in any of the shells.
std::string without_quotes(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? "" : std::string(1, c);
  return result;
}

std::string bash(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases;
  for (const Command& command : commands_of(app)) {
    names.push_back(command.name);
    cases +=
        fmt::format("    {}) words='{}' ;;\n", command.name, join(names_of(command.options), " "));
  }
  return fmt::format(
      "_dlc() {{\n"
      "  local words current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  case ${{COMP_WORDS[1]}} in\n{}"
      "    *) words='{} {}' ;;\n"
      "  esac\n"
      "  if [[ $COMP_CWORD == 1 || $current == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _dlc dlc\n",
      cases, join(names, " "), join(names_of(options_of(app)), " "));
}

std::string zsh(const CLI::App& app) {
  std::string list, cases;
  for (const Command& command : commands_of(app)) {
    list += fmt::format("    '{}:{}'\n", command.name, without_quotes(command.description));
    std::string words;
    for (const Option& option : command.options)
      for (const std::string& name : option.names)
        words += fmt::format(" '{}[{}]{}'", name, without_quotes(option.description),
                             option.takes_value ? ":value:_files" : "");
    cases += fmt::format("    {}) _arguments{} '*:file:_files' ;;\n", command.name, words);
  }
  return fmt::format(
      "#compdef dlc\n"
      "_dlc() {{\n"
      "  local -a commands=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $words[1] in\n{}"
      "  esac\n"
      "}}\n"
      "compdef _dlc dlc\n",
      list, cases);
}

std::string fish(const CLI::App& app) {
  std::string text;
  for (const Command& command : commands_of(app)) {
    text += fmt::format("complete -c dlc -f -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                        without_quotes(command.description));
    for (const Option& option : command.options) {
      text += fmt::format("complete -c dlc -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : option.names)
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += fmt::format("{} -d '{}'\n", option.takes_value ? " -r" : "",
                          without_quotes(option.description));
    }
  }
  return text;
}

}  // namespace

void add_completion(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& command =
      *app.add_subcommand("completion", "Print what a shell needs to complete this command");
  command.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command.footer("Example: source <(dlc completion bash)");
  command.callback([shell, &app] {
    fmt::print("{}", *shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app));
  });
}

}  // namespace dlc::cli
