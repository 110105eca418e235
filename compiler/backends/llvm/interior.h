// Interior: where the conditions that guard loads (padding, the parts of a concatenation) are known
// to hold, so that inner loops need no masks.
// Next: interior.cpp, loop_kernel.cpp.
#pragma once

#include <vector>

#include "compiler/backends/llvm/emit.h"

namespace dlc::llvm_backend {

/// Comparisons of indices within select conditions of `bodies`, seen from a loop over `v`: those
/// that do not depend on it hold for a whole row or not, the others from and up to some v.
/// Variables of reductions are taken at their worst.
class Interior {
 public:
  Interior(Emitter& emit, const std::vector<Expr>& bodies, Variable v);

  bool empty() const { return rows_.empty() && columns_.empty(); }
  bool has_columns() const { return !columns_.empty(); }
  bool masks_are_cheap() const { return masks_are_cheap_; }

  // With all other variables bound:
  /// Whether all conditions on rows hold, as i1.
  Value* row_is_inside() const;
  void assume_row() const;
  struct Range {
    Value *begin, *end;
  };
  /// The part of [begin, end) in which all conditions on v hold; begin <= end.
  Range columns_inside(Value* begin, Value* end) const;
  void assume_columns() const;

 private:
  /// value < 0, where value = step * v + rest.
  struct Condition {
    Expr node;
    Linear rest;
    int64_t step = 0;
  };
  void collect(const Expr& e);
  void add_comparisons(const Expr& condition);
  bool add_comparison(const Expr& e);
  std::optional<Linear> at_worst(const Linear& sum) const;

  Emitter& emit_;
  Variable v_;
  std::map<Variable, Dim> reduced_;  ///< variables of reductions and their extents
  std::vector<Condition> rows_, columns_;
  bool masks_are_cheap_ = true;
  std::set<const void*> seen_;
};

}  // namespace dlc::llvm_backend
