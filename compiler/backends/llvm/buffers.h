// The buffers of a kernel's function: the operands, then the outputs. Which of them may be the same
// memory. Next: compiler/lower/in_place.h.
#pragma once

#include <span>
#include <vector>

#include "compiler/backends/llvm/emit.h"
#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

std::vector<Type> buffers_of(const KernelBase& kernel, std::span<const TensorExpr> outputs);

/// For a kernel that computes each element of its outputs once, but for overlapping vectors of
/// Emitter::lane_loop(): lets `emit` overwrite the operands that `bodies`, whose values are stored
/// at `position`, allow and that nothing else (`others`) reads.
std::vector<InPlace> overwrite_operands(Emitter& emit, const KernelBase& kernel,
                                        std::span<const Expr> bodies, const Linear& position,
                                        std::span<const Expr> others = {});

}  // namespace dlc::llvm_backend
