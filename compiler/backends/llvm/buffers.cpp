// Buffers that may be the same memory: see buffers.h.
#include "compiler/backends/llvm/buffers.h"

#include <algorithm>

#include "compiler/lower/formulas.h"
#include "compiler/lower/in_place.h"

namespace dlc::llvm_backend {

std::vector<Type> buffers_of(const KernelBase& kernel, std::span<const TensorExpr> outputs) {
  std::vector<Type> types = kernel.operands;
  for (const TensorExpr& output : outputs) types.push_back(output.type());
  return types;
}

std::vector<InPlace> overwrite_operands(Emitter& emit, const KernelBase& kernel,
                                        std::span<const Expr> bodies, const Linear& position,
                                        std::span<const Expr> others) {
  std::vector<InPlace> result;
  for (size_t k = 0; k < bodies.size(); ++k) {
    const int output = static_cast<int>(kernel.operands.size() + k);
    for (const int operand :
         read_where_written(bodies, position, kernel.operands, emit.buffer_type(output))) {
      if (std::any_of(others.begin(), others.end(),
                      [&](const Expr& e) { return loads(e, operand); }))
        continue;
      emit.may_overwrite(operand);
      result.push_back({operand, output});
    }
  }
  return result;
}

}  // namespace dlc::llvm_backend
