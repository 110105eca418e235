// Staged kernels: for each outer point, the sweeps over its rows (compiler/lower/sweeps.h), rows in
// scratch and single values in registers between them.
// Next: jit.cpp.
#include <unordered_map>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/emit.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/lower/sweeps.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t row_alignment = 64;

class StagedEmitter {
 public:
  StagedEmitter(const StagedKernel& kernel, const TargetInfo& target, llvm::Module& module,
                const std::string& symbol)
      : kernel_(kernel),
        plan_(plan_sweeps(kernel, target.vector_bits)),
        emit_(module, symbol, target,
              {plan_.buffers.begin(), plan_.buffers.begin() + plan_.first_stage}) {
    place_rows();
  }

  CompiledKernel run() {
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) {
      emit_.bind_item(kernel_.outer, item);
      scalars_after(0);
      for (size_t k = 0; k < plan_.sweeps.size(); ++k) {
        emit_sweep(plan_.sweeps[k]);
        scalars_after(k + 1);
      }
    });
    emit_.finish();
    CompiledKernel code;
    code.params = emit_.params();
    code.items = plan_.items;
    code.item_cost = plan_.item_cost;
    if (!(scratch_bytes_ == Dim(0))) code.scratch_bytes = scratch_bytes_;
    code.schedule = plan_.summary;
    code.loops = plan_.text;
    return code;
  }

 private:
  /// Accumulators of one reduction: whole vectors, and single values for rows shorter than one.
  struct Accumulator {
    const Sweep::Sum* sum;
    llvm::Type *vector_type, *scalar_type;
    Value *vector, *scalar;
  };

  void place_rows() {
    std::vector<bool> kept(kernel_.stages.size(), false);
    for (const Sweep& sweep : plan_.sweeps)
      for (const Sweep::Row& row : sweep.rows) kept[row.stage] = row.kept;
    for (size_t s = 0; s < kernel_.stages.size(); ++s) {
      const Type& type = plan_.buffers[plan_.first_stage + s];
      Value* place = emit_.scratch();
      if (kept[s]) {
        place = emit_.ir().CreateGEP(emit_.ir().getInt8Ty(), place, emit_.dim(scratch_bytes_));
        const Dim bytes = type.shape[0] * Dim(byte_size(type.dtype, 1));
        scratch_bytes_ = scratch_bytes_ + ceil_div(bytes, row_alignment) * Dim(row_alignment);
      }
      emit_.add_buffer(type, place);
    }
  }

  int buffer_of(int stage) const { return plan_.first_stage + stage; }

  void store_output(int stage, const Expr& offset, Value* value) {
    const int output = kernel_.stages[stage].output;
    emit_.store(static_cast<int>(kernel_.operands.size()) + output, linear(offset), value);
  }

  void scalars_after(size_t sweeps) {
    for (const SweepPlan::Scalar& scalar : plan_.scalars) {
      if (scalar.after != sweeps) continue;
      Value* value = emit_.emit(scalar.body);
      emit_.replace_loads(buffer_of(scalar.stage), [value](const Expr&) { return value; });
      const StagedKernel::Stage& stage = kernel_.stages[scalar.stage];
      if (stage.output < 0) continue;
      const Dims& shape = kernel_.outputs[stage.output].shape;
      store_output(scalar.stage, flatten_index(stage.at, shape), value);
    }
  }

  // --- sweeps

  void emit_sweep(const Sweep& sweep) {
    std::vector<Accumulator> accumulators;
    for (const Sweep::Sum& sum : sweep.sums) accumulators.push_back(make_accumulator(sum, sweep));
    emit_.scope([&] { outer_loops(sweep, 0, accumulators); });
    for (const Sweep::Row& row : sweep.rows) emit_.keep_loads(buffer_of(row.stage));
    for (const Accumulator& a : accumulators) emit_.assume(a.sum->node, total(a));
  }

  Accumulator make_accumulator(const Sweep::Sum& sum, const Sweep& sweep) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Arith arith{ir, emit_.target()};
    Accumulator a{&sum, nullptr, value_type(ir.getContext(), sum.node.dtype()), nullptr, nullptr};
    a.vector_type = with_lanes(a.scalar_type, sweep.lanes);
    a.scalar = emit_.local(a.scalar_type);
    ir.CreateStore(arith.identity(sum.node->reduce, sum.node.dtype(), 1), a.scalar);
    if (sweep.lanes == 1) return a;
    a.vector = emit_.local(a.vector_type);
    ir.CreateStore(arith.identity(sum.node->reduce, sum.node.dtype(), sweep.lanes), a.vector);
    return a;
  }

  Value* total(const Accumulator& a) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Arith arith{ir, emit_.target()};
    const ReduceOp op = a.sum->node->reduce;
    const DType type = a.sum->node.dtype();
    Value* scalar = ir.CreateLoad(a.scalar_type, a.scalar);
    if (a.vector == nullptr) return scalar;
    Value* lanes = arith.across(op, type, ir.CreateLoad(a.vector_type, a.vector));
    return arith.combine(op, type, lanes, scalar);
  }

  void outer_loops(const Sweep& sweep, size_t k, const std::vector<Accumulator>& accumulators) {
    std::vector<Variable> inner;
    for (size_t i = k; i < sweep.axes.size(); ++i) inner.push_back(sweep.axes[i].variable);
    for (const Sweep::Row& row : sweep.rows) emit_.hoist(row.body, inner);
    for (const Sweep::Sum& sum : sweep.sums) emit_.hoist(sum.body, inner);
    if (k + 1 == sweep.axes.size()) return inner_loop(sweep, accumulators);
    emit_.for_loop(emit_.constant(0), emit_.dim(sweep.axes[k].extent), 1, [&](Value* index) {
      emit_.bind(sweep.axes[k].variable, index);
      outer_loops(sweep, k + 1, accumulators);
    });
  }

  /// Whole vectors, then one that overlaps them, of which only the new lanes are counted. A row
  /// shorter than a vector goes one by one.
  void inner_loop(const Sweep& sweep, const std::vector<Accumulator>& accumulators) {
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
    const auto vectors = [&] {
      emit_.for_loop(emit_.constant(0), ir.CreateSub(extent, rest), lanes,
                     [&](Value* base) { vector_at(base, nullptr); });
      emit_.if_then(ir.CreateICmpNE(rest, emit_.constant(0)), [&] {
        vector_at(ir.CreateSub(extent, emit_.constant(lanes)), new_lanes(rest, lanes));
      });
    };
    emit_.if_then(ir.CreateICmpSGE(extent, emit_.constant(lanes)), vectors, singles);
  }

  /// The last `rest` of the lanes.
  Value* new_lanes(Value* rest, int lanes) {
    llvm::IRBuilder<>& ir = emit_.ir();
    llvm::SmallVector<llvm::Constant*> numbers;
    for (int k = 0; k < lanes; ++k) numbers.push_back(ir.getInt32(static_cast<uint32_t>(k)));
    Value* first = ir.CreateTrunc(ir.CreateSub(emit_.constant(lanes), rest), ir.getInt32Ty());
    Value* bound = ir.CreateVectorSplat(static_cast<unsigned>(lanes), first);
    return ir.CreateICmpSGE(llvm::ConstantVector::get(numbers), bound);
  }

  /// One element of the row, or lanes() of them.
  void step(const Sweep& sweep, const std::vector<Accumulator>& accumulators, Value* counted) {
    for (const Sweep::Row& row : sweep.rows) {
      Value* value = emit_.emit_lanes(row.body);
      if (row.kept) emit_.store(buffer_of(row.stage), row_place(sweep), value);
      if (row.offset) store_output(row.stage, *row.offset, value);
      emit_.replace_loads(buffer_of(row.stage), [value](const Expr&) { return value; });
    }
    for (const Accumulator& a : accumulators) accumulate(a, counted);
  }

  void accumulate(const Accumulator& a, Value* counted) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Arith arith{ir, emit_.target()};
    const ReduceOp op = a.sum->node->reduce;
    const DType type = a.sum->node.dtype();
    Value* x = emit_.emit_lanes(a.sum->body);
    if (counted != nullptr)
      x = ir.CreateSelect(counted, x, arith.identity(op, type, emit_.lanes()));
    const bool single = emit_.lanes() == 1;
    llvm::Type* register_type = single ? a.scalar_type : a.vector_type;
    Value* place = single ? a.scalar : a.vector;
    ir.CreateStore(arith.combine(op, type, ir.CreateLoad(register_type, place), x), place);
  }

  static Linear row_place(const Sweep& sweep) {
    Linear place;
    Dim stride = 1;
    for (size_t k = sweep.axes.size(); k-- > 0;) {
      place.add_term(variable(sweep.axes[k].variable), stride);
      stride = stride * sweep.axes[k].extent;
    }
    return place;
  }

  const StagedKernel& kernel_;
  SweepPlan plan_;
  Emitter emit_;
  Dim scratch_bytes_ = 0;
};

}  // namespace

CompiledKernel emit_staged_kernel(const StagedKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol) {
  return StagedEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
