// Sums over atoms: arithmetic, bounds and proofs, and the way back to expressions.
// Next: index_divide.cpp (quotients and remainders), simplify.cpp.
#include "compiler/expr/index_form.h"

#include <algorithm>
#include <limits>

namespace dlc {
namespace {

/// Collects the symbols of a product; `is_product` is false for any other Dim.
struct ProductReader : Dim::Visitor {
  std::vector<std::string> symbols;
  bool is_product = true;

  void number(int64_t value) override { is_product = is_product && value > 0; }
  void symbol(const std::string& name) override { symbols.push_back(name); }
  void multiply() override {}
  void add() override { is_product = false; }
  void floor_div() override { is_product = false; }
  void modulo() override { is_product = false; }
  void minimum() override { is_product = false; }
  void maximum() override { is_product = false; }
};

/// factor * bound, for a factor of known sign.
std::optional<Dim> scaled(const std::optional<Dim>& bound, const Dim& factor) {
  return bound ? std::optional(*bound * factor) : std::nullopt;
}

void accumulate(std::optional<Dim>& total, const std::optional<Dim>& part) {
  if (total) total = part ? std::optional(*total + *part) : std::nullopt;
}

}  // namespace

FormSpace::FormSpace(const Ranges& ranges) : ranges_(ranges) {
  // Where a variable has a value at all, the sizes that make its extent are not 0.
  for (const auto& [variable, extent] : ranges) {
    if (extent.is_number()) continue;
    ProductReader reader;
    extent.visit(reader);
    if (!reader.is_product) continue;
    for (const std::string& name : reader.symbols) positive_[name] = Dim::symbol(name) + 1;
  }
}

void FormSpace::add_range(Variable variable, const Dim& extent) { ranges_[variable] = extent; }

Form FormSpace::atom_form(int atom) { return {0, {{atom, 1}}}; }

Form FormSpace::variable(Variable variable) {
  const auto range = ranges_.find(variable);
  if (range != ranges_.end() && range->second == Dim(1)) return {};
  const auto [entry, fresh] = variables_.emplace(variable, static_cast<int>(atoms_.size()));
  if (fresh) {
    Atom atom{.expr = dlc::variable(variable)};
    if (range != ranges_.end()) atom.bounds = {Dim(0), range->second - 1};
    atoms_.push_back(std::move(atom));
  }
  return atom_form(entry->second);
}

Form FormSpace::opaque(const Expr& e, Bounds bounds) {
  const size_t key = hash(e);
  const auto [begin, end] = opaque_.equal_range(key);
  for (auto it = begin; it != end; ++it)
    if (same(atoms_[static_cast<size_t>(it->second)].expr, e)) return atom_form(it->second);
  const int number = static_cast<int>(atoms_.size());
  atoms_.push_back({.expr = e, .bounds = std::move(bounds)});
  opaque_.emplace(key, number);
  return atom_form(number);
}

Form FormSpace::plain_sum(const Form& a, const Form& b, const Dim& factor) {
  Form sum{a.constant + b.constant * factor, {}};
  sum.terms.reserve(a.terms.size() + b.terms.size());
  size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    const bool from_a =
        j == b.terms.size() || (i < a.terms.size() && a.terms[i].first <= b.terms[j].first);
    const bool from_b =
        i == a.terms.size() || (j < b.terms.size() && b.terms[j].first <= a.terms[i].first);
    const int atom = from_a ? a.terms[i].first : b.terms[j].first;
    Dim coefficient = 0;
    if (from_a) coefficient = a.terms[i++].second;
    if (from_b) coefficient = coefficient + b.terms[j++].second * factor;
    if (!(coefficient == Dim(0))) sum.terms.emplace_back(atom, std::move(coefficient));
  }
  return sum;
}

Form FormSpace::add(const Form& a, const Form& b, const Dim& factor) {
  Form sum = plain_sum(a, b, factor);
  join_remainders(sum);
  return sum;
}

