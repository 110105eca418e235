// Dot products: instructions that multiply groups of narrow elements and add them up in a wider
// one. Next: tile.h, matmul.cpp.
#pragma once

#include <optional>

#include "compiler/backends/llvm/arith.h"

namespace dlc::llvm_backend {

/// A step of a tile along k takes `group` elements of A and of B, which lie side by side and are as
/// wide as the sum that they are added to.
struct Dot {
  DType a, b;
  int group;
  bool native;  ///< one instruction
};

/// u8 * i8 in i32 (on any machine, exact), bf16 * bf16 in f32 (where there is an instruction: sums
/// are rounded as usual, denormals count as 0).
std::optional<Dot> dot_product(DType a, DType b, DType sum, const TargetInfo& target);

/// sum + the products of groups, which `a` and `b` hold as i32, one in each lane.
Value* emit_dot(llvm::IRBuilder<>& ir, const Dot& dot, Value* sum, Value* a, Value* b);

}  // namespace dlc::llvm_backend
