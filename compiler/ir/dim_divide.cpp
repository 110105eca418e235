// Dim: quotients and remainders. The identity behind all of it: (q * b + r) // b = q + r // b.
// Next: dim_bounds.cpp.
#include <algorithm>
#include <numeric>

#include "compiler/ir/dim_form.h"

namespace dlc {
namespace {

constexpr int max_division_steps = 64;

}  // namespace

std::optional<Dim> Dim::Sum::divide(const Term& a, const Term& b) {
  if (a.coefficient % b.coefficient != 0) return std::nullopt;
  Term quotient;
  quotient.coefficient = a.coefficient / b.coefficient;
  size_t next = 0;
  for (const auto& atom : a.atoms) {
    if (next < b.atoms.size() && compare_atoms(*atom, *b.atoms[next]) == 0) {
      ++next;
    } else {
      quotient.atoms.push_back(atom);
    }
  }
  if (next != b.atoms.size()) return std::nullopt;
  if (quotient.atoms.empty()) return Dim(quotient.coefficient);
  return from_terms({std::move(quotient)}, 0);
}

/// The working of floor_div and modulo: takes multiples of the divisor and common factors out.
struct DimDivision {
  using Term = Dim::Term;
  using Sum = Dim::Sum;
  using Kind = Dim::Atom::Kind;

  Dim quotient;   ///< what has been taken out
  Dim remainder;  ///< what is left of the dividend
  Dim divisor;
  Dim factor = 1;  ///< common factor taken out of remainder and divisor

  /// remainder = quotient * divisor + new remainder, for a divisor that is a number > 0.
  void take_multiples_of_number(int64_t d) {
    std::vector<Term> out, rest;
    for (const Term& term : Sum::terms_of(remainder)) {
      // Rounds towards 0, so that the sign of what is left stays.
      Term whole = term, part = term;
      whole.coefficient = term.coefficient / d;
      part.coefficient = term.coefficient % d;
      out.push_back(std::move(whole));
      rest.push_back(std::move(part));
    }
    const int64_t constant = Sum::constant_of(remainder);
    const int64_t whole = Sum::floor_div(constant, d);
    quotient = quotient + Sum::make(std::move(out), whole);
    remainder = Sum::make(std::move(rest), constant - whole * d);
  }

  /// The same for a symbolic divisor: division of polynomials by the leading term.
  void take_multiples_of_sum() {
    const Term& lead = Sum::terms_of(divisor)[0];
    Dim rest = remainder, out = 0;
    for (int step = 0; step < max_division_steps; ++step) {
      std::optional<Dim> found;
      for (const Term& term : Sum::terms_of(rest)) {
        if ((found = Sum::divide(term, lead))) break;
      }
      if (!found) break;
      out = out + *found;
      rest = rest - *found * divisor;
    }
    // With several terms in the divisor, a quotient may leave more than it takes.
    const size_t before = Sum::terms_of(remainder).size();
    if (Sum::terms_of(rest).size() > before) return;
    if (Sum::terms_of(rest).size() == before && Sum::terms_of(divisor).size() > 1) return;
    quotient = quotient + out;
    remainder = rest;
  }

