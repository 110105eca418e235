// What kernels of convolutions share: weights that can be packed ahead, and what follows the sums:
// the epilogue and the store, by image, pixel and channel. Next: convolution.cpp, depthwise.cpp,
// winograd.cpp.
#pragma once

#include "compiler/backends/llvm/buffers.h"
#include "compiler/backends/llvm/emit.h"
#include "compiler/expr/simplify.h"
#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

/// The expression with loads by row-major position, simplified.
Expr with_flat_operands(const Expr& e, const ConvolutionKernel& kernel, const Ranges& ranges);

/// Constant weights that no other part of the kernel reads, which can therefore be packed ahead.
class ConstantWeights {
 public:
  explicit ConstantWeights(const ConvolutionKernel& kernel);
  bool exist() const { return operand_ >= 0; }
  int operand() const { return operand_; }
  /// Makes the packing: `pack` gets W [m, c / group, taps...] in that order.
  Packing packing(std::function<Tensor(const float* w)> pack) const;

 private:
  TensorExpr w_;
  size_t operands_;
  int operand_ = -1;
};

/// To be emitted with `image`, `group`, `pixel` (of all spatial axes as one) and `channel` (within
/// the group) bound, the sum standing in for load(MatmulKernel::accumulated).
class ConvolutionOutput {
 public:
  explicit ConvolutionOutput(const ConvolutionKernel& kernel);

  const Variable image = fresh_variable(), group = fresh_variable(), pixel = fresh_variable(),
                 channel = fresh_variable();
  /// Stores one element, or lanes() of them.
  void store(Emitter& emit) const;
  /// For kernels that store each element once (see overwrite_operands()).
  std::vector<InPlace> write_in_place(Emitter& emit, const ConvolutionKernel& kernel) const;

 private:
  int number_;
  Expr value_;
  Linear offset_;
};

}  // namespace dlc::llvm_backend
