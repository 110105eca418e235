// Kernels: what lowering hands to a backend. A kernel is at most one anchor (a contraction) and the
// pointwise and index-moving work around it.
// Next: compiler/lower/partition.h (how graphs become kernels), compiler/backends/llvm/jit.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/expr/expr.h"
#include "compiler/ir/graph.h"
#include "compiler/ops/op_def.h"
#include "runtime/program.h"

namespace dlc {

/// What all kernels have. load(k) in their expressions reads operand k. A kernel's buffers are its
/// operands, then its outputs, dense, their types' axes in the order in memory.
struct KernelBase {
  std::string name;  ///< e.g. "Conv+Relu"
  Origins origins;
  std::vector<Type> operands;
};

/// A loop nest: each output element by its formula. All outputs have the same axes extents.
struct LoopKernel : KernelBase {
  std::vector<TensorExpr> outputs;
};

/// Stages in order, done for one outer point after the other. A stage makes one value for the point
/// or, with row axes, a row of values; later ones read it from scratch, at the same point only.
struct StagedKernel : KernelBase {
  struct Stage {
    std::vector<Axis> row;
    /// Over outer and row variables; load_flat(stage_load(s), ..., position) reads stage s.
    Expr body;
    int output = -1;  ///< the output that gets it, at index `at`; -1: none
    Indices at;
  };
  std::vector<Axis> outer;
  std::vector<Stage> stages;
  std::vector<Type> outputs;
  static constexpr int stage_load(int stage) { return -3 - stage; }
};

/// C[batch..., m, n] = sum over k of A[batch..., m, k] * B[batch..., k, n], then the epilogue.
/// The sum is accumulated in arithmetic type `accumulator` (f32, f64, i32). An element of the
/// outputs is made of `gates` columns of C, as gates of LSTMs and gated linear units are: column u
/// of columns u, u + n / gates, ...
struct MatmulKernel : KernelBase {
  DType accumulator = DType::f32;
  /// Elements of A and B over the operands, of the accumulator's type: plain (affine) loads in most
  /// cases, which are then read in place; anything else is evaluated while packing.
  TensorExpr a, b;
  int gates = 1;
  /// Over one set of axes, [batch..., m, n / gates] in their order in memory; in their bodies,
  /// load(accumulated, {batch..., m, u + j * n / gates}) is a sum.
  std::vector<TensorExpr> outputs;
  /// Operands with a known value (null: none): those that only A or only B reads are packed once.
  std::vector<const Tensor*> constants;
  static constexpr int accumulated = -2;
};

/// Scores[batch..., m, n] = sum over depth of query * key, then stages along n, then
/// Y[batch..., m, c] = sum over n of weights * value and the epilogue, all for some m at a time.
struct AttentionKernel : KernelBase {
  /// Outer axes: batches, and the queries last. Stage 0 makes the scores from the sums (loads of
  /// MatmulKernel::accumulated); no stage is an output, the only output is Y.
  StagedKernel stages;
  int weights = 0;  ///< the stage that is the second product's A
  Axis depth, keys, columns;
  Expr query, key, value;  ///< over batches and queries, depth | keys, depth | keys, columns
  /// Element `at` of Y; in it, load(accumulated, ...) is the sum, and single stages can be read.
  Expr output;
  Indices at;
};

/// Y[n, spatial..., m] = sum over c, kernel of X[n, ..., c] * W[m, c, kernel...], then the
/// epilogue.
struct ConvolutionKernel : KernelBase {
  TensorExpr x;            ///< [n, spatial..., c] over the operands
  TensorExpr w;            ///< [m, c / group, kernel...]
  Contraction parameters;  ///< strides, dilations, pads, group
  /// As in MatmulKernel, where the sum is load(accumulated, {n, spatial..., m}); the axes in their
  /// order in memory: also [n, spatial..., m], or with `row_major` [n, m, spatial...].
  TensorExpr output;
  bool row_major = false;
  bool winograd = false;  ///< may be computed by Winograd's algorithm
  std::vector<const Tensor*> constants;
};

/// One input channel and one output channel a group.
inline bool is_depthwise(const ConvolutionKernel& kernel) {
  const Dims w = kernel.w.shape();
  return w[1] == Dim(1) && w[0] == Dim(kernel.parameters.group) && kernel.parameters.group > 1;
}

using Kernel =
    std::variant<LoopKernel, MatmulKernel, ConvolutionKernel, StagedKernel, AttentionKernel>;
inline const KernelBase& base(const Kernel& kernel) {
  return std::visit([](const auto& k) -> const KernelBase& { return k; }, kernel);
}

/// Makes the packed form of a constant operand. It replaces the operand's buffer.
struct Packing {
  int operand;
  std::function<Tensor(const Tensor&)> pack;
};

/// Buffers, by number, that may be the same memory.
struct InPlace {
  int operand, output;
};

/// A kernel as machine code.
struct CompiledKernel {
  KernelFunction function = nullptr;
  std::vector<Dim> params;           ///< whose values the code wants, in order
  Dim items = 1;                     ///< length of the parallel loop
  Dim item_cost = 1;                 ///< about how many scalar operations one item takes
  std::optional<Dim> scratch_bytes;  ///< per thread
  std::vector<Packing> packings;
  std::vector<InPlace> in_place;  ///< what the code allows; otherwise no output overlaps anything
  std::string schedule;           ///< one line for people: "parallel n,c; vector w x8"
  std::string loops;              ///< the loop nest in text
  /// The condition that did not hold for the faster kernel that such kernels mostly get; for
  /// people.
  std::string_view missed;
};

}  // namespace dlc