  /// Common factor of all coefficients of remainder (without its constant) and divisor.
  int64_t common_number() const {
    uint64_t common = 0;
    const auto join = [&](int64_t value) {
      common = std::gcd(
          common, value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
    };
    for (const Term& term : Sum::terms_of(remainder)) join(term.coefficient);
    for (const Term& term : Sum::terms_of(divisor)) join(term.coefficient);
    if (Sum::constant_of(divisor) != 0) join(Sum::constant_of(divisor));
    return common > INT64_MAX ? 1 : std::max<int64_t>(1, static_cast<int64_t>(common));
  }

  static Dim divided(const Dim& dim, int64_t by) {
    std::vector<Term> terms = Sum::terms_of(dim);
    for (Term& term : terms) term.coefficient /= by;
    return Sum::make(std::move(terms), Sum::floor_div(Sum::constant_of(dim), by));
  }

  /// Atoms in every term of both, when neither has a constant.
  void take_common_atoms() {
    if (Sum::constant_of(remainder) != 0 || Sum::constant_of(divisor) != 0) return;
    if (remainder.is_number() || divisor.is_number()) return;
    const std::vector<std::shared_ptr<const Dim::Atom>> candidates =
        Sum::terms_of(divisor)[0].atoms;
    for (const auto& atom : candidates) {
      Term term;
      term.atoms.push_back(atom);
      const auto without = [&](const Dim& dim) -> std::optional<Dim> {
        Dim result = 0;
        for (const Term& t : Sum::terms_of(dim)) {
          const std::optional<Dim> part = Sum::divide(t, term);
          if (!part) return std::nullopt;
          result = result + *part;
        }
        return result;
      };
      if (!Sum::from(*atom).is_non_negative()) continue;
      const std::optional<Dim> r = without(remainder), d = without(divisor);
      if (!r || !d) continue;
      remainder = *r;
      divisor = *d;
      factor = factor * Sum::from(*atom);
      if (Sum::constant_of(remainder) != 0 || Sum::constant_of(divisor) != 0) return;
      if (remainder.is_number() || divisor.is_number()) return;
    }
  }

  /// 0 <= remainder < divisor for sure.
  bool is_reduced() const {
    if (remainder == Dim(0)) return true;
    if (!remainder.is_non_negative()) return false;
    if ((divisor - remainder - Dim(1)).is_non_negative()) return true;
    const Dim::Atom* atom = Sum::single_atom(remainder);
    return atom != nullptr && atom->kind == Kind::modulo && atom->b == divisor;
  }

  Dim floor_div() {
    take_multiples();
    take_common_atoms();
    if (const int64_t common = common_number(); common > 1 && !remainder.is_number()) {
      remainder = divided(remainder, common);
      divisor = divided(divisor, common);
    }
    if (divisor.is_number() && divisor.number() == 1) return quotient + remainder;
    if (is_reduced()) return quotient;
    // -1 // b = -1 for a size b.
    if (remainder == Dim(-1) && divisor.is_non_negative()) return quotient - Dim(1);
    // (-3 * x) // (2 * x) is -3 // 2 by now.
    if (divisor.is_number() && remainder.is_number()) {
      return quotient + Dim(Sum::floor_div(remainder.number(), divisor.number()));
    }
    if (divisor.is_number()) return quotient + floor_div_by_number(divisor.number());
    return quotient + Sum::make(Kind::floor_div, remainder, divisor);
  }

  /// Of the two forms x // d and -((d - 1 - x) // d), takes the one that leads with a plus: that
  /// makes ceildiv(x, d) and (x + d - 1) // d the same.
  Dim floor_div_by_number(int64_t d) {
    if (Sum::terms_of(remainder)[0].coefficient < 0) {
      return Dim(-1) * dlc::floor_div(Dim(d - 1) - remainder, Dim(d));
    }
    // (x // m + c) // d = (x + c * m) // (m * d)
    const Dim constant = Sum::constant_of(remainder);
    const Dim::Atom* inner = Sum::single_atom(remainder - constant);
    int64_t both = 0;
    if (inner != nullptr && inner->kind == Kind::floor_div && inner->b.is_number() &&
        !__builtin_mul_overflow(inner->b.number(), d, &both)) {
      return dlc::floor_div(inner->a + constant * inner->b, Dim(both));
    }
    return Sum::make(Kind::floor_div, remainder, Dim(d));
  }

  Dim modulo() {
    take_multiples();
    if (remainder == Dim(0)) return 0;
    if (divisor.is_number()) {
      std::vector<Term> terms = Sum::terms_of(remainder);
      const int64_t d = divisor.number();
      for (Term& term : terms) {
        if (term.coefficient < 0) term.coefficient += d;
      }
      remainder = Sum::make(std::move(terms), Sum::constant_of(remainder));
    }
    take_common_atoms();
    const int64_t common = common_number();
    if (common > 1 && !remainder.is_number() && Sum::constant_of(remainder) % common == 0) {
      remainder = divided(remainder, common);
      divisor = divided(divisor, common);
      factor = factor * Dim(common);
    }
    if (divisor.is_number() && divisor.number() == 1) return 0;
    if (is_reduced()) return factor * remainder;
    const Dim::Atom* atom = Sum::single_atom(remainder);
    if (atom != nullptr && atom->kind == Kind::modulo && atom->b.is_number() &&
        divisor.is_number() && atom->b.number() % divisor.number() == 0) {
      return factor * dlc::modulo(atom->a, divisor);
    }
    return factor * Sum::make(Kind::modulo, remainder, divisor);
  }

  void take_multiples() {
    if (divisor.is_number()) return take_multiples_of_number(divisor.number());
    take_multiples_of_sum();
  }
};

Dim floor_div(const Dim& a, const Dim& b) {
  if (b.is_number()) {
    const int64_t d = b.number();
    if (a.is_number()) return Dim::Sum::floor_div(a.number(), d);
    if (d == 0) return 0;
    if (d < 0)
      return d == INT64_MIN ? Dim::Sum::make(Dim::Atom::Kind::floor_div, a, b)
                            : floor_div(a * Dim(-1), Dim(-d));
  }
  return DimDivision{.quotient = 0, .remainder = a, .divisor = b}.floor_div();
}

Dim ceil_div(const Dim& a, const Dim& b) { return Dim(-1) * floor_div(a * Dim(-1), b); }

Dim modulo(const Dim& a, const Dim& b) {
  if (b.is_number()) {
    const int64_t d = b.number();
    if (d == 0) return 0;
    if (a.is_number()) {
      return Dim::Sum::add(a.number(), -Dim::Sum::multiply(Dim::Sum::floor_div(a.number(), d), d));
    }
    if (d < 0)
      return d == INT64_MIN ? Dim::Sum::make(Dim::Atom::Kind::modulo, a, b)
                            : Dim(-1) * modulo(a * Dim(-1), Dim(-d));
  }
  return DimDivision{.quotient = 0, .remainder = a, .divisor = b}.modulo();
}

}  // namespace dlc
