// Operations on emitted values, scalars and vectors alike: arithmetic, functions, conversions.
// Sources: arith.cpp (integers, comparisons), math.cpp (functions of floats), convert.cpp (types).
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "compiler/backends/llvm/jit.h"
#include "compiler/expr/expr.h"

namespace dlc::llvm_backend {

using llvm::Value;

/// How values of a type are held in registers: bool as i1, narrow floats as their bits.
llvm::Type* value_type(llvm::LLVMContext& context, DType type);
llvm::Type* memory_type(llvm::LLVMContext& context, DType type);  ///< bool: i8
/// `scalar`, or a vector of it for lanes > 1.
llvm::Type* with_lanes(llvm::Type* scalar, int lanes);
int lanes_of(const Value* value);
bool has_machine_type(DType type);

/// Values of the language's operations (compiler/expr/expr.h says what they mean). Operands of one
/// width.
struct Arith {
  llvm::IRBuilder<>& ir;
  const TargetInfo& target;

  Value* constant(DType type, double value, int lanes = 1);
  Value* constant_integer(DType type, int64_t value, int lanes = 1);
  Value* unary(UnaryOp op, DType type, Value* x);
  Value* binary(BinaryOp op, DType type, Value* a, Value* b);  ///< `type`: of the operands
  /// fits: of a float that becomes an integer it is known that i32 holds it, or that it is NaN.
  Value* convert(DType from, DType to, Value* x, bool fits = false);

  // reductions
  Value* identity(ReduceOp op, DType type, int lanes);
  Value* combine(ReduceOp op, DType type, Value* accumulated, Value* x);
  /// All lanes combined.
  Value* across(ReduceOp op, DType type, Value* x);

  Value* maximum(DType type, Value* a, Value* b);
  Value* minimum(DType type, Value* a, Value* b);

  /// A function of libm, by the vector math library where it has it.
  Value* call(const char* name, DType type, std::initializer_list<Value*> args);
};

}  // namespace dlc::llvm_backend
