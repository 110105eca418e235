// Interiors of guarded loops: see interior.h.
// Next: loop_kernel.cpp.
#include "compiler/backends/llvm/interior.h"

namespace dlc::llvm_backend {

Interior::Interior(Emitter& emit, const std::vector<Expr>& bodies, Variable v)
    : emit_(emit), v_(v) {
  for (const Expr& body : bodies) {
    visit(body, [&](const Expr& e) {
      for (const Axis& axis : e->axes) reduced_[axis.variable] = axis.extent;
    });
  }
  for (const Expr& body : bodies) collect(body);
}

void Interior::collect(const Expr& e) {
  if (!seen_.insert(e.identity()).second) return;
  if (e->kind == ExprKind::select &&
      (emit_.needs_guard(e->args[1]) || emit_.needs_guard(e->args[2]))) {
    add_comparisons(e->args[0]);
    for (const size_t side : {1, 2}) {
      visit(e->args[side], [&](const Expr& node) {
        const bool guarded = node->kind == ExprKind::load && emit_.depends(node, v_);
        if (guarded && !emit_.has_masked_load(node.dtype())) masks_are_cheap_ = false;
      });
    }
  }
  for (const Expr& arg : e->args) collect(arg);
}

void Interior::add_comparisons(const Expr& condition) {
  if (condition->kind != ExprKind::binary || !seen_.insert(condition.identity()).second) return;
  if (condition->binary == BinaryOp::logical_and) {
    for (const Expr& arg : condition->args) add_comparisons(arg);
    return;
  }
  if (condition->args[0].dtype() == DType::i64) add_comparison(condition);
}

/// a < b as a - b < 0, a <= b as a - b - 1 < 0; the others with a and b exchanged.
bool Interior::add_comparison(const Expr& e) {
  Expr a = e->args[0], b = e->args[1];
  if (e->binary == BinaryOp::greater || e->binary == BinaryOp::greater_equal) std::swap(a, b);
  Linear difference = linear(a);
  difference.add(linear(b), -1);
  if (e->binary == BinaryOp::less_equal || e->binary == BinaryOp::greater_equal) {
    difference.constant = difference.constant - Dim(1);
  } else if (e->binary != BinaryOp::less && e->binary != BinaryOp::greater) {
    return false;
  }
  const std::optional<int64_t> step = difference.coefficient(v_).as_number();
  if (!step) return false;
  const std::optional<Linear> rest = at_worst(difference.without(v_));
  if (!rest) return false;
  (*step == 0 ? rows_ : columns_).push_back({e, *rest, *step});
  return true;
}

/// The greatest value over all reduction variables.
std::optional<Linear> Interior::at_worst(const Linear& sum) const {
  Linear result{sum.constant, {}};
  for (const Linear::Term& term : sum.terms) {
    if (term.atom->kind != ExprKind::variable) return std::nullopt;
    const auto reduced = reduced_.find(term.atom->variable);
    if (reduced == reduced_.end()) {
      result.terms.push_back(term);
      continue;
    }
    const std::optional<int64_t> coefficient = term.coefficient.as_number();
    if (!coefficient) return std::nullopt;
    if (*coefficient > 0)
      result.constant = result.constant + term.coefficient * (reduced->second - Dim(1));
  }
  return result;
}

Value* Interior::row_is_inside() const {
  llvm::IRBuilder<>& ir = emit_.ir();
  Value* inside = ir.getTrue();
  for (const Condition& c : rows_) {
    Value* holds = ir.CreateICmpSLT(emit_.first_lane(c.rest), emit_.constant(0));
    const auto* known = llvm::dyn_cast<llvm::ConstantInt>(inside);
    inside = known != nullptr && known->isOne() ? holds : ir.CreateAnd(inside, holds);
  }
  return inside;
}

void Interior::assume_row() const {
  for (const Condition& c : rows_) emit_.assume(c.node, emit_.ir().getTrue());
}

void Interior::assume_columns() const {
  for (const Condition& c : columns_) emit_.assume(c.node, emit_.ir().getTrue());
}

/// step * v + rest < 0: for step > 0 up to v = ceil(-rest / step), exclusive; for step < 0 from
/// v = floor(rest / -step) + 1.
Interior::Range Interior::columns_inside(Value* begin, Value* end) const {
  llvm::IRBuilder<>& ir = emit_.ir();
  const auto floor_div = [&](Value* a, int64_t b) {
    if (b == 1) return a;
    Value* r = ir.CreateSRem(a, emit_.constant(b));
    Value* fix = ir.CreateSExt(ir.CreateICmpSLT(r, emit_.constant(0)), r->getType());
    return ir.CreateAdd(ir.CreateSDiv(a, emit_.constant(b)), fix);
  };
  const auto smaller = [&](Value* a, Value* b) {
    return ir.CreateSelect(ir.CreateICmpSLT(a, b), a, b);
  };
  const auto larger = [&](Value* a, Value* b) {
    return ir.CreateSelect(ir.CreateICmpSGT(a, b), a, b);
  };
  Range range{begin, end};
  for (const Condition& c : columns_) {
    Value* rest = emit_.first_lane(c.rest);
    if (c.step > 0) {
      Value* bound = ir.CreateNeg(floor_div(rest, c.step));
      range.end = smaller(range.end, bound);
    } else {
      Value* bound = ir.CreateAdd(floor_div(rest, -c.step), emit_.constant(1));
      range.begin = larger(range.begin, bound);
    }
  }
  range.begin = smaller(range.begin, end);
  range.end = larger(range.end, range.begin);
  return range;
}

}  // namespace dlc::llvm_backend
