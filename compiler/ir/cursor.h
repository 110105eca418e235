// Cursor: reads the words of the text grammar, for graphs, patterns, bodies and samples.
// Next: compiler/ir/parser.h.
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.h"

namespace dlc {

/// A place in a text. All functions skip spaces and comments (# to the end of the line) first.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() { return peek() == '\0'; }
  char peek();  ///< the next character; 0 at the end
  /// Takes `mark` if it comes next. take_word also wants the word to end there.
  bool take(std::string_view mark);
  bool take_word(std::string_view word);
  void expect(std::string_view mark);

  /// [A-Za-z_][A-Za-z0-9_.]*; empty if none comes next.
  std::string_view identifier();
  /// [A-Za-z0-9_][A-Za-z0-9_.]*, or a quoted string: a name after %, @ or $.
  std::string name();
  /// "..." with \" \\ \n \t \xNN. Fails if none comes next.
  std::string quoted();
  /// Whatever looks like a number, inf and nan included; empty if none comes next.
  std::string_view number();
  /// Text up to `,` or `]` outside parentheses and quotes: one dimension.
  std::string_view dimension();

  /// While alive, one level deeper; fails where text nests so deep that it could exhaust the stack.
  class Nesting {
   public:
    explicit Nesting(Cursor& in);
    ~Nesting() { --in_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Cursor& in_;
  };

  size_t position() const { return at_; }
  size_t remaining() const { return text_.size() - at_; }
  void set_position(size_t position) { at_ = position; }
  std::string where() const;  ///< "line 3, column 14"

  template <typename... Args>
  [[noreturn]] void fail_here(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::invalid,
                where() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void skip();
  char at(size_t position) const { return position < text_.size() ? text_[position] : '\0'; }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

/// text in quotes, as Cursor::quoted reads it.
std::string quote(std::string_view text);
bool is_identifier(std::string_view text);

}  // namespace dlc
