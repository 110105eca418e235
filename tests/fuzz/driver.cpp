// Runs a fuzz target without libFuzzer: kept inputs, seeds, then seeded random changes of them.
//
//   fuzz_import [-runs=N] [-seed=S] [FILE or FOLDER]...     the same options as libFuzzer's
//
// The input at work is left in crash-input when the process does not end well.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <random>
#include <span>

#include "tests/fuzz/fuzz.h"
#include "tools/dlc/files.h"

namespace dlc::fuzz {
namespace {

constexpr unsigned seconds_for_one = 25;
constexpr size_t longest = 1 << 16;

const std::string* at_work = nullptr;

/// Only what signal handlers may call.
void leave_input(int signal) {
  const int file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file >= 0 && at_work && ::write(file, at_work->data(), at_work->size()) >= 0) ::close(file);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& input) {
  at_work = &input;
  ::alarm(seconds_for_one);
  // A copy of its own: reading past its end shows.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  ::alarm(0);
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& inputs, uint64_t seed) : inputs_(inputs), random_(seed) {}

  std::string next() {
    std::string bytes = any();
    for (size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    bytes.resize(std::min(bytes.size(), longest));
    return bytes;
  }

 private:
  size_t below(size_t end) { return random_() % end; }
  const std::string& any() { return inputs_[below(inputs_.size())]; }

  void change(std::string& bytes) {
    static constexpr std::array<unsigned char, 8> telling = {0, 1, 2, 0x7f, 0x80, 0xff, '{', '9'};
    if (bytes.empty()) bytes.push_back('\0');
    const size_t at = below(bytes.size()), length = 1 + below(std::min<size_t>(16, bytes.size()));
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        return;
      case 1:
        bytes[at] = static_cast<char>(telling[below(telling.size())]);
        return;
      case 2:
        bytes[at] = static_cast<char>(random_());
        return;
      case 3:
        bytes.erase(at, length);
        return;
      case 4:
        bytes.insert(at, bytes.substr(below(bytes.size()), length));
        return;
      default: {
        const std::string& other = any();
        if (!other.empty()) bytes.replace(at, length, other.substr(below(other.size()), length));
      }
    }
  }

  const std::vector<std::string>& inputs_;
  std::mt19937_64 random_;
};

std::vector<std::string> files(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {cli::read_file(path)};
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> contents;
  for (const auto& file : paths) contents.push_back(cli::read_file(file));
  return contents;
}

int main(std::span<char*> arguments) {
  uint64_t runs = 0, seed = 1;
  std::vector<std::string> inputs;
  for (const std::string_view argument : arguments) {
    const auto number = [&] { return std::stoull(std::string(argument.substr(6))); };
    if (argument.starts_with("-runs=")) {
      runs = number();
    } else if (argument.starts_with("-seed=")) {
      seed = number();
    } else {
      for (std::string& file : files(argument)) inputs.push_back(std::move(file));
    }
  }
  for (std::string& input : seeds()) inputs.push_back(std::move(input));
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM})
    std::signal(signal, leave_input);
  for (const std::string& input : inputs) run(input);
  Mutator mutator(inputs, seed);
  for (uint64_t k = 0; k < runs; ++k) run(mutator.next());
  fmt::print("{} inputs, {} changed ones\n", inputs.size(), runs);
  return 0;
}

}  // namespace
}  // namespace dlc::fuzz

int main(int argc, char** argv) {
  return dlc::fuzz::main({argv + 1, static_cast<size_t>(argc - 1)});
}
