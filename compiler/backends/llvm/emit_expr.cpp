// Expressions to values: each node once per scope, scalar where it does not depend on the vector
// variable.
// Next: emit_memory.cpp (loads), emit_reduce.cpp (reductions).
#include <algorithm>
#include <cassert>
#include <cmath>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/emit.h"

namespace dlc::llvm_backend {
namespace {

/// A uniform select whose branches cost less than this computes both: a jump would cost more.
constexpr int branch_cost = 24;

bool is_comparison(BinaryOp op) { return op >= BinaryOp::equal; }

bool has_lanes(const Value* value) { return value->getType()->isVectorTy(); }

bool is_true(const Value* value) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  return constant != nullptr && constant->isAllOnesValue();
}

llvm::CmpInst::Predicate signed_predicate(BinaryOp op) {
  switch (op) {
    case BinaryOp::equal:
      return llvm::CmpInst::ICMP_EQ;
    case BinaryOp::not_equal:
      return llvm::CmpInst::ICMP_NE;
    case BinaryOp::less:
      return llvm::CmpInst::ICMP_SLT;
    case BinaryOp::less_equal:
      return llvm::CmpInst::ICMP_SLE;
    case BinaryOp::greater:
      return llvm::CmpInst::ICMP_SGT;
    default:
      return llvm::CmpInst::ICMP_SGE;
  }
}

struct Bounds {
  double low = -HUGE_VAL, high = HUGE_VAL;
};

/// Of a float: between what it lies if it is not NaN, as far as constants in it tell.
Bounds bounds_of(const Expr& e) {
  if (e->kind == ExprKind::constant) return {e->real, e->real};
  if (e->kind == ExprKind::unary && e->unary >= UnaryOp::floor && e->unary <= UnaryOp::trunc) {
    const Bounds x = bounds_of(e->args[0]);
    return {std::floor(x.low), std::ceil(x.high)};
  }
  if (e->kind == ExprKind::select) {
    const Expr &condition = e->args[0], &bound = e->args[2];
    const Bounds a = bounds_of(e->args[1]), b = bounds_of(bound);
    Bounds result = {std::min(a.low, b.low), std::max(a.high, b.high)};
    // x > c ? x : c
    const bool is_maximum = condition->kind == ExprKind::binary &&
                            condition->binary == BinaryOp::greater &&
                            same(condition->args[0], e->args[1]) && same(condition->args[1], bound);
    if (is_maximum) result.low = b.low;
    return result;
  }
  const bool is_binary = e->kind == ExprKind::binary;
  if (!is_binary || (e->binary != BinaryOp::minimum && e->binary != BinaryOp::maximum)) return {};
  const Bounds a = bounds_of(e->args[0]), b = bounds_of(e->args[1]);
  if (e->binary == BinaryOp::minimum) return {std::min(a.low, b.low), std::min(a.high, b.high)};
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

bool fits_i32(const Expr& e) {
  if (e.dtype() != DType::f32 && e.dtype() != DType::f64) return false;
  const Bounds bounds = bounds_of(e);
  return bounds.low >= -0x1p31 && bounds.high < 0x1p31;
}

}  // namespace

Value* Emitter::emit(const Expr& e) {
  const auto found = known_.find(e.identity());
  if (found != known_.end() && is_guarded_by(guard_, found->second.guard))
    return found->second.value;
  Value* value = make(e);
  remember(e, value);
  return value;
}

void Emitter::remember(const Expr& e, Value* value) {
  auto [entry, is_new] = known_.try_emplace(e.identity());
  undo_.push_back({e.identity(), is_new ? std::nullopt : std::optional(entry->second)});
  entry->second = {e, value, guard_};
}

bool Emitter::is_guarded_by(int guard, int ancestor) const {
  while (guard > ancestor) guard = guards_[guard].parent;
  return guard == ancestor;
}

bool Emitter::is_bound(const Expr& e) {
  for (const Variable v : free_.of(e))
    if (!bound_.contains(v)) return false;
  return true;
}

Value* Emitter::make(const Expr& e) {
  Arith arith{ir_, target_};
  switch (e->kind) {
    case ExprKind::constant:
      if (e.dtype() == DType::f32 || e.dtype() == DType::f64)
        return arith.constant(e.dtype(), e->real);
      if (is_float(e.dtype()))
        return arith.convert(DType::f64, e.dtype(), arith.constant(DType::f64, e->real));
      return arith.constant_integer(e.dtype(), e->integer);
    case ExprKind::dim:
      return dim(e->dim);
    case ExprKind::variable:
      return make_variable(e);
    case ExprKind::load:
      return make_load(e);
    case ExprKind::unary:
      return arith.unary(e->unary, e->args[0].dtype(), emit(e->args[0]));
    case ExprKind::binary:
      return make_binary(e);
    case ExprKind::select:
      return make_select(e);
    case ExprKind::cast:
      return arith.convert(e->args[0].dtype(), e.dtype(), emit(e->args[0]), fits_i32(e->args[0]));
    case ExprKind::reduce:
      return make_reduce(e);
  }
  return nullptr;
}

Value* Emitter::make_variable(const Expr& e) {
  const auto found = bound_.find(e->variable);
  assert(found != bound_.end() && "the variable of a loop around it");
  if (lanes_ == 1 || e->variable != vector_) return found->second.value;
  llvm::SmallVector<llvm::Constant*> steps;
  for (int k = 0; k < lanes_; ++k) steps.push_back(ir_.getInt64(static_cast<uint64_t>(k)));
  return ir_.CreateAdd(widen(found->second.value), llvm::ConstantVector::get(steps));
}

Value* Emitter::make_binary(const Expr& e) {
  if (is_comparison(e->binary) && e->args[0].dtype() == DType::i64 && !is_uniform(e)) {
    if (Value* mask = compare_lanes(e)) return mask;
  }
  Value *a = emit(e->args[0]), *b = emit(e->args[1]);
  if (e->binary == BinaryOp::logical_and) {
    if (is_true(a)) return b;
    if (is_true(b)) return a;
  }
  if (a->getType()->isVectorTy() || b->getType()->isVectorTy()) {
    a = widen(a);
    b = widen(b);
  }
  return Arith{ir_, target_}.binary(e->binary, e->args[0].dtype(), a, b);
}

/// Indices that are affine in the vector variable are compared as 32-bit lane numbers with one
/// broadcast bound: a quarter of the instructions that vectors of i64 need. Null: not affine.
Value* Emitter::compare_lanes(const Expr& e) {
  Linear difference = linear(e->args[0]);
  difference.add(linear(e->args[1]), -1);
  const std::optional<int64_t> step = difference.coefficient(vector_).as_number();
  if (!step || std::abs(*step) > 1 << 16) return nullptr;
  for (const Linear::Term& term : difference.terms)
    if (term.atom->kind != ExprKind::variable && depends(term.atom, vector_)) return nullptr;
  // a0 + step_a * k < b0 + step_b * k is (step_a - step_b) * k < b0 - a0.
  Value* bound = ir_.CreateNeg(first_lane(difference));
  bound = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, bound, constant(-(int64_t{1} << 30)));
  bound = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, bound, constant(int64_t{1} << 30));
  llvm::SmallVector<llvm::Constant*> steps;
  for (int64_t k = 0; k < lanes_; ++k)
    steps.push_back(llvm::ConstantInt::getSigned(ir_.getInt32Ty(), *step * k));
  return ir_.CreateICmp(signed_predicate(e->binary), llvm::ConstantVector::get(steps),
                        widen(ir_.CreateTrunc(bound, ir_.getInt32Ty())));
}

