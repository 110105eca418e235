// Canonical sums for index arithmetic: a Dim plus Dims times atoms, where an atom is a variable, a
// quotient, a remainder or anything else of type i64.
// Next: index_form.cpp, simplify.cpp.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/expr/simplify.h"

namespace dlc {

/// constant + sum of coefficient * atom; atoms by number, ascending, coefficients not 0.
struct Form {
  Dim constant = 0;
  std::vector<std::pair<int, Dim>> terms;

  bool is_size() const { return terms.empty(); }
  friend bool operator==(const Form&, const Form&) = default;
};

struct Bounds {
  std::optional<Dim> low, high;  ///< inclusive
};

/// The atoms of one simplification, and arithmetic on the sums over them.
class FormSpace {
 public:
  explicit FormSpace(const Ranges& ranges);

  void add_range(Variable variable, const Dim& extent);
  Form variable(Variable variable);
  /// Any other expression, with what is known of its value.
  Form opaque(const Expr& e, Bounds bounds);

  Form add(const Form& a, const Form& b, const Dim& factor = 1);  ///< a + factor * b
  Form multiply(const Form& a, const Dim& factor);
  /// For a divisor that is taken to be positive (as a size is, where it divides).
  Form floor_div(const Form& a, const Dim& divisor);
  Form floor_mod(const Form& a, const Dim& divisor);
  /// The sum x with a >= 0 just where x >= 0, with a common factor of the terms taken out.
  Form reduced_sign(const Form& a);

  Bounds bounds(const Form& form) const;
  /// Proved from the ranges of the variables and the facts that hold here.
  bool is_non_negative(const Form& form) const;
  /// Every atom has known bounds, so that no arithmetic on it can overflow.
  bool is_bounded(const Form& form) const;
  std::vector<Form>& facts() { return facts_; }  ///< sums that are >= 0 here

  Expr expr(const Form& form) const;

 private:
  enum class Kind : uint8_t { other, quotient, remainder };
  struct Atom {
    Kind kind = Kind::other;
    Form argument;  ///< quotient, remainder: of this by `divisor`
    Dim divisor;
    Form quotient;  ///< remainder: argument // divisor
    Expr expr;
    Bounds bounds;
  };
  struct Key {
    Kind kind;
    Form argument;
    Dim divisor;
    bool operator<(const Key& other) const;
  };
  /// n = divisor * quotient + rest; exact: 0 <= rest < divisor for sure.
  struct Division {
    Form quotient, rest;
    bool exact = false;
  };
  /// n = factor * high + low with 0 <= low < factor.
  struct Factored {
    Dim factor;
    Form high, low;
  };

  static Form atom_form(int atom);
  static Form plain_sum(const Form& a, const Form& b, const Dim& factor);
  const Atom* only_atom(const Form& form, Kind kind) const;
  bool holds_by_bounds(const Form& form) const;
  bool is_positive_size(const Dim& dim) const;
  bool in_range(const Form& form, const Dim& end) const;
  Division take_multiples(const Form& n, const Dim& divisor) const;
  std::optional<Factored> take_factor(const Form& n, const Dim& factor) const;
  std::optional<Factored> take_common_factor(const Form& n, const Dim& divisor) const;
  Form intern(Kind kind, const Form& argument, const Dim& divisor);
  void join_remainders(Form& form);
  bool join_remainder(Form& form, size_t term);

  std::deque<Atom> atoms_;  ///< references to atoms stay valid
  std::map<Key, int> divisions_;
  std::map<Variable, int> variables_;
  std::unordered_multimap<size_t, int> opaque_;  ///< by hash
  Ranges ranges_;
  std::map<std::string, Dim> positive_;  ///< symbols that are at least 1, as symbol + 1
  std::vector<Form> facts_;
};

}  // namespace dlc
