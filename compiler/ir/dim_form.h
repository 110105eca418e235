// The inside of Dim, for the dim*.cpp files: sums of terms, terms of atoms.
// Next: compiler/ir/dim.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"

namespace dlc {

// Friends of Dim, where members of the same name hide them.
Dim floor_div(const Dim& a, const Dim& b);
Dim modulo(const Dim& a, const Dim& b);

/// A symbol, or an operation on two Dims that sums and products cannot say.
struct Dim::Atom {
  enum class Kind : uint8_t { symbol, floor_div, modulo, minimum, maximum };
  Kind kind = Kind::symbol;
  std::string name;
  Dim a, b;
};

/// coefficient * atoms[0] * atoms[1] * ..., the atoms sorted, repeated for powers; never empty.
struct Dim::Term {
  int64_t coefficient = 1;
  std::vector<std::shared_ptr<const Atom>> atoms;
};

/// Terms with distinct atoms and coefficients that are not 0, sorted by descending degree.
struct Dim::Sum {
  std::vector<Term> terms;

  // Integers wrap: sizes that do not fit are refused where memory is counted (type.cpp).
  static int64_t add(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
  static int64_t multiply(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  }
  /// Rounds towards minus infinity; by 0 it is 0.
  static int64_t floor_div(int64_t a, int64_t b);

  static const std::vector<Term>& terms_of(const Dim& dim);
  static int64_t constant_of(const Dim& dim) { return dim.value_; }
  static Dim make(std::vector<Term> terms, int64_t constant) {
    return from_terms(std::move(terms), constant);
  }
  static Dim make(Atom::Kind kind, const Dim& a, const Dim& b);
  static int compare_atoms(const Atom& a, const Atom& b);
  static int compare_atoms(const Term& a, const Term& b);
  static int compare(const Dim& a, const Dim& b) { return Dim::compare(a, b); }
  /// The atom, if the dim is one atom times 1, without a constant.
  static const Atom* single_atom(const Dim& dim);
  static Dim from(const Atom& atom) { return from_atom(atom); }
  /// a / b for terms, if that is a term or a number without a remainder.
  static std::optional<Dim> divide(const Term& a, const Term& b);
};

/// Inclusive bounds; nullopt: none known.
struct DimRange {
  std::optional<int64_t> low, high;
};
DimRange range_of(const Dim& dim);

}  // namespace dlc
