// Integer and float arithmetic, comparisons and the combining steps of reductions.
// Next: math.cpp (functions of floats), convert.cpp (types).
#include "compiler/backends/llvm/arith.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <cmath>
#include <limits>

namespace dlc::llvm_backend {
namespace {

using llvm::Intrinsic::ID;

Value* float_extreme(llvm::IRBuilder<>& ir, ID maximum_or_minimum, Value* a, Value* b) {
  auto* result =
      llvm::cast<llvm::Instruction>(ir.CreateIntrinsic(maximum_or_minimum, {a->getType()}, {a, b}));
  result->setHasNoSignedZeros(true);
  return result;
}

bool is_unsigned(DType type) { return !is_signed(type); }

/// x / 0 = 0 and lowest / -1 = lowest, so neither may reach the division instruction.
struct SafeDivision {
  Value *zero, *minus_one, *divisor;
};

SafeDivision guard_division(llvm::IRBuilder<>& ir, DType type, Value* b) {
  llvm::Type* t = b->getType();
  SafeDivision safe;
  safe.zero = ir.CreateICmpEQ(b, llvm::Constant::getNullValue(t));
  safe.minus_one = is_unsigned(type) ? llvm::ConstantInt::getFalse(safe.zero->getType())
                                     : ir.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(t));
  Value* bad = is_unsigned(type) ? safe.zero : ir.CreateOr(safe.zero, safe.minus_one);
  safe.divisor = ir.CreateSelect(bad, llvm::ConstantInt::get(t, 1), b);
  return safe;
}

Value* divide(llvm::IRBuilder<>& ir, DType type, Value* a, Value* b) {
  const SafeDivision safe = guard_division(ir, type, b);
  Value* zero = llvm::Constant::getNullValue(a->getType());
  if (is_unsigned(type)) return ir.CreateSelect(safe.zero, zero, ir.CreateUDiv(a, safe.divisor));
  Value* quotient = ir.CreateSDiv(a, safe.divisor);
  quotient = ir.CreateSelect(safe.minus_one, ir.CreateNeg(a), quotient);
  return ir.CreateSelect(safe.zero, zero, quotient);
}

Value* remainder(llvm::IRBuilder<>& ir, DType type, Value* a, Value* b) {
  const SafeDivision safe = guard_division(ir, type, b);  // x % 1 = 0 is right for 0 and -1
  return is_unsigned(type) ? ir.CreateURem(a, safe.divisor) : ir.CreateSRem(a, safe.divisor);
}

/// A positive power of two in all lanes: its logarithm, else -1.
int log2_of(const Value* b) {
  const auto* c = llvm::dyn_cast<llvm::Constant>(b);
  if (c == nullptr) return -1;
  const auto* number = llvm::dyn_cast_or_null<llvm::ConstantInt>(
      c->getType()->isVectorTy() ? c->getSplatValue() : c);
  if (number == nullptr || number->getSExtValue() <= 0) return -1;
  return number->getValue().isPowerOf2() ? static_cast<int>(number->getValue().logBase2()) : -1;
}

/// r != 0 and r and b differ in sign: where floored and truncated division differ.
Value* needs_floor(llvm::IRBuilder<>& ir, Value* r, Value* b) {
  Value* zero = llvm::Constant::getNullValue(r->getType());
  return ir.CreateAnd(ir.CreateICmpNE(r, zero), ir.CreateICmpSLT(ir.CreateXor(r, b), zero));
}

Value* floor_div_integer(llvm::IRBuilder<>& ir, DType type, Value* a, Value* b) {
  if (is_unsigned(type)) return divide(ir, type, a, b);
  if (const int shift = log2_of(b); shift >= 0) return ir.CreateAShr(a, shift);
  Value* fix = needs_floor(ir, remainder(ir, type, a, b), b);
  return ir.CreateAdd(divide(ir, type, a, b), ir.CreateSExt(fix, a->getType()));
}

Value* floor_mod_integer(llvm::IRBuilder<>& ir, DType type, Value* a, Value* b) {
  if (is_unsigned(type)) return remainder(ir, type, a, b);
  if (log2_of(b) >= 0)
    return ir.CreateAnd(a, ir.CreateSub(b, llvm::ConstantInt::get(b->getType(), 1)));
  Value* r = remainder(ir, type, a, b);
  return ir.CreateAdd(
      r, ir.CreateSelect(needs_floor(ir, r, b), b, llvm::Constant::getNullValue(r->getType())));
}

Value* shift(llvm::IRBuilder<>& ir, BinaryOp op, DType type, Value* a, Value* b) {
  llvm::Type* t = a->getType();
  Value* in_range = ir.CreateICmpULT(b, llvm::ConstantInt::get(t, bits(type)));
  Value* amount = ir.CreateSelect(in_range, b, llvm::Constant::getNullValue(t));
  Value* shifted = op == BinaryOp::shift_left ? ir.CreateShl(a, amount)
                   : is_unsigned(type)        ? ir.CreateLShr(a, amount)
                                              : ir.CreateAShr(a, amount);
  return ir.CreateSelect(in_range, shifted, llvm::Constant::getNullValue(t));
}

/// Squaring and multiplying through all bits of the exponent: no branches, so that lanes can
/// differ.
Value* integer_power(llvm::IRBuilder<>& ir, DType type, Value* a, Value* b) {
  llvm::Type* t = a->getType();
  Value *one = llvm::ConstantInt::get(t, 1), *zero = llvm::Constant::getNullValue(t);
  Value *result = one, *square = a;
  for (int bit = 0; bit < bits(type); ++bit) {
    Value* set = ir.CreateICmpNE(ir.CreateAnd(ir.CreateLShr(b, bit), one), zero);
    result = ir.CreateSelect(set, ir.CreateMul(result, square), result);
    square = ir.CreateMul(square, square);
  }
  if (is_unsigned(type)) return result;
  Value* odd = ir.CreateICmpNE(ir.CreateAnd(b, one), zero);
  Value* minus_one = llvm::Constant::getAllOnesValue(t);
  Value* inverse = ir.CreateSelect(ir.CreateICmpEQ(a, one), one, zero);
  inverse =
      ir.CreateSelect(ir.CreateICmpEQ(a, minus_one), ir.CreateSelect(odd, minus_one, one), inverse);
  return ir.CreateSelect(ir.CreateICmpSLT(b, zero), inverse, result);
}

Value* integer_binary(Arith& arith, BinaryOp op, DType type, Value* a, Value* b) {
  llvm::IRBuilder<>& ir = arith.ir;
  const bool u = is_unsigned(type) || type == DType::boolean;
  switch (op) {
    case BinaryOp::add:
      return ir.CreateAdd(a, b);
    case BinaryOp::subtract:
      return ir.CreateSub(a, b);
    case BinaryOp::multiply:
      return ir.CreateMul(a, b);
    case BinaryOp::divide:
      return divide(ir, type, a, b);
    case BinaryOp::floor_div:
      return floor_div_integer(ir, type, a, b);
    case BinaryOp::floor_mod:
      return floor_mod_integer(ir, type, a, b);
    case BinaryOp::truncated_mod:
      return remainder(ir, type, a, b);
    case BinaryOp::power:
      return integer_power(ir, type, a, b);
    case BinaryOp::minimum:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umin : llvm::Intrinsic::smin, a, b);
    case BinaryOp::maximum:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umax : llvm::Intrinsic::smax, a, b);
    case BinaryOp::logical_and:
    case BinaryOp::bit_and:
      return ir.CreateAnd(a, b);
    case BinaryOp::logical_or:
    case BinaryOp::bit_or:
      return ir.CreateOr(a, b);
    case BinaryOp::logical_xor:
    case BinaryOp::bit_xor:
      return ir.CreateXor(a, b);
    case BinaryOp::shift_left:
    case BinaryOp::shift_right:
      return shift(ir, op, type, a, b);
    case BinaryOp::equal:
      return ir.CreateICmpEQ(a, b);
    case BinaryOp::not_equal:
      return ir.CreateICmpNE(a, b);
    case BinaryOp::less:
      return u ? ir.CreateICmpULT(a, b) : ir.CreateICmpSLT(a, b);
    case BinaryOp::less_equal:
      return u ? ir.CreateICmpULE(a, b) : ir.CreateICmpSLE(a, b);
    case BinaryOp::greater:
      return u ? ir.CreateICmpUGT(a, b) : ir.CreateICmpSGT(a, b);
    case BinaryOp::greater_equal:
      return u ? ir.CreateICmpUGE(a, b) : ir.CreateICmpSGE(a, b);
    case BinaryOp::atan2:
      break;
  }
  return a;
}

