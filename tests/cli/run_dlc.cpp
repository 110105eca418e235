// Running the command `dlc` as a user does.
#include "tests/cli/run_dlc.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tools/dlc/files.h"

namespace dlc::cli_test {

namespace fs = std::filesystem;

Outcome run_dlc(const std::vector<std::string>& arguments) {
  const fs::path folder = scratch_folder() / "run";
  fs::create_directories(folder);
  const std::string out = folder / "out", err = folder / "err";
  // A user's own cache is none of the tests' business.
  ::setenv("DLC_CACHE_DIR", (fs::path(testing::TempDir()) / "dlc_cli_cache").c_str(), 1);
  std::vector<char*> argv = {const_cast<char*>(DLC_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int error = posix_spawn(&child, DLC_BINARY, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    ADD_FAILURE() << DLC_BINARY << " cannot be started: " << std::strerror(error);
    return {};
  }
  int status = 0;
  waitpid(child, &status, 0);
  Outcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  outcome.out = cli::read_file(out);
  outcome.err = cli::read_file(err);
  return outcome;
}

fs::path scratch_folder() {
  static std::string made_for;
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "." + test->name();
  for (char& c : name)
    if (c == '/') c = '_';
  const fs::path folder = fs::path(testing::TempDir()) / "dlc_cli" / name;
  if (made_for != name) {
    fs::remove_all(folder);
    made_for = name;
  }
  fs::create_directories(folder);
  return folder;
}

fs::path trained_model() { return fs::path(DLC_SOURCE_DIR) / ".cache/models/magika/model.onnx"; }

}  // namespace dlc::cli_test