bool Emitter::needs_guard(const Expr& e) {
  if (const auto found = needs_guard_.find(e.identity()); found != needs_guard_.end())
    return found->second;
  bool result = e->kind == ExprKind::load && !replaced_.contains(e->input);
  for (const Expr& arg : e->args) result = needs_guard(arg) || result;
  kept_.push_back(e);
  return needs_guard_[e.identity()] = result;
}

int Emitter::cost(const Expr& e) {
  if (const auto found = costs_.find(e.identity()); found != costs_.end()) return found->second;
  int result = 1;
  if (e->kind == ExprKind::reduce) result = 100;
  if (e->kind == ExprKind::unary && e->unary >= UnaryOp::exp && e->unary <= UnaryOp::erf)
    result = 20;
  for (const Expr& arg : e->args) result = std::min(result + cost(arg), 1 << 20);
  kept_.push_back(e);
  return costs_[e.identity()] = result;
}

int Emitter::guard_for(Value* condition, bool negated, bool by_branch) {
  for (size_t i = 0; i < guards_.size(); ++i) {
    const Guard& g = guards_[i];
    if (g.parent == guard_ && g.condition == condition && g.negated == negated)
      return static_cast<int>(i);
  }
  Value* mask = guards_[guard_].mask;
  if (!by_branch) {
    Value* own = negated ? ir_.CreateNot(condition) : condition;
    if (mask == nullptr) {
      mask = own;
    } else if (mask->getType() == own->getType()) {
      mask = ir_.CreateAnd(mask, own);
    } else {
      mask = ir_.CreateAnd(widen(mask), widen(own));
    }
  }
  guards_.push_back({guard_, condition, negated, mask});
  return static_cast<int>(guards_.size()) - 1;
}

