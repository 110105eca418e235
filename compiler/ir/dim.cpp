// Dim: construction in canonical form, sums and products, substitution.
// Next: dim_divide.cpp (quotients and remainders), dim_bounds.cpp (bounds, min, max), dim_text.cpp.
#include "compiler/ir/dim.h"

#include <algorithm>
#include <cassert>

#include "compiler/ir/dim_form.h"

namespace dlc {

int64_t Dim::Sum::floor_div(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return multiply(a, -1);
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

const std::vector<Dim::Term>& Dim::Sum::terms_of(const Dim& dim) {
  static const std::vector<Term> none;
  return dim.terms_ ? dim.terms_->terms : none;
}

int Dim::Sum::compare_atoms(const Atom& a, const Atom& b) {
  if (&a == &b) return 0;
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == Atom::Kind::symbol) {
    const int order = a.name.compare(b.name);
    return order < 0 ? -1 : order > 0;
  }
  const int first = compare(a.a, b.a);
  return first != 0 ? first : compare(a.b, b.b);
}

// By degree, then as words over the atoms: an order that products keep, as division needs it.
int Dim::Sum::compare_atoms(const Term& a, const Term& b) {
  if (a.atoms.size() != b.atoms.size()) return a.atoms.size() > b.atoms.size() ? -1 : 1;
  for (size_t i = 0; i < a.atoms.size(); ++i) {
    if (const int order = compare_atoms(*a.atoms[i], *b.atoms[i]); order != 0) return order;
  }
  return 0;
}

int Dim::compare(const Dim& a, const Dim& b) {
  if (a.terms_ != b.terms_) {
    const std::vector<Term>& left = Sum::terms_of(a);
    const std::vector<Term>& right = Sum::terms_of(b);
    if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
    for (size_t i = 0; i < left.size(); ++i) {
      if (const int order = Sum::compare_atoms(left[i], right[i]); order != 0) return order;
      if (left[i].coefficient != right[i].coefficient) {
        return left[i].coefficient < right[i].coefficient ? -1 : 1;
      }
    }
  }
  if (a.value_ != b.value_) return a.value_ < b.value_ ? -1 : 1;
  return 0;
}

Dim Dim::from_terms(std::vector<Term> terms, int64_t constant) {
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return Sum::compare_atoms(a, b) < 0; });
  std::vector<Term> merged;
  for (Term& term : terms) {
    if (!merged.empty() && Sum::compare_atoms(merged.back(), term) == 0) {
      merged.back().coefficient = Sum::add(merged.back().coefficient, term.coefficient);
      if (merged.back().coefficient == 0) merged.pop_back();
    } else if (term.coefficient != 0) {
      merged.push_back(std::move(term));
    }
  }
  Dim result(constant);
  if (!merged.empty()) result.terms_ = std::make_shared<const Sum>(Sum{std::move(merged)});
  return result;
}

Dim Dim::from_atom(Atom atom) {
  Term term;
  term.atoms.push_back(std::make_shared<const Atom>(std::move(atom)));
  return from_terms({std::move(term)}, 0);
}

Dim Dim::Sum::make(Atom::Kind kind, const Dim& a, const Dim& b) {
  Atom atom;
  atom.kind = kind;
  atom.a = a;
  atom.b = b;
  return from_atom(std::move(atom));
}

const Dim::Atom* Dim::Sum::single_atom(const Dim& dim) {
  const std::vector<Term>& terms = terms_of(dim);
  if (terms.size() != 1 || dim.value_ != 0) return nullptr;
  if (terms[0].coefficient != 1 || terms[0].atoms.size() != 1) return nullptr;
  return terms[0].atoms[0].get();
}

Dim Dim::symbol(std::string name) {
  assert(!name.empty() && "a symbol has a name");
  Atom atom;
  atom.name = std::move(name);
  return from_atom(std::move(atom));
}

int64_t Dim::number() const {
  assert(is_number() && "a symbolic dim has no number");
  return value_;
}

std::optional<std::string> Dim::as_symbol() const {
  const Atom* atom = Sum::single_atom(*this);
  if (atom == nullptr || atom->kind != Atom::Kind::symbol) return std::nullopt;
  return atom->name;
}

Dim operator+(const Dim& a, const Dim& b) {
  const int64_t constant = Dim::Sum::add(a.value_, b.value_);
  if (!a.terms_ && !b.terms_) return constant;
  if (!a.terms_ || !b.terms_) {
    Dim result = a.terms_ ? a : b;
    result.value_ = constant;
    return result;
  }
  std::vector<Dim::Term> terms = a.terms_->terms;
  terms.insert(terms.end(), b.terms_->terms.begin(), b.terms_->terms.end());
  return Dim::from_terms(std::move(terms), constant);
}

Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }

Dim operator*(const Dim& a, const Dim& b) {
  using Sum = Dim::Sum;
  if (!a.terms_ && !b.terms_) return Sum::multiply(a.value_, b.value_);
  if (!a.terms_ && a.value_ == 1) return b;
  if (!b.terms_ && b.value_ == 1) return a;
  std::vector<Dim::Term> terms;
  const auto scale = [&](const std::vector<Dim::Term>& from, int64_t factor) {
    for (Dim::Term term : from) {
      term.coefficient = Sum::multiply(term.coefficient, factor);
      terms.push_back(std::move(term));
    }
  };
  scale(Sum::terms_of(a), b.value_);
  scale(Sum::terms_of(b), a.value_);
  for (const Dim::Term& left : Sum::terms_of(a)) {
    for (const Dim::Term& right : Sum::terms_of(b)) {
      Dim::Term term = left;
      term.coefficient = Sum::multiply(left.coefficient, right.coefficient);
      term.atoms.insert(term.atoms.end(), right.atoms.begin(), right.atoms.end());
      std::sort(term.atoms.begin(), term.atoms.end(),
                [](const auto& x, const auto& y) { return Sum::compare_atoms(*x, *y) < 0; });
      terms.push_back(std::move(term));
    }
  }
  return Dim::from_terms(std::move(terms), Sum::multiply(a.value_, b.value_));
}

bool operator==(const Dim& a, const Dim& b) { return Dim::compare(a, b) == 0; }
bool operator<(const Dim& a, const Dim& b) { return Dim::compare(a, b) < 0; }

Dim Dim::substitute(const std::map<std::string, Dim>& values) const {
  if (!terms_) return *this;
  const auto replaced = [&](const Atom& atom) -> Dim {
    if (atom.kind == Atom::Kind::symbol) {
      const auto found = values.find(atom.name);
      return found == values.end() ? symbol(atom.name) : found->second;
    }
    const Dim a = atom.a.substitute(values);
    const Dim b = atom.b.substitute(values);
    switch (atom.kind) {
      case Atom::Kind::floor_div:
        return floor_div(a, b);
      case Atom::Kind::modulo:
        return modulo(a, b);
      case Atom::Kind::minimum:
        return minimum(a, b);
      default:
        return maximum(a, b);
    }
  };
  Dim result = value_;
  for (const Term& term : terms_->terms) {
    Dim product = term.coefficient;
    for (const auto& atom : term.atoms) product = product * replaced(*atom);
    result = result + product;
  }
  return result;
}

void Dim::visit_symbols(const std::function<void(const std::string&)>& visit) const {
  for (const Term& term : Sum::terms_of(*this)) {
    for (const auto& atom : term.atoms) {
      if (atom->kind == Atom::Kind::symbol) {
        visit(atom->name);
        continue;
      }
      atom->a.visit_symbols(visit);
      atom->b.visit_symbols(visit);
    }
  }
}

void Dim::visit(Visitor& visitor) const {
  bool first = true;
  for (const Term& term : Sum::terms_of(*this)) {
    bool multiplies = term.coefficient != 1;
    if (multiplies) visitor.number(term.coefficient);
    for (const auto& atom : term.atoms) {
      if (atom->kind == Atom::Kind::symbol) {
        visitor.symbol(atom->name);
      } else {
        atom->a.visit(visitor);
        atom->b.visit(visitor);
      }
      if (atom->kind == Atom::Kind::floor_div) visitor.floor_div();
      if (atom->kind == Atom::Kind::modulo) visitor.modulo();
      if (atom->kind == Atom::Kind::minimum) visitor.minimum();
      if (atom->kind == Atom::Kind::maximum) visitor.maximum();
      if (multiplies) visitor.multiply();
      multiplies = true;
    }
    if (!first) visitor.add();
    first = false;
  }
  if (!first && value_ == 0) return;
  visitor.number(value_);
  if (!first) visitor.add();
}

size_t Dim::hash() const {
  size_t result = std::hash<int64_t>()(value_);
  const auto mix = [&](size_t value) {
    result = (result ^ (value + 0x9e3779b97f4a7c15u + (result << 6) + (result >> 2)));
  };
  for (const Term& term : Sum::terms_of(*this)) {
    mix(std::hash<int64_t>()(term.coefficient));
    for (const auto& atom : term.atoms) {
      mix(static_cast<size_t>(atom->kind));
      if (atom->kind == Atom::Kind::symbol) {
        mix(std::hash<std::string>()(atom->name));
      } else {
        mix(atom->a.hash());
        mix(atom->b.hash());
      }
    }
  }
  return result;
}

}  // namespace dlc
