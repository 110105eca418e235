// Sweeps over rows (compiler/lower/sweeps.h): rows in scratch, single values in registers.
// Next: staged_kernel.cpp.
#include "compiler/backends/llvm/stage_emitter.h"

#include "compiler/backends/llvm/arith.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t row_alignment = 64;

}  // namespace

/// Of one reduction: whole vectors, and single values for rows shorter than one.
struct StageEmitter::Accumulator {
  const Sweep::Sum* sum;
  llvm::Type *vector_type = nullptr, *scalar_type = nullptr;
  Value *vector = nullptr, *scalar = nullptr;
};

bool StageEmitter::is_kept(int stage) const {
  if (kept_.contains(stage)) return true;
  for (const Sweep& sweep : plan_.sweeps)
    for (const Sweep::Row& row : sweep.rows)
      if (row.stage == stage) return row.kept;
  return false;
}

Dim StageEmitter::bytes_of(int stage) const {
  const Type& type = plan_.buffers[buffer_of(stage)];
  const Dim bytes = product(type.shape) * Dim(byte_size(type.dtype, 1));
  return ceil_div(bytes, row_alignment) * Dim(row_alignment);
}

Dim StageEmitter::scratch_bytes() const {
  Dim bytes = 0;
  for (size_t s = 0; s < kernel_.stages.size(); ++s)
    if (is_kept(static_cast<int>(s))) bytes = bytes + bytes_of(static_cast<int>(s));
  return bytes;
}

void StageEmitter::place(Value* scratch, Value* first_lane) {
  llvm::IRBuilder<>& ir = emit_.ir();
  Dim bytes = 0;
  for (size_t k = 0; k < kernel_.stages.size(); ++k) {
    const int s = static_cast<int>(k);
    const Type& type = plan_.buffers[buffer_of(s)];
    Value* row = ir.CreateGEP(ir.getInt8Ty(), scratch, emit_.dim(bytes));
    if (is_kept(s)) bytes = bytes + bytes_of(s);
    rows_[s] = row;
    if (first_lane != nullptr)
      row = emit_.element_pointer(row, type.dtype, ir.CreateNeg(first_lane));
    emit_.set_buffer(buffer_of(s), type, row);
  }
  if (plan_.accumulated >= 0)
    emit_.set_buffer(plan_.accumulated, plan_.buffers[plan_.accumulated], scratch);
}

void StageEmitter::run() {
  emit_scalars(0);
  for (size_t k = 0; k < plan_.sweeps.size(); ++k) {
    emit_sweep(k);
    emit_scalars(k + 1);
  }
  for (size_t s = 0; s < kernel_.stages.size(); ++s)
    emit_.keep_loads(buffer_of(static_cast<int>(s)));
}

void StageEmitter::store_output(int stage, const Expr& offset, Value* value) {
  const int output = kernel_.stages[stage].output;
  emit_.store(static_cast<int>(kernel_.operands.size()) + output, linear(offset), value);
}

void StageEmitter::emit_scalars(size_t sweeps_done) {
  for (const SweepPlan::Scalar& scalar : plan_.scalars) {
    if (scalar.after != sweeps_done) continue;
    Value* value = emit_.emit_lanes(scalar.body);
    emit_.replace_loads(buffer_of(scalar.stage), [value](const Expr&) { return value; });
    if (is_kept(scalar.stage)) emit_.store(buffer_of(scalar.stage), plan_.place({}), value);
    const StagedKernel::Stage& stage = kernel_.stages[scalar.stage];
    if (stage.output < 0) continue;
    const Dims& shape = kernel_.outputs[stage.output].shape;
    store_output(scalar.stage, flatten_index(stage.at, shape), value);
  }
}

// --- sweeps

void StageEmitter::emit_sweep(size_t number) {
  const Sweep& sweep = plan_.sweeps[number];
  Accumulators accumulators;
  for (const Sweep::Sum& sum : sweep.sums) accumulators.push_back(make_accumulator(sum, sweep));
  emit_.scope([&] {
    const auto own = loops_.find(number);
    if (own == loops_.end()) return outer_loops(sweep, 0, accumulators);
    own->second([&] { step(sweep, accumulators, nullptr); });
  });
  for (const Sweep::Row& row : sweep.rows) emit_.keep_loads(buffer_of(row.stage));
  for (const Accumulator& a : accumulators) emit_.assume(a.sum->node, total(a));
}

StageEmitter::Accumulator StageEmitter::make_accumulator(const Sweep::Sum& sum,
                                                         const Sweep& sweep) {
  llvm::IRBuilder<>& ir = emit_.ir();
  Arith arith{ir, emit_.target()};
  const DType type = sum.node.dtype();
  const int lanes = plan_.across ? plan_.across->lanes : sweep.lanes;
  Accumulator a{&sum};
  a.scalar_type = value_type(ir.getContext(), type);
  a.vector_type = with_lanes(a.scalar_type, lanes);
  if (!plan_.across) {
    a.scalar = emit_.local(a.scalar_type);
    ir.CreateStore(arith.identity(sum.node->reduce, type, 1), a.scalar);
  }
  if (lanes == 1) return a;
  a.vector = emit_.local(a.vector_type);
  ir.CreateStore(arith.identity(sum.node->reduce, type, lanes), a.vector);
  return a;
}

