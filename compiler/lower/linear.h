// Linear: an index expression as a sum, which is what addresses, strides and the merging of loops
// are decided by.
// Next: compiler/lower/schedule.h.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "compiler/expr/expr.h"

namespace dlc {

/// constant + sum of coefficient * atom. An atom is a variable or an expression that is not affine
/// (a loaded index, a quotient); atoms are distinct, coefficients not zero.
struct Linear {
  struct Term {
    Expr atom;
    Dim coefficient;
  };
  Dim constant;
  std::vector<Term> terms;

  /// The coefficient of a variable as an atom; 0 if it is none.
  Dim coefficient(Variable v) const;
  Linear without(Variable v) const;
  void add(const Linear& other, const Dim& factor);
  void add_term(const Expr& atom, const Dim& coefficient);
  Expr expr() const;
};
Linear linear(const Expr& e);
bool equal(Linear a, const Linear& b);
/// The row-major element that a load reads, for an operand of the given shape.
Linear load_offset(const ExprNode& load, const Dims& shape);

/// Which variables expressions depend on, remembered per node.
class FreeVariables {
 public:
  const std::set<Variable>& of(const Expr& e);
  bool depends(const Expr& e, Variable v) { return of(e).contains(v); }

 private:
  struct Entry {
    Expr kept_alive;
    std::set<Variable> variables;
  };
  std::unordered_map<const void*, std::unique_ptr<Entry>> known_;
};

}  // namespace dlc
