// Dim: bounds, and minimum and maximum, which vanish when the bounds decide them.
// Next: dim_text.cpp.
#include <algorithm>

#include "compiler/ir/dim_form.h"

namespace dlc {
namespace {

using Bound = std::optional<int64_t>;

Bound fit(__int128 value) {
  if (value > INT64_MAX || value < INT64_MIN) return std::nullopt;
  return static_cast<int64_t>(value);
}
Bound add(Bound a, Bound b) { return a && b ? fit(static_cast<__int128>(*a) + *b) : std::nullopt; }
Bound multiply(Bound a, Bound b) {
  return a && b ? fit(static_cast<__int128>(*a) * *b) : std::nullopt;
}
Bound smaller_known(Bound a, Bound b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}
Bound greater_known(Bound a, Bound b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}
DimRange scale(const DimRange& range, int64_t factor) {
  if (factor >= 0) return {multiply(range.low, factor), multiply(range.high, factor)};
  return {multiply(range.high, factor), multiply(range.low, factor)};
}

}  // namespace

/// Bounds of the parts of a Dim; has the access to them.
struct DimBounds {
  using Term = Dim::Term;
  using Sum = Dim::Sum;
  using Atom = Dim::Atom;
  using Kind = Dim::Atom::Kind;

  static DimRange quotient(const DimRange& a, const DimRange& b, const Dim& divisor) {
    if (divisor.is_number() && divisor.number() > 0) {
      const int64_t d = divisor.number();
      DimRange result;
      if (a.low) result.low = Sum::floor_div(*a.low, d);
      if (a.high) result.high = Sum::floor_div(*a.high, d);
      return result;
    }
    if (!b.low || *b.low < 0) return {};
    // The divisor is at least 1 where the quotient means anything.
    DimRange result;
    if (a.low) result.low = std::min<int64_t>(*a.low, 0);
    if (a.high) result.high = std::max<int64_t>(*a.high, -1);
    return result;
  }

  static DimRange of(const Atom& atom) {
    if (atom.kind == Kind::symbol) return {atom.name[0] == '$' ? Bound() : Bound(0), {}};
    const DimRange a = range_of(atom.a), b = range_of(atom.b);
    switch (atom.kind) {
      case Kind::floor_div:
        return quotient(a, b, atom.b);
      case Kind::modulo: {
        if (!b.low || *b.low < 0) return {};
        const Bound below = add(b.high, -1);
        return {0, a.low && *a.low >= 0 ? smaller_known(below, a.high) : below};
      }
      case Kind::minimum:
        return {a.low && b.low ? smaller_known(a.low, b.low) : Bound(),
                smaller_known(a.high, b.high)};
      default:
        return {greater_known(a.low, b.low),
                a.high && b.high ? greater_known(a.high, b.high) : Bound()};
    }
  }

  static DimRange of(const Term& term) {
    DimRange product{1, 1};
    for (const auto& atom : term.atoms) {
      const DimRange factor = of(*atom);
      const bool sizes = product.low && *product.low >= 0 && factor.low && *factor.low >= 0;
      if (!sizes && term.atoms.size() > 1) return {};
      product =
          sizes ? DimRange{multiply(product.low, factor.low), multiply(product.high, factor.high)}
                : factor;
    }
    return scale(product, term.coefficient);
  }

  static DimRange of(const Dim& dim) {
    DimRange result{Sum::constant_of(dim), Sum::constant_of(dim)};
    for (const Term& term : Sum::terms_of(dim)) {
      const DimRange part = of(term);
      result = {add(result.low, part.low), add(result.high, part.high)};
    }
    return result;
  }

  /// Sums that are at most `dim`, with one atom replaced by a bound of it that has symbols.
  static std::vector<Dim> smaller_forms(const Dim& dim, const Term& term) {
    if (term.atoms.size() != 1) return {};
    const Atom& atom = *term.atoms[0];
    const Dim rest = dim - Sum::make({term}, 0);
    const Dim c = term.coefficient;
    const bool up = term.coefficient > 0;
    const bool operands_are_sizes = atom.kind != Kind::symbol &&
                                    range_of(atom.a).low.value_or(-1) >= 0 &&
                                    range_of(atom.b).low.value_or(-1) >= 0;
    switch (atom.kind) {
      case Kind::minimum:
        if (up) return {};
        return {rest + c * atom.a, rest + c * atom.b};
      case Kind::maximum:
        if (!up) return {};
        return {rest + c * atom.a, rest + c * atom.b};
      case Kind::modulo:
        if (up || !operands_are_sizes) return {};
        return {rest + c * atom.a, rest + c * (atom.b - Dim(1))};
      case Kind::floor_div: {
        if (!atom.b.is_number() || atom.b.number() <= 0) {
          return up || !operands_are_sizes ? std::vector<Dim>{} : std::vector{rest + c * atom.a};
        }
        const int64_t d = atom.b.number();
        std::vector<Dim> forms;
        if (term.coefficient % d == 0) {
          const Dim whole = Dim(term.coefficient / d);
          forms.push_back(rest + whole * (up ? atom.a - Dim(d - 1) : atom.a));
        }
        if (!up && operands_are_sizes) forms.push_back(rest + c * atom.a);
        return forms;
      }
      default:
        return {};
    }
  }

  static Bound lower(const Dim& dim, int depth) {
    Bound best = of(dim).low;
    if (depth == 0) return best;
    for (const Term& term : Sum::terms_of(dim)) {
      for (const Dim& form : smaller_forms(dim, term)) {
        best = greater_known(best, lower(form, depth - 1));
      }
    }
    return best;
  }

  static bool has_operand(const Dim& dim, Kind kind, const Dim& operand) {
    const Atom* atom = Sum::single_atom(dim);
    return atom != nullptr && atom->kind == kind && (atom->a == operand || atom->b == operand);
  }

  static Dim choose(Kind kind, const Dim& a, const Dim& b) {
    const bool smaller = kind == Kind::minimum;
    if (a == b || has_operand(a, kind, b)) return a;
    if (has_operand(b, kind, a)) return b;
    if ((b - a).is_non_negative()) return smaller ? a : b;
    if ((a - b).is_non_negative()) return smaller ? b : a;
    // min(x + 1, y + 3) is min(x, y + 2) + 1: one form for all common offsets.
    const bool in_order = !a.is_number() && (b.is_number() || a < b);
    const Dim& first = in_order ? a : b;
    const Dim& second = in_order ? b : a;
    const Dim offset = Sum::constant_of(first);
    return Sum::make(kind, first - offset, second - offset) + offset;
  }

  static Dim minimum(const Dim& a, const Dim& b) { return choose(Kind::minimum, a, b); }
  static Dim maximum(const Dim& a, const Dim& b) { return choose(Kind::maximum, a, b); }
};

DimRange range_of(const Dim& dim) { return DimBounds::of(dim); }

std::optional<int64_t> Dim::lower_bound() const {
  if (is_number()) return value_;
  constexpr int depth = 3;  // each level replaces one atom; more has not been needed by any model
  return DimBounds::lower(*this, depth);
}

bool Dim::is_non_negative() const { return lower_bound().value_or(-1) >= 0; }

Dim minimum(const Dim& a, const Dim& b) { return DimBounds::minimum(a, b); }
Dim maximum(const Dim& a, const Dim& b) { return DimBounds::maximum(a, b); }

}  // namespace dlc
