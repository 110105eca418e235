// dlc: compiles and runs ONNX models. The commands are in the files beside this one.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>

#include "compiler/driver/plugin.h"
#include "runtime/error.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/text.h"

namespace {

constexpr int interrupted = 130;

/// Only what a signal handler may do: end the line that a progress bar may have begun, and go.
extern "C" void on_interrupt(int) {
  if (isatty(STDERR_FILENO) != 0) {
    constexpr char clear_line[] = "\r\x1b[K";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, clear_line, sizeof clear_line - 1);
  }
  _exit(interrupted);
}

int report(std::string_view what, dlc::ErrorCode code) {
  std::fflush(stdout);
  fmt::print(stderr, "error: {}\n", what);
  return static_cast<int>(code);
}

/// What the command line's parser says: help that was asked for, or an error.
int usage_exit(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return report(text + "; `dlc COMMAND --help` shows how", dlc::ErrorCode::usage);
}

/// A misspelt command is no stray argument, as the parser would have it.
void check_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  dlc::fail_as(dlc::ErrorCode::usage, "there is no command '{}'{}; `dlc --help` lists them",
               argv[1], dlc::cli::did_you_mean(argv[1], names));
}

void add_commands(CLI::App& app) {
  app.require_subcommand(1);
  app.set_version_flag("--version", dlc::cli::version_text, "Print version, LLVM and processor");
  app.set_help_all_flag("--help-all", "Print the help of all commands");
  app.fallthrough();
  app.add_option_function<std::vector<std::string>>(
         "--plugin",
         [](const std::vector<std::string>& paths) {
           for (const std::string& path : paths) dlc::load_plugin(path);
         },
         "A shared object with operators of your own (include/dlc/plugin.h)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong use, 3 unsupported, 4 invalid model or file,\n"
      "5 ran but missed a check, 6 a limit was hit, 130 interrupted.\n"
      "dlc COMMAND --help shows a command's options and an example.");
  dlc::cli::add_run(app);
  dlc::cli::add_bench(app);
  dlc::cli::add_profile(app);
  dlc::cli::add_inspect(app);
  dlc::cli::add_check(app);
  dlc::cli::add_bisect(app);
  dlc::cli::add_reduce(app);
  dlc::cli::add_doctor(app);
  dlc::cli::add_ops(app);
  dlc::cli::add_passes(app);
  dlc::cli::add_completion(app);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  CLI::App app("Compiles trained models (ONNX) to fast native code and runs them.", "dlc");
  try {
    add_commands(app);
    check_command(app, argc, argv);
    app.parse(argc, argv);  // runs the command
    if (std::fflush(stdout) != 0)
      return report("standard output cannot be written", dlc::ErrorCode::failed);
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage_exit(app, error);
  } catch (const dlc::Error& error) {
    return report(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report("out of memory; a smaller --shape or --dim may help", dlc::ErrorCode::limit);
  } catch (const std::exception& error) {
    return report(error.what(), dlc::ErrorCode::failed);
  }
}
