// Staged kernels: the stages of each outer point, in parallel over the points.
// Next: stage_emitter.h.
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/stage_emitter.h"
#include "compiler/lower/in_place.h"

namespace dlc::llvm_backend {

CompiledKernel emit_staged_kernel(const StagedKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol) {
  const SweepPlan plan = plan_sweeps(kernel, target.vector_bits);
  Emitter emit(module, symbol, target,
               {plan.buffers.begin(), plan.buffers.begin() + plan.first_stage});
  StageEmitter stages(emit, kernel, plan);
  stages.place(emit.scratch());
  CompiledKernel code;
  for (int output = 0; output < static_cast<int>(kernel.outputs.size()); ++output) {
    for (const int operand : read_where_written(kernel, plan, output)) {
      emit.may_overwrite(operand);
      code.in_place.push_back({operand, static_cast<int>(kernel.operands.size()) + output});
    }
  }
  emit.for_loop(emit.first_item(), emit.last_item(), 1, [&](Value* item) {
    emit.bind_item(kernel.outer, item);
    stages.run();
  });
  emit.finish();
  code.params = emit.params();
  code.items = plan.items;
  code.item_cost = plan.item_cost;
  if (!(stages.scratch_bytes() == Dim(0))) code.scratch_bytes = stages.scratch_bytes();
  code.schedule = plan.summary;
  code.loops = plan.text;
  return code;
}

}  // namespace dlc::llvm_backend