Form FormSpace::multiply(const Form& a, const Dim& factor) { return add({}, a, factor); }

Bounds FormSpace::bounds(const Form& form) const {
  Bounds total{form.constant, form.constant};
  for (const auto& [number, coefficient] : form.terms) {
    const Bounds& atom = atoms_[static_cast<size_t>(number)].bounds;
    const bool up = is_positive_size(coefficient);
    const bool down = !up && is_positive_size(Dim(0) - coefficient);
    if (!up && !down) return {};
    accumulate(total.low, scaled(up ? atom.low : atom.high, coefficient));
    accumulate(total.high, scaled(up ? atom.high : atom.low, coefficient));
  }
  return total;
}

/// The dim is >= 0 for all sizes that can be here (0 counts as positive).
bool FormSpace::is_positive_size(const Dim& dim) const {
  if (dim.is_number()) return dim.number() >= 0;
  if (dim.is_non_negative()) return true;
  return !positive_.empty() && dim.substitute(positive_).is_non_negative();
}

bool FormSpace::is_non_negative(const Form& form) const {
  if (holds_by_bounds(form)) return true;
  if (form.terms.size() != 1) return false;
  // x // d + k >= 0 where x + k * d >= 0; k - x // d >= 0 where x < (k + 1) * d.
  const auto& [number, coefficient] = form.terms[0];
  const Atom& atom = atoms_[static_cast<size_t>(number)];
  if (atom.kind != Kind::quotient) return false;
  const Dim offset = form.constant * atom.divisor;
  if (coefficient == Dim(1)) return is_non_negative(plain_sum({offset, {}}, atom.argument, 1));
  return coefficient == Dim(-1) &&
         is_non_negative(plain_sum({offset + atom.divisor - 1, {}}, atom.argument, -1));
}

bool FormSpace::holds_by_bounds(const Form& form) const {
  const auto low = bounds(form).low;
  if (low && is_positive_size(*low)) return true;
  for (const Form& fact : facts_) {
    const auto rest = bounds(plain_sum(form, fact, -1)).low;
    if (rest && is_positive_size(*rest)) return true;
  }
  return false;
}

bool FormSpace::is_bounded(const Form& form) const {
  return std::all_of(form.terms.begin(), form.terms.end(), [&](const auto& term) {
    const Bounds& bounds = atoms_[static_cast<size_t>(term.first)].bounds;
    return bounds.low && bounds.high;
  });
}

Expr FormSpace::expr(const Form& form) const {
  const auto is_negative = [](const Dim& value) {
    return !value.is_non_negative() && (Dim(0) - value).is_non_negative();
  };
  // By falling strides, as one writes them, and what is added before what is subtracted.
  const auto rank = [&](const Dim& coefficient) {
    if (is_negative(coefficient)) return int64_t{-1};
    return coefficient.as_number().value_or(std::numeric_limits<int64_t>::max());
  };
  std::vector<std::pair<int, Dim>> terms = form.terms;
  std::stable_sort(terms.begin(), terms.end(),
                   [&](const auto& a, const auto& b) { return rank(a.second) > rank(b.second); });
  Expr sum = index(0);
  bool has_constant = false;
  const auto add_constant = [&] {
    if (has_constant) return;
    has_constant = true;
    const bool subtract = !form.constant.is_number() && is_negative(form.constant);
    sum = subtract ? sum - dim(Dim(0) - form.constant) : sum + dim(form.constant);
  };
  for (const auto& [number, coefficient] : terms) {
    const Expr& atom = atoms_[static_cast<size_t>(number)].expr;
    if (!is_negative(coefficient)) {
      sum = sum + atom * dim(coefficient);
      continue;
    }
    if (!is_negative(form.constant)) add_constant();
    sum = sum - atom * dim(Dim(0) - coefficient);
  }
  add_constant();
  return sum;
}

}  // namespace dlc