/// pow(x, 2) and the like are products; anything else is libm's.
Value* float_power(Arith& arith, DType type, Value* a, Value* b) {
  const auto* c = llvm::dyn_cast<llvm::Constant>(b);
  const auto* exponent = c == nullptr ? nullptr
                                      : llvm::dyn_cast_or_null<llvm::ConstantFP>(
                                            c->getType()->isVectorTy() ? c->getSplatValue() : c);
  if (exponent != nullptr) {
    Value* square = arith.ir.CreateFMul(a, a);
    if (exponent->isExactlyValue(2.0)) return square;
    if (exponent->isExactlyValue(3.0)) return arith.ir.CreateFMul(square, a);
    if (exponent->isExactlyValue(-1.0))
      return arith.ir.CreateFDiv(arith.constant(type, 1, lanes_of(a)), a);
  }
  return arith.call("pow", type, {a, b});
}

Value* float_binary(Arith& arith, BinaryOp op, DType type, Value* a, Value* b) {
  llvm::IRBuilder<>& ir = arith.ir;
  switch (op) {
    case BinaryOp::add:
      return ir.CreateFAdd(a, b);
    case BinaryOp::subtract:
      return ir.CreateFSub(a, b);
    case BinaryOp::multiply:
      return ir.CreateFMul(a, b);
    case BinaryOp::divide:
      return ir.CreateFDiv(a, b);
    case BinaryOp::floor_div:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::floor, ir.CreateFDiv(a, b));
    case BinaryOp::floor_mod: {
      Value* r = arith.call("fmod", type, {a, b});
      Value* zero = arith.constant(type, 0, lanes_of(a));
      Value* fix = ir.CreateAnd(ir.CreateFCmpUNE(r, zero),
                                ir.CreateXor(ir.CreateFCmpOLT(r, zero), ir.CreateFCmpOLT(b, zero)));
      Value* signed_zero = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, zero, b);
      r = ir.CreateSelect(ir.CreateFCmpOEQ(r, zero), signed_zero, r);
      return ir.CreateSelect(fix, ir.CreateFAdd(r, b), r);
    }
    case BinaryOp::truncated_mod:
      return arith.call("fmod", type, {a, b});
    case BinaryOp::power:
      return float_power(arith, type, a, b);
    case BinaryOp::minimum:
      return arith.minimum(type, a, b);
    case BinaryOp::maximum:
      return arith.maximum(type, a, b);
    case BinaryOp::atan2:
      return arith.call("atan2", type, {a, b});
    case BinaryOp::equal:
      return ir.CreateFCmpOEQ(a, b);
    case BinaryOp::not_equal:
      return ir.CreateFCmpUNE(a, b);
    case BinaryOp::less:
      return ir.CreateFCmpOLT(a, b);
    case BinaryOp::less_equal:
      return ir.CreateFCmpOLE(a, b);
    case BinaryOp::greater:
      return ir.CreateFCmpOGT(a, b);
    case BinaryOp::greater_equal:
      return ir.CreateFCmpOGE(a, b);
    default:
      return a;
  }
}

}  // namespace

