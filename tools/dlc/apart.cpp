// Forking, and bringing errors back through a pipe.
#include "tools/dlc/apart.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "runtime/error.h"
#include "runtime/mapped_file.h"

namespace dlc::cli {
namespace {

/// A digit, the error's code, and its text; nothing if all went well.
std::string outcome_of(const std::function<void()>& work) {
  const auto text = [](ErrorCode code, const char* what) {
    return std::to_string(static_cast<int>(code)) + what;
  };
  try {
    work();
    return "";
  } catch (const Error& error) {
    return text(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return text(ErrorCode::limit, "out of memory while compiling");
  } catch (const std::exception& error) {
    return text(ErrorCode::failed, error.what());
  }
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

std::string read_all(int file) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(file, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

[[noreturn]] void give_up() {
  fail_as(ErrorCode::failed, "no process to compile in: {}", std::strerror(errno));
}

}  // namespace

void run_apart(const std::function<void()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up();
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) give_up();
  if (child == 0) {
    write_all(to.number(), outcome_of(work));
    ::_exit(0);  // what this process has open and at exit belongs to the other one
  }
  to = Descriptor();
  const std::string outcome = read_all(from.number());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    fail_as(ErrorCode::failed, "the compiler was ended by signal {} ({})", WTERMSIG(status),
            ::strsignal(WTERMSIG(status)));
  if (!outcome.empty()) throw Error(static_cast<ErrorCode>(outcome[0] - '0'), outcome.substr(1));
}

}  // namespace dlc::cli
