// dlc reduce: the smallest model that a command still fails on.
// Next: shrink.h.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "frontends/onnx/export.h"
#include "runtime/error.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/files.h"
#include "tools/dlc/model.h"
#include "tools/dlc/progress.h"
#include "tools/dlc/shrink.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;

struct ReduceOptions {
  std::string model, check, message, output = "reduced.onnx";
  ModelOptions compile;
  double timeout = 60;
  bool json = false;
};

constexpr int timed_out = -1, cannot_execute = 126, not_found = 127;

/// A folder for candidates, gone at the end.
struct ScratchFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("dlc-reduce-{}", getpid());
  ScratchFolder() { fs::create_directories(path); }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

/// CMD with the model's path for each {}, or at its end.
std::string command_for(const std::string& check, const fs::path& model) {
  std::string command = check;
  if (command.find("{}") == std::string::npos) command += " {}";
  const std::string path = quoted(model.string());
  for (size_t at = command.find("{}"); at != std::string::npos;
       at = command.find("{}", at + path.size()))
    command.replace(at, 2, path);
  return command;
}

int wait_for(pid_t child, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return timed_out;
    if (std::chrono::steady_clock::now() > end) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return timed_out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// Runs CMD and says whether it fails in the way that is looked for.
class Check {
 public:
  Check(const ReduceOptions& options, const fs::path& folder)
      : options_(options), log_(folder / "log") {}

  /// Of the model that is to be reduced: how it fails is from now on what is looked for.
  void learn(const fs::path& model) {
    wanted_ = run(model);
    if (wanted_ == cannot_execute || wanted_ == not_found)
      fail_as(ErrorCode::usage, "--check {}: the shell cannot run it (exit code {}): {}",
              options_.check, wanted_, first_line());
    if (wanted_ == timed_out)
      fail_as(ErrorCode::usage,
              "--check {}: not done after {:g} s; --timeout says how long it may take",
              options_.check, options_.timeout);
    if (wanted_ == 0)
      fail_as(ErrorCode::failed, "{}: the command succeeds on it: there is nothing to reduce",
              model.filename().string());
    if (!says_message())
      fail_as(ErrorCode::failed, "{}: the command fails (exit code {}), but does not print '{}'",
              model.filename().string(), wanted_, options_.message);
  }

  bool fails(const fs::path& model) {
    ++runs;
    return run(model) == wanted_ && says_message();
  }
  int exit_code() const { return wanted_; }

  int runs = 0;

 private:
  int run(const fs::path& model) const {
    std::string command = command_for(options_.check, model);
    const std::string log = log_.string();
    char shell[] = "sh", flag[] = "-c";
    char* argv[] = {shell, flag, command.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, "sh", &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail_as(ErrorCode::failed, "no shell can be started: {}", std::strerror(error));
    return wait_for(child, options_.timeout);
  }

  bool says_message() const {
    return options_.message.empty() || read_file(log_).find(options_.message) != std::string::npos;
  }
  std::string first_line() const {
    const std::string text = read_file(log_);
    return text.substr(0, text.find('\n'));
  }

  const ReduceOptions& options_;
  fs::path log_;
  int wanted_ = 0;
};

void write_model(const Graph& graph, const fs::path& path) { onnx::write_file(graph, path); }

/// Not every candidate has an ONNX form.
bool fails_on(const Graph& graph, const fs::path& file, Check& check) {
  try {
    write_model(graph, file);
  } catch (const Error&) {
    return false;
  }
  return check.fails(file);
}

void reduce(const ReduceOptions& options) {
  const ScratchFolder folder;
  Check check(options, folder.path);
  if (!fs::exists(options.model))
    fail_as(ErrorCode::failed, "{}: there is no such file", options.model);
  check.learn(options.model);
  Graph graph = import_model(options.model, options.compile);
  const fs::path file = folder.path / "model.onnx";
  const size_t before = node_count(graph);
  if (!fails_on(graph, file, check))
    fail_as(
        ErrorCode::failed,
        "{}: the command does not fail so any more once the model is read and written again: it "
        "depends on how the file is made",
        fs::path(options.model).filename().string());
  {
    const Activity activity("reducing " + fs::path(options.model).filename().string());
    graph = shrink(std::move(graph), [&](const Graph& smaller) {
      if (!fails_on(smaller, file, check)) return false;
      write_model(smaller, options.output);  // for whoever does not want to wait for the end
      return true;
    });
  }
  write_model(graph, options.output);
  if (options.json) {
    const nlohmann::ordered_json json = {{"schema", 1},
                                         {"model", options.model},
                                         {"output", options.output},
                                         {"nodes_before", before},
                                         {"nodes", node_count(graph)},
                                         {"exit_code", check.exit_code()},
                                         {"runs", check.runs}};
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{}: {} of {} nodes, on which the command exits with {} ({} runs)\n", options.output,
             node_count(graph), before, check.exit_code(), check.runs);
}

}  // namespace

void add_reduce(CLI::App& app) {
  const auto options = std::make_shared<ReduceOptions>();
  CLI::App& command =
      *app.add_subcommand("reduce", "Write the smallest model on which a command still fails");
  command.add_option("model", options->model, "An ONNX model")->required()->type_name("MODEL");
  command
      .add_option("--check", options->check,
                  "Shell command; {} in it (or its end) stands for the path of a model")
      ->required()
      ->type_name("CMD");
  command.add_option("--message", options->message, "It must also print this when it fails")
      ->type_name("TEXT");
  command.add_option("--timeout", options->timeout, "Seconds after which a run does not count")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("-o,--output", options->output, "Where the smallest model goes")
      ->type_name("FILE")
      ->capture_default_str();
  add_json_option(command, options->json);
  command.add_option("--shape", options->compile.shapes, "Fix an input's shape")
      ->type_name("NAME:1x3x224x224")
      ->allow_extra_args(false);
  command.add_option("--dim", options->compile.dims, "Fix a symbolic dimension")
      ->type_name("NAME=N")
      ->allow_extra_args(false);
  command.footer(
      "CMD fails on a model if it exits with the code that it exits with on MODEL, which must not\n"
      "be 0. Nodes, outputs and inputs are dropped as long as it does; what others still need of "
      "a\n"
      "dropped node becomes an input. Each smaller model is written at once: it can be "
      "interrupted.\n"
      "Example: dlc reduce m.onnx --check 'dlc bisect {}' -o small.onnx");
  command.callback([options] { reduce(*options); });
}

}  // namespace dlc::cli