llvm::Type* value_type(llvm::LLVMContext& context, DType type) {
  if (type == DType::boolean) return llvm::Type::getInt1Ty(context);
  return memory_type(context, type);
}

llvm::Type* memory_type(llvm::LLVMContext& context, DType type) {
  if (type == DType::f32) return llvm::Type::getFloatTy(context);
  if (type == DType::f64) return llvm::Type::getDoubleTy(context);
  return llvm::Type::getIntNTy(context, static_cast<unsigned>(bits(type)));
}

llvm::Type* with_lanes(llvm::Type* scalar, int lanes) {
  if (lanes == 1) return scalar;
  return llvm::FixedVectorType::get(scalar, static_cast<unsigned>(lanes));
}

int lanes_of(const Value* value) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  return vector == nullptr ? 1 : static_cast<int>(vector->getNumElements());
}

bool has_machine_type(DType type) { return bits(type) >= 8; }

Value* Arith::constant(DType type, double value, int lanes) {
  llvm::Type* scalar = value_type(ir.getContext(), type);
  if (!scalar->isFloatingPointTy())
    return constant_integer(type, static_cast<int64_t>(value), lanes);
  return llvm::ConstantFP::get(with_lanes(scalar, lanes), value);
}

Value* Arith::constant_integer(DType type, int64_t value, int lanes) {
  llvm::Type* scalar = value_type(ir.getContext(), type);
  const llvm::APInt bits(64, static_cast<uint64_t>(value));
  return llvm::ConstantInt::get(with_lanes(scalar, lanes),
                                bits.sextOrTrunc(scalar->getIntegerBitWidth()));
}