Value* Emitter::guarded(const Expr& e, int guard) {
  const int before = guard_;
  guard_ = guard;
  Value* value = emit(e);
  guard_ = before;
  return value;
}

Value* Emitter::make_select(const Expr& e) {
  Value* condition = emit(e->args[0]);
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(condition))
    return emit(e->args[known->isZero() ? 2 : 1]);
  const bool scalar = !condition->getType()->isVectorTy();
  const bool guard_true = needs_guard(e->args[1]), guard_false = needs_guard(e->args[2]);
  if (scalar && (guard_true || guard_false) && cost(e->args[1]) + cost(e->args[2]) > branch_cost)
    return branch(e, condition);
  Value* if_true =
      guard_true ? guarded(e->args[1], guard_for(condition, false, false)) : emit(e->args[1]);
  Value* if_false =
      guard_false ? guarded(e->args[2], guard_for(condition, true, false)) : emit(e->args[2]);
  if (has_lanes(condition) || has_lanes(if_true) || has_lanes(if_false)) {
    if_true = widen(if_true);
    if_false = widen(if_false);
  }
  return ir_.CreateSelect(condition, if_true, if_false);
}

/// What stands for a load may have lanes or not: only once both sides are emitted it is known
/// whether the result has.
Value* Emitter::branch(const Expr& e, Value* condition) {
  struct Side {
    Value* value = nullptr;
    llvm::BasicBlock* block = nullptr;
  };
  Side sides[2];
  const auto emit_side = [&](size_t side) {
    return [this, &e, condition, &sides, side] {
      Value* value = guarded(e->args[side + 1], guard_for(condition, side == 1, true));
      sides[side] = {value, ir_.GetInsertBlock()};
    };
  };
  if_then(condition, emit_side(0), emit_side(1));
  const bool in_lanes = has_lanes(sides[0].value) || has_lanes(sides[1].value);
  llvm::Type* type = with_lanes(value_type(ir_.getContext(), e.dtype()), in_lanes ? lanes_ : 1);
  Value* result = local(type, "chosen");
  for (const Side& side : sides) {
    const llvm::IRBuilder<>::InsertPointGuard guard(ir_);
    ir_.SetInsertPoint(side.block->getTerminator());
    ir_.CreateStore(in_lanes ? widen(side.value) : side.value, result);
  }
  return ir_.CreateLoad(type, result);
}

void Emitter::hoist(const Expr& e, std::span<const Variable> inner) {
  if (!has_reduction(e)) return;
  const auto is_free = [&](const Expr& x) {
    for (const Variable v : inner)
      if (depends(x, v)) return false;
    return is_bound(x);
  };
  if (e->kind == ExprKind::reduce && is_free(e)) {
    emit(e);
    return;
  }
  if (e->kind != ExprKind::select) {
    for (const Expr& arg : e->args) hoist(arg, inner);
    return;
  }
  hoist(e->args[0], inner);
  // What only one side may evaluate can go ahead only under the same condition.
  if (!is_free(e->args[0])) return;
  Value* condition = emit(e->args[0]);
  for (const size_t side : {1, 2}) {
    const int before = guard_;
    guard_ = guard_for(condition, side == 2, false);
    hoist(e->args[side], inner);
    guard_ = before;
  }
}

}  // namespace dlc::llvm_backend
