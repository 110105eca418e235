// Quotients and remainders of sums. What makes reshapes vanish: with 0 <= low < d,
// (d * q + low) // d = q; and (x // d) * d + x % d = x.
// Next: simplify.cpp.
#include <numeric>
#include <utility>

#include "compiler/expr/index_form.h"

namespace dlc {
namespace {

/// a / b, if that leaves nothing.
std::optional<Dim> exact_quotient(const Dim& a, const Dim& b) {
  if (a.is_number() && b.is_number()) {
    if (b.number() == 0 || a.number() % b.number() != 0) return std::nullopt;
    return Dim(a.number() / b.number());
  }
  const Dim quotient = floor_div(a, b);
  return quotient * b == a ? std::optional(quotient) : std::nullopt;
}

/// Of sizes; inside FormSpace its members hide the name.
Dim divide_sizes(const Dim& a, const Dim& b) { return floor_div(a, b); }

/// constant = divisor * quotient + rest; rest is the constant itself where nothing can be said.
std::pair<Dim, Dim> split_constant(const Dim& constant, const Dim& divisor) {
  const Dim quotient = floor_div(constant, divisor), rest = modulo(constant, divisor);
  if (quotient * divisor + rest == constant) return {quotient, rest};
  return {0, constant};
}

}  // namespace

bool FormSpace::Key::operator<(const Key& other) const {
  if (kind != other.kind) return kind < other.kind;
  if (!(divisor == other.divisor)) return divisor < other.divisor;
  if (!(argument.constant == other.argument.constant))
    return argument.constant < other.argument.constant;
  return argument.terms < other.argument.terms;
}

const FormSpace::Atom* FormSpace::only_atom(const Form& form, Kind kind) const {
  if (form.terms.size() != 1 || !(form.terms[0].second == Dim(1))) return nullptr;
  const Atom& atom = atoms_[static_cast<size_t>(form.terms[0].first)];
  return atom.kind == kind ? &atom : nullptr;
}

bool FormSpace::in_range(const Form& form, const Dim& end) const {
  if (!is_non_negative(form)) return false;
  Form below{end - form.constant - 1, form.terms};
  for (auto& term : below.terms) term.second = Dim(0) - term.second;
  return is_non_negative(below);
}

/// Takes the terms that are multiples out, and of the constant only what has to be: facts are about
/// sums with their constants.
FormSpace::Division FormSpace::take_multiples(const Form& n, const Dim& divisor) const {
  Division result;
  result.rest.constant = n.constant;
  for (const auto& [atom, coefficient] : n.terms) {
    if (const auto whole = exact_quotient(coefficient, divisor)) {
      result.quotient.terms.emplace_back(atom, *whole);
    } else {
      result.rest.terms.emplace_back(atom, coefficient);
    }
  }
  result.exact = in_range(result.rest, divisor);
  if (result.exact) return result;
  std::tie(result.quotient.constant, result.rest.constant) = split_constant(n.constant, divisor);
  result.exact = in_range(result.rest, divisor);
  if (result.exact) return result;
  Form next = result.rest;
  next.constant = next.constant + divisor;
  result.exact = in_range(next, divisor);
  if (!result.exact) return result;
  result.quotient.constant = result.quotient.constant - 1;
  result.rest = next;
  return result;
}

std::optional<FormSpace::Factored> FormSpace::take_factor(const Form& n, const Dim& factor) const {
  const Division division = take_multiples(n, factor);
  if (division.quotient.terms.empty() || !division.exact) return std::nullopt;
  return Factored{factor, division.quotient, division.rest};
}

/// A factor of the divisor that some of the terms have, the others being below it.
std::optional<FormSpace::Factored> FormSpace::take_common_factor(const Form& n,
                                                                 const Dim& divisor) const {
  for (const auto& [atom, coefficient] : n.terms) {
    std::optional<Dim> factor;
    if (coefficient.is_number() && divisor.is_number()) {
      factor = std::gcd(coefficient.number(), divisor.number());
    } else if (exact_quotient(divisor, coefficient)) {
      factor = is_positive_size(coefficient) ? coefficient : Dim(0) - coefficient;
    }
    if (!factor || *factor == Dim(1)) continue;
    if (auto taken = take_factor(n, *factor)) return taken;
  }
  return std::nullopt;
}

Form FormSpace::floor_div(const Form& a, const Dim& divisor) {
  if (divisor == Dim(1)) return a;
  const auto [quotient, rest, exact] = take_multiples(a, divisor);
  if (exact) return quotient;
  if (const auto taken = take_common_factor(rest, divisor))
    return add(quotient, floor_div(taken->high, *exact_quotient(divisor, taken->factor)));
  // (x // m + c) // d = (x + c * m) // (m * d)
  if (const Atom* inner = only_atom(rest, Kind::quotient)) {
    const Form dividend = add(inner->argument, {rest.constant * inner->divisor, {}});
    return add(quotient, floor_div(dividend, inner->divisor * divisor));
  }
  // (x % (m * d)) // d = x // d % m
  if (const Atom* inner = only_atom(rest, Kind::remainder); inner && rest.constant == Dim(0)) {
    const Form dividend = inner->argument;
    if (const auto factor = exact_quotient(inner->divisor, divisor))
      return add(quotient, floor_mod(floor_div(dividend, divisor), *factor));
  }
  return add(quotient, intern(Kind::quotient, rest, divisor));
}

Form FormSpace::floor_mod(const Form& a, const Dim& divisor) {
  if (divisor == Dim(1)) return {};
  const auto [quotient, rest, exact] = take_multiples(a, divisor);
  if (exact) return rest;
  if (const auto taken = take_common_factor(rest, divisor)) {
    const Form high = floor_mod(taken->high, *exact_quotient(divisor, taken->factor));
    return add(taken->low, high, taken->factor);
  }
  if (const Atom* inner = only_atom(rest, Kind::remainder); inner && rest.constant == Dim(0)) {
    const Form dividend = inner->argument;
    if (exact_quotient(inner->divisor, divisor)) return floor_mod(dividend, divisor);
  }
  return intern(Kind::remainder, rest, divisor);
}

Form FormSpace::intern(Kind kind, const Form& argument, const Dim& divisor) {
  const Key key{kind, argument, divisor};
  if (const auto found = divisions_.find(key); found != divisions_.end())
    return atom_form(found->second);
  Atom atom{.kind = kind, .argument = argument, .divisor = divisor};
  const Bounds range = bounds(argument);
  if (kind == Kind::quotient) {
    atom.expr = dlc::floor_div(expr(argument), dim(divisor));
    if (range.low) atom.bounds.low = divide_sizes(*range.low, divisor);
    if (range.high) atom.bounds.high = divide_sizes(*range.high, divisor);
  } else {
    atom.expr = dlc::floor_mod(expr(argument), dim(divisor));
    atom.bounds = {Dim(0), divisor - 1};
    // Atoms outlive the branch that they are made in: no facts of it may go into them.
    const std::vector<Form> facts = std::exchange(facts_, {});
    atom.quotient = floor_div(argument, divisor);
    facts_ = facts;
  }
  const int number = static_cast<int>(atoms_.size());
  atoms_.push_back(std::move(atom));
  divisions_.emplace(key, number);
  return atom_form(number);
}

void FormSpace::join_remainders(Form& form) {
  for (size_t i = 0; i < form.terms.size();) {
    i = join_remainder(form, i) ? 0 : i + 1;
  }
}

/// c * (x % d) with c * d * (x // d) is c * x; with c * d * (x // d % m) it is c * (x % (d * m)).
bool FormSpace::join_remainder(Form& form, size_t term) {
  const Atom& atom = atoms_[static_cast<size_t>(form.terms[term].first)];
  if (atom.kind != Kind::remainder) return false;
  const Dim coefficient = form.terms[term].second;
  const Dim wanted = coefficient * atom.divisor;
  for (size_t i = 0; i < form.terms.size(); ++i) {
    if (i == term || !(form.terms[i].second == wanted)) continue;
    const Atom& other = atoms_[static_cast<size_t>(form.terms[i].first)];
    const bool whole = atom.quotient == atom_form(form.terms[i].first);
    const bool part = other.kind == Kind::remainder && other.argument == atom.quotient;
    if (!whole && !part) continue;
    const Form joined = whole ? atom.argument : [&] {
      const Form argument = atom.argument;
      return floor_mod(argument, atom.divisor * other.divisor);
    }();
    Form rest = form;
    rest.terms.erase(rest.terms.begin() + static_cast<std::ptrdiff_t>(std::max(i, term)));
    rest.terms.erase(rest.terms.begin() + static_cast<std::ptrdiff_t>(std::min(i, term)));
    form = add(rest, joined, coefficient);
    return true;
  }
  return false;
}

Form FormSpace::reduced_sign(const Form& a) {
  for (const auto& [atom, coefficient] : a.terms) {
    const Dim factor = is_positive_size(coefficient) ? coefficient : Dim(0) - coefficient;
    if (factor == Dim(1)) continue;
    if (const auto taken = take_factor(a, factor)) return reduced_sign(taken->high);
  }
  return a;
}

}  // namespace dlc