Value* StageEmitter::total(const Accumulator& a) {
  llvm::IRBuilder<>& ir = emit_.ir();
  Arith arith{ir, emit_.target()};
  const ReduceOp op = a.sum->node->reduce;
  const DType type = a.sum->node.dtype();
  if (a.scalar == nullptr) return ir.CreateLoad(a.vector_type, a.vector);
  Value* scalar = ir.CreateLoad(a.scalar_type, a.scalar);
  if (a.vector == nullptr) return scalar;
  Value* lanes = arith.across(op, type, ir.CreateLoad(a.vector_type, a.vector));
  return arith.combine(op, type, lanes, scalar);
}

void StageEmitter::outer_loops(const Sweep& sweep, size_t k, const Accumulators& accumulators) {
  std::vector<Variable> inner;
  for (size_t i = k; i < sweep.axes.size(); ++i) inner.push_back(sweep.axes[i].variable);
  for (const Sweep::Row& row : sweep.rows) emit_.hoist(row.body, inner);
  for (const Sweep::Sum& sum : sweep.sums) emit_.hoist(sum.body, inner);
  if (k == sweep.axes.size()) return step(sweep, accumulators, nullptr);
  if (k + 1 == sweep.axes.size() && !plan_.across) return inner_loop(sweep, accumulators);
  emit_.for_loop(emit_.constant(0), emit_.dim(sweep.axes[k].extent), 1, [&](Value* index) {
    emit_.bind(sweep.axes[k].variable, index);
    outer_loops(sweep, k + 1, accumulators);
  });
}

/// Whole vectors, then one that overlaps them, of which only the new lanes are counted; where
/// operands are overwritten, that one comes first and is stored last. A row shorter than a vector
/// goes one by one.
void StageEmitter::inner_loop(const Sweep& sweep, const Accumulators& accumulators) {
  llvm::IRBuilder<>& ir = emit_.ir();
  const Axis& axis = sweep.axes.back();
  const int lanes = sweep.lanes;
  Value* extent = emit_.dim(axis.extent);
  const auto singles = [&] {
    emit_.for_loop(emit_.constant(0), extent, 1, [&](Value* i) {
      emit_.bind(axis.variable, i);
      step(sweep, accumulators, nullptr);
    });
  };
  if (lanes == 1) return singles();
  const auto vector_at = [&](Value* base, Value* counted) {
    emit_.bind_lanes(axis.variable, base, lanes);
    step(sweep, accumulators, counted);
  };
  Value* rest = ir.CreateAnd(extent, emit_.constant(lanes - 1));
  const auto whole_vectors = [&] {
    emit_.for_loop(emit_.constant(0), ir.CreateSub(extent, rest), lanes,
                   [&](Value* base) { vector_at(base, nullptr); });
  };
  const auto last_vector = [&] {
    vector_at(ir.CreateSub(extent, emit_.constant(lanes)), new_lanes(rest, lanes));
  };
  const auto vectors = [&] {
    if (!emit_.overwrites()) {
      whole_vectors();
      emit_.if_then(ir.CreateICmpNE(rest, emit_.constant(0)), last_vector);
      return;
    }
    emit_.if_then(
        ir.CreateICmpNE(rest, emit_.constant(0)),
        [&] {
          std::function<void()> store_last;
          emit_.scope([&] { store_last = emit_.without_stores(last_vector); });
          whole_vectors();
          store_last();
        },
        whole_vectors);
  };
  emit_.if_then(ir.CreateICmpSGE(extent, emit_.constant(lanes)), vectors, singles);
}

/// The last `rest` of the lanes.
Value* StageEmitter::new_lanes(Value* rest, int lanes) {
  llvm::IRBuilder<>& ir = emit_.ir();
  llvm::SmallVector<llvm::Constant*> numbers;
  for (int k = 0; k < lanes; ++k) numbers.push_back(ir.getInt32(static_cast<uint32_t>(k)));
  Value* first = ir.CreateTrunc(ir.CreateSub(emit_.constant(lanes), rest), ir.getInt32Ty());
  Value* bound = ir.CreateVectorSplat(static_cast<unsigned>(lanes), first);
  return ir.CreateICmpSGE(llvm::ConstantVector::get(numbers), bound);
}

/// One element of the row, or lanes() of them.
void StageEmitter::step(const Sweep& sweep, const Accumulators& accumulators, Value* counted) {
  for (const Sweep::Row& row : sweep.rows) {
    Value* value = emit_.emit_lanes(row.body);
    if (is_kept(row.stage)) emit_.store(buffer_of(row.stage), plan_.place(sweep.axes), value);
    if (row.offset) store_output(row.stage, *row.offset, value);
    emit_.replace_loads(buffer_of(row.stage), [value](const Expr&) { return value; });
  }
  for (const Accumulator& a : accumulators) accumulate(a, counted);
}

void StageEmitter::accumulate(const Accumulator& a, Value* counted) {
  llvm::IRBuilder<>& ir = emit_.ir();
  Arith arith{ir, emit_.target()};
  const ReduceOp op = a.sum->node->reduce;
  const DType type = a.sum->node.dtype();
  Value* x = emit_.emit_lanes(a.sum->body);
  if (counted != nullptr) x = ir.CreateSelect(counted, x, arith.identity(op, type, emit_.lanes()));
  const bool single = emit_.lanes() == 1;
  llvm::Type* register_type = single ? a.scalar_type : a.vector_type;
  Value* place = single ? a.scalar : a.vector;
  ir.CreateStore(arith.combine(op, type, ir.CreateLoad(register_type, place), x), place);
}

}  // namespace dlc::llvm_backend
