// Cursor: the words of the text grammar.
// Next: compiler/ir/parser.cpp.
#include "compiler/ir/cursor.h"

#include <algorithm>
#include <cctype>

namespace dlc {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '.'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Cursor::Nesting::Nesting(Cursor& in) : in_(in) {
  constexpr int max_depth = 64;
  if (in.depth_ == max_depth) in.fail_here("nested more than {} deep", max_depth);
  ++in.depth_;
}

void Cursor::skip() {
  for (;;) {
    while (std::isspace(static_cast<unsigned char>(at(at_)))) ++at_;
    if (at(at_) != '#') return;
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
}

char Cursor::peek() {
  skip();
  return at(at_);
}

bool Cursor::take(std::string_view mark) {
  skip();
  if (text_.substr(at_, mark.size()) != mark) return false;
  at_ += mark.size();
  return true;
}

bool Cursor::take_word(std::string_view word) {
  skip();
  if (text_.substr(at_, word.size()) != word || is_word(at(at_ + word.size()))) return false;
  at_ += word.size();
  return true;
}

void Cursor::expect(std::string_view mark) {
  if (take(mark)) return;
  if (at_end()) fail_here("expected '{}' but the text ends", mark);
  fail_here("expected '{}' but found '{}'", mark, text_.substr(at_, 12));
}

std::string_view Cursor::identifier() {
  skip();
  const size_t start = at_;
  if (is_letter(at(at_))) {
    while (is_word(at(at_))) ++at_;
  }
  return text_.substr(start, at_ - start);
}

std::string Cursor::name() {
  if (at(at_) == '"') return quoted();
  const size_t start = at_;
  while (is_word(at(at_))) ++at_;
  if (at_ == start) fail_here("expected a name");
  return std::string(text_.substr(start, at_ - start));
}

std::string Cursor::quoted() {
  expect("\"");
  std::string result;
  for (;;) {
    if (at_ >= text_.size()) fail_here("a quoted text has no closing '\"'");
    char c = text_[at_++];
    if (c == '"') return result;
    if (c == '\\') {
      c = at(at_++);
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c == 'x') {
        const int high = hex_digit(at(at_)), low = hex_digit(at(at_ + 1));
        if (high < 0 || low < 0) fail_here("expected two hex digits after \\x");
        c = static_cast<char>(high * 16 + low);
        at_ += 2;
      } else if (c != '"' && c != '\\') {
        fail_here("unknown escape in a quoted text; \\\" \\\\ \\n \\t \\xNN are known");
      }
    }
    result += c;
  }
}

std::string_view Cursor::number() {
  skip();
  const size_t start = at_;
  size_t end = at_;
  if (at(end) == '-' || at(end) == '+') ++end;
  const std::string_view rest = text_.substr(end, 3);
  if (!is_digit(at(end)) && at(end) != '.' && rest != "inf" && rest != "nan") return {};
  // The sign of an exponent belongs to the number; hexadecimal digits include an 'e'.
  const bool hex = at(end) == '0' && at(end + 1) == 'x';
  while (is_word(at(end)) || (!hex && (at(end) == '-' || at(end) == '+') &&
                              (at(end - 1) == 'e' || at(end - 1) == 'E'))) {
    ++end;
  }
  if ((rest == "inf" || rest == "nan") && text_.substr(start, end - start).size() > 4) return {};
  at_ = end;
  return text_.substr(start, end - start);
}

std::string_view Cursor::dimension() {
  skip();
  const size_t start = at_;
  int depth = 0;
  bool in_quotes = false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') in_quotes = !in_quotes;
    if (c == '\\' && in_quotes) ++at_;
    if (!in_quotes) {
      if (depth == 0 && (c == ',' || c == ']')) break;
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    ++at_;
  }
  at_ = std::min(at_, text_.size());
  return text_.substr(start, at_ - start);
}

std::string Cursor::where() const {
  const std::string_view before = text_.substr(0, at_);
  const size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t start = before.rfind('\n');
  const size_t column = start == std::string_view::npos ? at_ + 1 : at_ - start;
  return fmt::format("line {}, column {}", line, column);
}

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

bool is_identifier(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), is_word);
}

}  // namespace dlc
