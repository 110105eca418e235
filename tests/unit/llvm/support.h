// Runs a formula as machine code and by the interpreter.
// Next: loops_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "compiler/backends/llvm/jit.h"
#include "compiler/expr/interpret.h"

namespace dlc::llvm_backend {

/// How operands are filled.
struct Fill {
  double low = -2, high = 2;
};

/// Reproducible values within `fill`, of any dtype.
Tensor random_tensor(DType dtype, const Shape& shape, Fill fill = {}, unsigned seed = 1);

struct Case {
  std::vector<Tensor> operands;
  std::vector<Type> types;  ///< of the operands; empty: those of the tensors
  std::vector<TensorExpr> outputs;
  SymbolValues symbols;
  double tolerance = 1e-5;  ///< relative to max(1, |expected|)
};

/// Compiles at every vector width that the machine has and compares with the interpreter. Items
/// run in two parts, as on two threads.
void expect_same(const Case& c);

/// Codes of the outputs for one width.
std::vector<Tensor> run_compiled(const Case& c, int vector_bits, std::string* assembly = nullptr);

}  // namespace dlc::llvm_backend
