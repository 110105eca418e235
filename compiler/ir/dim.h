// Dim: a size that is a number or a symbolic integer expression, in a canonical form.
// Next: compiler/ir/type.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// An integer expression over symbols in canonical form: a sum of products of atoms, where an atom
/// is a symbol or floordiv/mod/min/max of two Dims. Equal values built in different ways mostly
/// have the same form, and then compare equal. Immutable and cheap to copy; numbers allocate
/// nothing.
class Dim {
 public:
  Dim(int64_t value = 0) : value_(value) {}  // NOLINT: numbers are dims
  static Dim symbol(std::string name);

  bool is_number() const { return terms_ == nullptr; }
  int64_t number() const;  ///< asserts is_number()
  std::optional<int64_t> as_number() const {
    return is_number() ? std::optional(value_) : std::nullopt;
  }
  /// The name, if this is nothing but a symbol.
  std::optional<std::string> as_symbol() const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend Dim floor_div(const Dim& a, const Dim& b);  ///< rounds towards minus infinity
  friend Dim ceil_div(const Dim& a, const Dim& b);   ///< -floor_div(-a, b)
  friend Dim modulo(const Dim& a, const Dim& b);     ///< sign of b
  friend Dim minimum(const Dim& a, const Dim& b);
  friend Dim maximum(const Dim& a, const Dim& b);

  /// Provable equality: the same canonical form.
  friend bool operator==(const Dim& a, const Dim& b);
  /// A total order on forms (not on values), for sorting.
  friend bool operator<(const Dim& a, const Dim& b);

  /// Bounds, given that symbols are sizes (>= 0) unless their name begins with '$' (a value read
  /// from a tensor, of any sign). nullopt: not known.
  std::optional<int64_t> lower_bound() const;
  bool is_non_negative() const;

  /// Replaces symbols; those that `values` does not have stay.
  Dim substitute(const std::map<std::string, Dim>& values) const;
  /// Calls `visit` for each symbol, in a fixed order, possibly more than once.
  void visit_symbols(const std::function<void(const std::string&)>& visit) const;

  /// Walks the expression in postfix order: what a translation to another form needs.
  struct Visitor {
    virtual ~Visitor() = default;
    virtual void number(int64_t value) = 0;
    virtual void symbol(const std::string& name) = 0;
    virtual void add() = 0;
    virtual void multiply() = 0;
    virtual void floor_div() = 0;
    virtual void modulo() = 0;
    virtual void minimum() = 0;
    virtual void maximum() = 0;
  };
  void visit(Visitor& visitor) const;

  std::string to_string() const;  ///< "2*seq+1", "ceildiv(h,2)"
  size_t hash() const;

  // The parts of a form, for the dim*.cpp files only: dim_form.h.
  struct Atom;
  struct Term;
  struct Sum;

 private:
  static Dim from_terms(std::vector<Term> terms, int64_t constant);
  static Dim from_atom(Atom atom);
  static int compare(const Dim& a, const Dim& b);

  int64_t value_ = 0;                 ///< the number, or the constant part of the sum
  std::shared_ptr<const Sum> terms_;  ///< null for a number
};

/// Parses to_string()'s grammar; nullopt if `text` is not one. Names that are not
/// [A-Za-z_$][A-Za-z0-9_.$]* are in quotes.
std::optional<Dim> parse_dim(std::string_view text);

}  // namespace dlc
