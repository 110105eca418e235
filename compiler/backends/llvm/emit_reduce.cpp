// Reductions: serial with one accumulator (of all lanes) where the result differs by lane, along
// vectors with a horizontal finish where it does not.
// Next: loop_kernel.cpp.
#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/emit.h"
#include "compiler/lower/schedule.h"

namespace dlc::llvm_backend {
namespace {

/// Loops of fewer iterations in all, the inner ones included, are written out.
constexpr int64_t unroll_limit = 16;

bool is_position(ReduceOp op) {
  return op >= ReduceOp::argmin_first && op <= ReduceOp::argmax_last;
}
bool is_maximum(ReduceOp op) { return op == ReduceOp::argmax_first || op == ReduceOp::argmax_last; }
bool is_last(ReduceOp op) { return op == ReduceOp::argmin_last || op == ReduceOp::argmax_last; }

/// Whether x replaces the best so far. NaN is better than any number.
Value* is_better(llvm::IRBuilder<>& ir, ReduceOp op, DType type, Value* x, Value* best) {
  const bool real = type == DType::f32 || type == DType::f64;
  if (!is_maximum(op) && !real) std::swap(x, best);
  if (!real) {
    const bool is_unsigned = type == DType::boolean || !is_signed(type);
    if (is_last(op)) return is_unsigned ? ir.CreateICmpUGE(x, best) : ir.CreateICmpSGE(x, best);
    return is_unsigned ? ir.CreateICmpUGT(x, best) : ir.CreateICmpSGT(x, best);
  }
  if (is_last(op)) {
    Value* beats = is_maximum(op) ? ir.CreateFCmpOGE(x, best) : ir.CreateFCmpOLE(x, best);
    return ir.CreateOr(beats, ir.CreateFCmpUNO(x, x));
  }
  // Unordered comparisons are true for NaN; a best that is NaN already stays.
  Value* beats = is_maximum(op) ? ir.CreateFCmpUGT(x, best) : ir.CreateFCmpULT(x, best);
  return ir.CreateAnd(beats, ir.CreateFCmpORD(best, best));
}

}  // namespace

/// Loops over `axes`, the last one innermost, with what each of them leaves alone emitted before
/// it.
void Emitter::nest(std::span<const Axis> axes, const Expr& body,
                   const std::function<void()>& innermost) {
  if (axes.empty()) return innermost();
  std::vector<Variable> inner;
  std::optional<int64_t> iterations = 1;
  for (const Axis& axis : axes) {
    inner.push_back(axis.variable);
    const std::optional<int64_t> extent = axis.extent.as_number();
    iterations = iterations && extent ? std::optional(*iterations * *extent) : std::nullopt;
  }
  hoist(body, inner);
  const auto step = [&](Value* index) {
    bind(axes[0].variable, index);
    nest(axes.subspan(1), body, innermost);
  };
  if (iterations && *iterations <= unroll_limit) {
    unrolled(0, axes[0].extent.number(), step);
  } else {
    for_loop(constant(0), dim(axes[0].extent), 1, step);
  }
}

Value* Emitter::make_reduce(const Expr& e) {
  if (is_position(e->reduce)) return reduce_position(e);
  if (!is_uniform(e)) return reduce_serial(e);
  std::vector<Dims> shapes;
  for (const Type& type : types_) shapes.push_back(type.shape);
  const ReduceLanes choice = choose_reduce_lanes(e, shapes, target_.vector_bits);
  if (choice.lanes > 1) return reduce_lanes(e, choice.axis, choice.lanes);
  return reduce_serial(e);
}

Value* Emitter::reduce_serial(const Expr& e) {
  Arith arith{ir_, target_};
  const DType type = e.dtype();
  const int lanes = is_uniform(e) ? 1 : lanes_;
  llvm::Type* register_type = with_lanes(value_type(ir_.getContext(), type), lanes);
  Value* acc = local(register_type);
  ir_.CreateStore(arith.identity(e->reduce, type, lanes), acc);
  scope([&] {
    nest(e->axes, e->args[0], [&] {
      Value* x = emit(e->args[0]);
      if (lanes > 1) x = widen(x);
      ir_.CreateStore(arith.combine(e->reduce, type, ir_.CreateLoad(register_type, acc), x), acc);
    });
  });
  return ir_.CreateLoad(register_type, acc);
}

Value* Emitter::reduce_position(const Expr& e) {
  Arith arith{ir_, target_};
  const DType type = e->args[0].dtype();
  const int lanes = is_uniform(e) ? 1 : lanes_;
  llvm::Type* register_type = with_lanes(value_type(ir_.getContext(), type), lanes);
  llvm::Type* index_type = with_lanes(ir_.getInt64Ty(), lanes);
  const ReduceOp order = is_maximum(e->reduce) ? ReduceOp::maximum : ReduceOp::minimum;
  Value *best = local(register_type, "best"), *position = local(index_type, "position");
  ir_.CreateStore(arith.identity(order, type, lanes), best);
  ir_.CreateStore(llvm::Constant::getNullValue(index_type), position);
  scope([&] {
    nest(e->axes, e->args[0], [&] {
      Value* x = emit(e->args[0]);
      Value* index = bound_.at(e->axes[0].variable).value;
      if (lanes > 1) {
        x = widen(x);
        index = widen(index);
      }
      Value* so_far = ir_.CreateLoad(register_type, best);
      Value* better = is_better(ir_, e->reduce, type, x, so_far);
      ir_.CreateStore(ir_.CreateSelect(better, x, so_far), best);
      Value* old = ir_.CreateLoad(index_type, position);
      ir_.CreateStore(ir_.CreateSelect(better, index, old), position);
    });
  });
  return ir_.CreateLoad(index_type, position);
}

struct Emitter::LaneAccumulators {
  ReduceOp op;
  DType type;
  llvm::Type *vector_type, *scalar_type;
  Value *vector, *scalar;
};

/// One row along `axis`: whole vectors, then one that overlaps them with the lanes already counted
/// replaced by the neutral element. A row shorter than a vector goes one by one.
void Emitter::accumulate_row(const Expr& e, const Axis& axis, int lanes, LaneAccumulators& acc) {
  Arith arith{ir_, target_};
  const auto add_vector = [&](Value* base, Value* counted) {
    bind_lanes(axis.variable, base, lanes);
    Value* x = emit_lanes(e->args[0]);
    if (counted != nullptr)
      x = ir_.CreateSelect(counted, x, arith.identity(acc.op, acc.type, lanes));
    Value* sum = ir_.CreateLoad(acc.vector_type, acc.vector);
    ir_.CreateStore(arith.combine(acc.op, acc.type, sum, x), acc.vector);
  };
  Value* extent = dim(axis.extent);
  Value* rest = ir_.CreateAnd(extent, constant(lanes - 1));
  const auto vectors = [&] {
    for_loop(constant(0), ir_.CreateSub(extent, rest), lanes,
             [&](Value* base) { add_vector(base, nullptr); });
    if_then(ir_.CreateICmpNE(rest, constant(0)), [&] {
      Value* first = ir_.CreateSub(constant(lanes), rest);
      llvm::SmallVector<llvm::Constant*> numbers;
      for (int k = 0; k < lanes; ++k) numbers.push_back(ir_.getInt32(static_cast<uint32_t>(k)));
      Value* bound = ir_.CreateVectorSplat(static_cast<unsigned>(lanes),
                                           ir_.CreateTrunc(first, ir_.getInt32Ty()));
      add_vector(ir_.CreateSub(extent, constant(lanes)),
                 ir_.CreateICmpSGE(llvm::ConstantVector::get(numbers), bound));
    });
  };
  const auto scalars = [&] {
    for_loop(constant(0), extent, 1, [&](Value* index) {
      bind_lanes(axis.variable, index, 1);
      Value* sum = ir_.CreateLoad(acc.scalar_type, acc.scalar);
      ir_.CreateStore(arith.combine(acc.op, acc.type, sum, emit(e->args[0])), acc.scalar);
    });
  };
  if_then(ir_.CreateICmpSGE(extent, constant(lanes)), vectors, scalars);
}

Value* Emitter::reduce_lanes(const Expr& e, size_t axis, int lanes) {
  Arith arith{ir_, target_};
  LaneAccumulators acc{e->reduce, e.dtype()};
  acc.scalar_type = value_type(ir_.getContext(), acc.type);
  acc.vector_type = with_lanes(acc.scalar_type, lanes);
  acc.vector = local(acc.vector_type);
  acc.scalar = local(acc.scalar_type);
  ir_.CreateStore(arith.identity(acc.op, acc.type, lanes), acc.vector);
  ir_.CreateStore(arith.identity(acc.op, acc.type, 1), acc.scalar);
  scope([&] {
    if (Value* mask = guards_[guard_].mask; mask != nullptr && mask->getType()->isVectorTy()) {
      guards_.push_back({guard_, mask, false, any(mask)});
      guard_ = static_cast<int>(guards_.size()) - 1;
    }
    vector_ = {};
    lanes_ = 1;
    std::vector<Axis> outer = e->axes;
    const Axis inner = outer[axis];
    outer.erase(outer.begin() + static_cast<std::ptrdiff_t>(axis));
    std::vector<Axis> all = outer;
    all.push_back(inner);
    nest(outer, e->args[0], [&] {
      const Variable row[] = {inner.variable};
      hoist(e->args[0], row);
      accumulate_row(e, inner, lanes, acc);
    });
  });
  Value* sum = arith.across(acc.op, acc.type, ir_.CreateLoad(acc.vector_type, acc.vector));
  return arith.combine(acc.op, acc.type, sum, ir_.CreateLoad(acc.scalar_type, acc.scalar));
}

}  // namespace dlc::llvm_backend
