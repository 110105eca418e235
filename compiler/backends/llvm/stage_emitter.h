// StageEmitter: the stages of one outer point, or of several neighbours as lanes, within a kernel.
// Next: stage_emitter.cpp; staged_kernel.cpp and attention_kernel.cpp use it.
#pragma once

#include <set>

#include "compiler/backends/llvm/emit.h"
#include "compiler/lower/sweeps.h"

namespace dlc::llvm_backend {

/// The emitter's buffers must be the kernel's operands and outputs. With plan.across, the lanes of
/// that variable are bound around everything, and no stage is an output.
class StageEmitter {
 public:
  StageEmitter(Emitter& emit, const StagedKernel& kernel, const SweepPlan& plan)
      : emit_(emit), kernel_(kernel), plan_(plan) {}

  /// The stage's single value is put where loads of its buffer find it afterwards.
  void keep(int stage) { kept_.insert(stage); }
  Dim scratch_bytes() const;
  /// Says where scratch for rows is, and with `across` what its first lane is.
  void place(Value* scratch, Value* first_lane = nullptr);
  /// Runs `loop(step)` for the sweep instead of a loop over its rows: `step` does the elements at
  /// the bound variables, which may be done twice.
  using Loop = std::function<void(const std::function<void()>& step)>;
  void loop_with(size_t sweep, Loop loop) { loops_[sweep] = std::move(loop); }
  /// All stages, for the bound outer variables.
  void run();
  /// Where the stage's row begins.
  Value* row(int stage) const { return rows_.at(stage); }

 private:
  struct Accumulator;
  using Accumulators = std::vector<Accumulator>;

  int buffer_of(int stage) const { return plan_.first_stage + stage; }
  bool is_kept(int stage) const;
  Dim bytes_of(int stage) const;
  void store_output(int stage, const Expr& offset, Value* value);
  void emit_scalars(size_t sweeps_done);
  void emit_sweep(size_t number);
  Accumulator make_accumulator(const Sweep::Sum& sum, const Sweep& sweep);
  Value* total(const Accumulator& accumulator);
  void outer_loops(const Sweep& sweep, size_t k, const Accumulators& accumulators);
  void inner_loop(const Sweep& sweep, const Accumulators& accumulators);
  Value* new_lanes(Value* rest, int lanes);
  void step(const Sweep& sweep, const Accumulators& accumulators, Value* counted);
  void accumulate(const Accumulator& accumulator, Value* counted);

  Emitter& emit_;
  const StagedKernel& kernel_;
  const SweepPlan& plan_;
  std::set<int> kept_;
  std::map<int, Value*> rows_;
  std::map<size_t, Loop> loops_;
};

}  // namespace dlc::llvm_backend
