// Errors: what went wrong, where, and what to do about it.
// Next: runtime/tensor.h.
#pragma once

#include <fmt/core.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace dlc {

/// What kind of error it is. The values are the exit codes of the `dlc` command.
enum class ErrorCode {
  failed = 1,       ///< the environment failed: no memory, no such file, ...
  usage = 2,        ///< the caller asked for something that makes no sense
  unsupported = 3,  ///< a valid model that this build cannot compile
  invalid = 4,      ///< a damaged or contradictory model, file or input
  check = 5,        ///< it ran, but a check did not hold (outputs differ, ...)
  limit = 6,        ///< a limit was hit: memory, elements, time
};

/// An input or the environment is at fault (our own bugs are asserts). what() is one line: the
/// contexts from the outside in ("m.onnx: node 'a' (Conv, opset 17)"), then the message.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), text_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const char* what() const noexcept override { return text_.c_str(); }
  /// Prefixes `where`, as in "where: text".
  void add_context(std::string_view where) { text_ = std::string(where) + ": " + text_; }

 private:
  ErrorCode code_;
  std::string text_;
};

/// Throws an Error of kind `invalid`. The message is lower case, without a final stop, and says
/// what is wrong and what to do.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::invalid, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void fail_as(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Runs `work`; an Error that leaves it gets `where()` as context.
template <typename Where, typename Work>
auto with_context(Where&& where, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (Error& error) {
    error.add_context(where());
    throw;
  }
}

}  // namespace dlc
