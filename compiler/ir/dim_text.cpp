// Dim: text both ways.
// Next: compiler/ir/type.cpp.
#include <cctype>
#include <charconv>

#include "compiler/ir/cursor.h"
#include "compiler/ir/dim_form.h"

namespace dlc {
namespace {

/// Whether the i-th character of a name needs no quotes.
bool is_plain(char c, size_t i) {
  const bool letter = std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$';
  return letter || (i > 0 && (std::isdigit(static_cast<unsigned char>(c)) || c == '.'));
}

/// Models name dimensions as they like ("batch size"): such names come in quotes.
std::string symbol_text(const std::string& name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_plain(name[i], i)) return quote(name);
  }
  return name;
}

}  // namespace

/// Prints the parts of a Dim; has the access to them.
struct DimPrinter {
  using Kind = Dim::Atom::Kind;
  using Sum = Dim::Sum;

  static std::string atom(const Dim::Atom& atom) {
    if (atom.kind == Kind::symbol) return symbol_text(atom.name);
    Dim a = atom.a;
    const char* name = atom.kind == Kind::floor_div ? "floordiv"
                       : atom.kind == Kind::modulo  ? "mod"
                       : atom.kind == Kind::minimum ? "min"
                                                    : "max";
    // (x + d - 1) // d is what people know as ceildiv(x, d).
    if (atom.kind == Kind::floor_div && atom.b.is_number() &&
        Sum::constant_of(a) == atom.b.number() - 1) {
      name = "ceildiv";
      a = a - (atom.b - Dim(1));
    }
    return std::string(name) + "(" + a.to_string() + "," + atom.b.to_string() + ")";
  }

  static std::string sum(const Dim& dim) {
    std::string text;
    for (const Dim::Term& term : Sum::terms_of(dim)) {
      if (term.coefficient >= 0 && !text.empty()) text += '+';
      if (term.coefficient == -1) {
        text += '-';
      } else if (term.coefficient != 1) {
        text += std::to_string(term.coefficient) + "*";
      }
      for (size_t i = 0; i < term.atoms.size(); ++i) {
        text += (i > 0 ? "*" : "") + atom(*term.atoms[i]);
      }
    }
    const int64_t constant = Sum::constant_of(dim);
    if (text.empty()) return std::to_string(constant);
    if (constant > 0) text += '+';
    return constant == 0 ? text : text + std::to_string(constant);
  }
};

std::string Dim::to_string() const { return DimPrinter::sum(*this); }

namespace {

/// sum = ["-"] product (("+" | "-") product)*; product = factor ("*" factor)*;
/// factor = number | name | function "(" sum "," sum ")" | "(" sum ")".
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  std::optional<Dim> parse() {
    std::optional<Dim> result = sum(0);
    skip_space();
    return at_ == text_.size() ? result : std::nullopt;
  }

 private:
  static constexpr int max_depth = 64;

  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Dim> sum(int depth) {
    if (depth > max_depth) return std::nullopt;
    const bool negated = take('-');
    std::optional<Dim> result = product(depth);
    if (result && negated) result = *result * Dim(-1);
    while (result) {
      const bool plus = take('+');
      if (!plus && !take('-')) break;
      const std::optional<Dim> next = product(depth);
      if (!next) return std::nullopt;
      result = plus ? *result + *next : *result - *next;
    }
    return result;
  }

  std::optional<Dim> product(int depth) {
    std::optional<Dim> result = factor(depth);
    while (result && take('*')) {
      const std::optional<Dim> next = factor(depth);
      if (!next) return std::nullopt;
      result = *result * *next;
    }
    return result;
  }

  std::optional<Dim> factor(int depth) {
    if (take('(')) {
      const std::optional<Dim> inner = sum(depth + 1);
      return take(')') ? inner : std::nullopt;
    }
    skip_space();
    if (at_ >= text_.size()) return std::nullopt;
    if (std::isdigit(static_cast<unsigned char>(text_[at_]))) return number();
    if (text_[at_] == '"') return quoted_symbol();
    const std::string name = identifier();
    if (name.empty()) return std::nullopt;
    if (!take('(')) return Dim::symbol(name);
    const std::optional<Dim> a = sum(depth + 1);
    if (!a || !take(',')) return std::nullopt;
    const std::optional<Dim> b = sum(depth + 1);
    if (!b || !take(')')) return std::nullopt;
    if (name == "floordiv") return floor_div(*a, *b);
    if (name == "ceildiv") return ceil_div(*a, *b);
    if (name == "mod") return modulo(*a, *b);
    if (name == "min") return minimum(*a, *b);
    if (name == "max") return maximum(*a, *b);
    return std::nullopt;
  }

  std::optional<Dim> number() {
    uint64_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto [next, error] = std::from_chars(text_.data() + at_, end, value);
    // 2^63 is let through for the sake of the lowest number, whose minus comes before.
    if (error != std::errc() || value > uint64_t{1} << 63) return std::nullopt;
    at_ = next - text_.data();
    return Dim(static_cast<int64_t>(value));
  }

  std::optional<Dim> quoted_symbol() {
    Cursor in(text_.substr(at_));
    try {
      const std::string name = in.quoted();
      at_ += in.position();
      return name.empty() ? std::nullopt : std::optional(Dim::symbol(name));
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  std::string identifier() {
    const size_t start = at_;
    while (at_ < text_.size() && is_plain(text_[at_], at_ - start)) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<Dim> parse_dim(std::string_view text) { return DimParser(text).parse(); }

}  // namespace dlc
