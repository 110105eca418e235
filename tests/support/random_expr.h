// Random tensor expressions with operands and known error bounds, for property tests.
// Next: random_expr.cpp; unit/expr/simplify_property_test.cpp, unit/llvm/property_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "compiler/expr/expr.h"
#include "compiler/expr/interpret.h"
#include "runtime/tensor.h"

namespace dlc::testing {

struct RandomOptions {
  /// Element types of operands and results.
  std::vector<DType> types = {DType::f32, DType::f64, DType::f16,    DType::bf16, DType::i64,
                              DType::i32, DType::i16, DType::i8,     DType::u8,   DType::u16,
                              DType::u32, DType::u64, DType::boolean};
  bool symbolic = true;  ///< some extents are symbols
  bool reductions = true;
  int depth = 4;  ///< of operations
};

/// Outputs with the same axes extents over the operands, as a LoopKernel has them.
struct RandomCase {
  uint64_t seed = 0;
  std::vector<Type> types;  ///< of the operands
  std::vector<Tensor> operands;
  std::vector<TensorExpr> outputs;
  /// How far an element may be off when it is computed in its own type; 0: not at all.
  std::vector<double> tolerances;
  SymbolValues symbols;
};

/// The same case for the same seed and options, on every machine.
RandomCase random_case(uint64_t seed, const RandomOptions& options = {});
/// Seed, operands, symbols and formulas, for messages.
std::string to_string(const RandomCase& c);
/// Empty, or what differs: the first element that is further off than `tolerance`.
std::string difference(const Tensor& actual, const Tensor& expected, double tolerance);

}  // namespace dlc::testing