Value* Arith::binary(BinaryOp op, DType type, Value* a, Value* b) {
  if (type == DType::f32 || type == DType::f64) return float_binary(*this, op, type, a, b);
  return integer_binary(*this, op, type, a, b);
}

// LLVM's maximum gives NaN if either is. Without a promise about the sign of zero it is one
// instruction when one side is a number for sure, three otherwise.
Value* Arith::maximum(DType type, Value* a, Value* b) {
  if (type != DType::f32 && type != DType::f64)
    return integer_binary(*this, BinaryOp::maximum, type, a, b);
  return float_extreme(ir, llvm::Intrinsic::maximum, a, b);
}

Value* Arith::minimum(DType type, Value* a, Value* b) {
  if (type != DType::f32 && type != DType::f64)
    return integer_binary(*this, BinaryOp::minimum, type, a, b);
  return float_extreme(ir, llvm::Intrinsic::minimum, a, b);
}

Value* Arith::identity(ReduceOp op, DType type, int lanes) {
  const bool real = type == DType::f32 || type == DType::f64;
  const double infinity = std::numeric_limits<double>::infinity();
  switch (op) {
    case ReduceOp::product:
    case ReduceOp::all:
      return constant(type, 1, lanes);
    case ReduceOp::minimum:
      if (real) return constant(type, infinity, lanes);
      if (type == DType::boolean) return constant(type, 1, lanes);
      return constant_integer(
          type, is_signed(type) ? static_cast<int64_t>(~uint64_t{0} >> (65 - bits(type))) : -1,
          lanes);
    case ReduceOp::maximum:
      if (real) return constant(type, -infinity, lanes);
      if (type == DType::boolean || !is_signed(type)) return constant(type, 0, lanes);
      return constant_integer(type, static_cast<int64_t>(~uint64_t{0} << (bits(type) - 1)), lanes);
    default:
      return constant(type, 0, lanes);
  }
}

Value* Arith::combine(ReduceOp op, DType type, Value* accumulated, Value* x) {
  switch (op) {
    case ReduceOp::sum:
      if (type == DType::boolean) return ir.CreateXor(accumulated, x);
      return binary(BinaryOp::add, type, accumulated, x);
    case ReduceOp::product:
      return binary(BinaryOp::multiply, type, accumulated, x);
    case ReduceOp::minimum:
      return minimum(type, x, accumulated);
    case ReduceOp::maximum:
      return maximum(type, x, accumulated);
    case ReduceOp::any:
      return ir.CreateOr(accumulated, x);
    default:
      return ir.CreateAnd(accumulated, x);
  }
}

Value* Arith::across(ReduceOp op, DType type, Value* x) {
  for (int lanes = lanes_of(x); lanes > 1; lanes /= 2) {
    llvm::SmallVector<int> low, high;
    for (int k = 0; k < lanes / 2; ++k) {
      low.push_back(k);
      high.push_back(k + lanes / 2);
    }
    if (lanes == 2) {
      x = combine(op, type, ir.CreateExtractElement(x, uint64_t{0}),
                  ir.CreateExtractElement(x, uint64_t{1}));
    } else {
      x = combine(op, type, ir.CreateShuffleVector(x, low), ir.CreateShuffleVector(x, high));
    }
  }
  return x;
}

}  // namespace dlc::llvm_backend
