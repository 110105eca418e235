// Conversions between element types. f16 by F16C where the target has it, else by integer
// operations; bf16 by integer operations; 8-bit floats by a table and a function of the runtime.
// Next: emit_expr.cpp.
#include <fmt/format.h>
#include <llvm/IR/Module.h>

#include <cmath>
#include <functional>
#include <vector>

#include "compiler/backends/llvm/arith.h"
#include "runtime/numeric.h"

namespace dlc::llvm_backend {
namespace {

bool is_real(DType type) { return type == DType::f32 || type == DType::f64; }
bool is_narrow(DType type) { return is_float(type) && !is_real(type); }

/// Integer formulas on one type, with numbers as operands.
struct Bits {
  llvm::IRBuilder<>& ir;
  llvm::Type* type;
  Value* number(uint64_t x) const { return llvm::ConstantInt::get(type, x); }
  Value* and_(Value* x, uint64_t y) const { return ir.CreateAnd(x, number(y)); }
  Value* add(Value* x, uint64_t y) const { return ir.CreateAdd(x, number(y)); }
  Value* shl(Value* x, uint64_t n) const { return ir.CreateShl(x, number(n)); }
  Value* shr(Value* x, uint64_t n) const { return ir.CreateLShr(x, number(n)); }
};

Bits bits32(Arith& arith, const Value* like) {
  return {arith.ir, with_lanes(arith.ir.getInt32Ty(), lanes_of(like))};
}

Value* bf16_to_f32(Arith& arith, Value* x) {
  const Bits b = bits32(arith, x);
  Value* wide = b.shl(arith.ir.CreateZExt(x, b.type), 16);
  return arith.ir.CreateBitCast(wide, with_lanes(arith.ir.getFloatTy(), lanes_of(x)));
}

Value* f32_to_bf16(Arith& arith, Value* x) {
  const Bits b = bits32(arith, x);
  llvm::IRBuilder<>& ir = arith.ir;
  Value* raw = ir.CreateBitCast(x, b.type);
  Value* odd = b.and_(b.shr(raw, 16), 1);
  Value* rounded = b.shr(ir.CreateAdd(b.add(raw, 0x7fff), odd), 16);
  Value* nan = ir.CreateOr(b.shr(raw, 16), b.number(0x40));
  Value* chosen = ir.CreateSelect(ir.CreateFCmpUNO(x, x), nan, rounded);
  return ir.CreateTrunc(chosen, with_lanes(ir.getInt16Ty(), lanes_of(x)));
}

/// Exponent and fraction move into place; a product rescales them, which also makes denormals
/// right.
Value* f16_to_f32(Arith& arith, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  const int lanes = lanes_of(x);
  llvm::Type* floats = with_lanes(ir.getFloatTy(), lanes);
  if (arith.target.vector_bits >= 256) {
    llvm::Type* halves = with_lanes(ir.getHalfTy(), lanes);
    return ir.CreateFPExt(ir.CreateBitCast(x, halves), floats);
  }
  const Bits b = bits32(arith, x);
  Value* raw = ir.CreateZExt(x, b.type);
  Value* magnitude = b.shl(b.and_(raw, 0x7fff), 13);
  Value* scaled =
      ir.CreateFMul(ir.CreateBitCast(magnitude, floats), llvm::ConstantFP::get(floats, 0x1p112));
  Value* is_special = ir.CreateICmpUGE(b.and_(raw, 0x7fff), b.number(0x7c00));
  Value* special = ir.CreateOr(magnitude, b.number(0x7f800000));
  Value* result = ir.CreateSelect(is_special, special, ir.CreateBitCast(scaled, b.type));
  return ir.CreateBitCast(ir.CreateOr(result, b.shl(b.and_(raw, 0x8000), 16)), floats);
}

/// Three ranges: normal results round in the integer form, small ones by adding 0.5 (whose unit in
/// the last place is f16's smallest step), the rest is infinite or NaN.
Value* f32_to_f16(Arith& arith, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  const int lanes = lanes_of(x);
  llvm::Type* shorts = with_lanes(ir.getInt16Ty(), lanes);
  if (arith.target.vector_bits >= 256) {
    Value* half = ir.CreateFPTrunc(x, with_lanes(ir.getHalfTy(), lanes));
    return ir.CreateBitCast(half, shorts);
  }
  const Bits b = bits32(arith, x);
  Value* raw = ir.CreateBitCast(x, b.type);
  Value* magnitude = b.and_(raw, 0x7fffffff);
  Value* odd = b.and_(b.shr(magnitude, 13), 1);
  Value* normal = b.shr(
      ir.CreateAdd(b.add(magnitude, uint64_t{0xc8000fff} /* -112 << 23, + 0xfff */), odd), 13);
  llvm::Type* floats = x->getType();
  Value* shifted =
      ir.CreateFAdd(ir.CreateBitCast(magnitude, floats), llvm::ConstantFP::get(floats, 0.5));
  Value* small = b.add(ir.CreateBitCast(shifted, b.type), uint64_t{0xc1000000} /* -bits of 0.5 */);
  Value* nan = ir.CreateOr(b.shr(b.and_(magnitude, 0x7fffff), 13), b.number(0x7e00));
  Value* is_nan = ir.CreateICmpUGT(magnitude, b.number(0x7f800000));
  Value* large = ir.CreateSelect(is_nan, nan, b.number(0x7c00));
  Value* result = ir.CreateSelect(ir.CreateICmpULT(magnitude, b.number(0x38800000)), small, normal);
  result = ir.CreateSelect(ir.CreateICmpUGE(magnitude, b.number(0x477ff000)), large, result);
  return ir.CreateTrunc(ir.CreateOr(result, b.shr(b.and_(raw, 0x80000000), 16)), shorts);
}

Value* per_lane(Arith& arith, Value* x, llvm::Type* element,
                const std::function<Value*(Value*)>& convert) {
  const int lanes = lanes_of(x);
  if (lanes == 1) return convert(x);
  Value* result = llvm::PoisonValue::get(with_lanes(element, lanes));
  for (int k = 0; k < lanes; ++k) {
    Value* one = arith.ir.CreateExtractElement(x, static_cast<uint64_t>(k));
    result = arith.ir.CreateInsertElement(result, convert(one), static_cast<uint64_t>(k));
  }
  return result;
}

/// The values of all 256 codes, as a constant of the module.
llvm::GlobalVariable* small_float_table(llvm::Module& module, DType type) {
  const std::string name = fmt::format("values_of_{}", dlc::name(type));
  if (auto* known = module.getGlobalVariable(name, true)) return known;
  std::vector<float> values;
  for (int code = 0; code < 256; ++code)
    values.push_back(static_cast<float>(decode_small_float(type, static_cast<uint8_t>(code))));
  llvm::Constant* data = llvm::ConstantDataArray::get(module.getContext(), values);
  return new llvm::GlobalVariable(module, data->getType(), true, llvm::GlobalValue::PrivateLinkage,
                                  data, name);
}

Value* small_float_to_f32(Arith& arith, DType type, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  llvm::GlobalVariable* table = small_float_table(*ir.GetInsertBlock()->getModule(), type);
  return per_lane(arith, x, ir.getFloatTy(), [&](Value* code) -> Value* {
    Value* offset = ir.CreateZExt(code, ir.getInt64Ty());
    return ir.CreateLoad(ir.getFloatTy(), ir.CreateGEP(ir.getFloatTy(), table, offset));
  });
}

/// Calls the runtime's encoder, which the JIT defines under this name.
Value* real_to_small_float(Arith& arith, DType type, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  llvm::FunctionCallee encode = ir.GetInsertBlock()->getModule()->getOrInsertFunction(
      "dlc_encode_small_float", ir.getInt8Ty(), ir.getInt32Ty(), ir.getDoubleTy());
  llvm::cast<llvm::Function>(encode.getCallee())->setDoesNotAccessMemory();
  Value* code = ir.getInt32(static_cast<uint32_t>(type));
  return per_lane(arith, x, ir.getInt8Ty(), [&](Value* one) -> Value* {
    Value* wide = one->getType()->isDoubleTy() ? one : ir.CreateFPExt(one, ir.getDoubleTy());
    return ir.CreateCall(encode, {code, wide});
  });
}

Value* widen_narrow(Arith& arith, DType from, Value* x) {
  if (from == DType::f16) return f16_to_f32(arith, x);
  if (from == DType::bf16) return bf16_to_f32(arith, x);
  return small_float_to_f32(arith, from, x);
}

/// f64 to f32 with the last bit set if anything was lost (round to odd): rounding that once more to
/// a narrower type gives what rounding the f64 once would give.
Value* f64_to_f32_odd(Arith& arith, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  const int lanes = lanes_of(x);
  llvm::Type* floats = with_lanes(ir.getFloatTy(), lanes);
  const Bits b = bits32(arith, x);
  Value* nearest = ir.CreateFPTrunc(x, floats);
  Value* back = ir.CreateFPExt(nearest, x->getType());
  Value* raw = ir.CreateBitCast(nearest, b.type);
  Value* away = ir.CreateFCmpOGT(ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, back),
                                 ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x));
  Value* truncated = ir.CreateSub(raw, ir.CreateZExt(away, b.type));
  Value* odd = ir.CreateOr(truncated, b.number(1));
  Value* inexact = ir.CreateFCmpONE(back, x);
  return ir.CreateBitCast(ir.CreateSelect(inexact, odd, raw), floats);
}

Value* real_to_narrow(Arith& arith, DType from, DType to, Value* x) {
  if (to != DType::f16 && to != DType::bf16) return real_to_small_float(arith, to, x);
  Value* single = from == DType::f64 ? f64_to_f32_odd(arith, x) : x;
  return to == DType::f16 ? f32_to_f16(arith, single) : f32_to_bf16(arith, single);
}

/// Towards zero, as a signed integer of `width` bits: its greatest or lowest for what is outside of
/// them. `x` is not NaN. (LLVM's saturating conversions are not vectorized.)
Value* to_signed(Arith& arith, DType from, unsigned width, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  const int lanes = lanes_of(x);
  llvm::Type* words = with_lanes(ir.getIntNTy(width), lanes);
  const double limit = std::ldexp(1.0, static_cast<int>(width) - 1);
  Value* large = ir.CreateFCmpOGE(x, arith.constant(from, limit, lanes));
  Value* least = arith.constant(from, -limit, lanes);
  Value* inside = ir.CreateSelect(ir.CreateFCmpOLT(x, least), least, x);
  inside = ir.CreateSelect(large, arith.constant(from, 0, lanes), inside);
  Value* greatest = llvm::ConstantInt::get(words, llvm::APInt::getSignedMaxValue(width));
  return ir.CreateSelect(large, greatest, ir.CreateFPToSI(inside, words));
}

/// Negative numbers wrap. From 2^63 on, what is above that and the highest bit.
Value* to_u64(Arith& arith, DType from, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  Value* half = arith.constant(from, 0x1p63, lanes_of(x));
  Value* large = ir.CreateFCmpOGE(x, half);
  Value* rest = to_signed(arith, from, 64, ir.CreateSelect(large, ir.CreateFSub(x, half), x));
  Value* high = llvm::ConstantInt::get(rest->getType(), uint64_t{1} << 63);
  return ir.CreateSelect(large, ir.CreateOr(rest, high), rest);
}

/// scalar::to_integer (compiler/expr/scalar.h).
Value* real_to_integer(Arith& arith, DType from, DType to, Value* x, bool fits) {
  llvm::IRBuilder<>& ir = arith.ir;
  const int lanes = lanes_of(x);
  llvm::Type* result = with_lanes(value_type(ir.getContext(), to), lanes);
  x = ir.CreateSelect(ir.CreateFCmpORD(x, x), x, arith.constant(from, 0, lanes));
  if (to == DType::u64) return to_u64(arith, from, x);
  if (bits(to) > 32 || to == DType::u32)
    return ir.CreateTrunc(to_signed(arith, from, 64, x), result);
  if (!fits) return ir.CreateTrunc(to_signed(arith, from, 32, x), result);
  return ir.CreateTrunc(ir.CreateFPToSI(x, with_lanes(ir.getInt32Ty(), lanes)), result);
}

}  // namespace

Value* Arith::convert(DType from, DType to, Value* x, bool fits) {
  if (from == to) return x;
  if (is_narrow(from)) return convert(DType::f32, to, widen_narrow(*this, from, x), fits);
  const int lanes = lanes_of(x);
  llvm::Type* result = with_lanes(value_type(ir.getContext(), to), lanes);
  if (is_real(from)) {
    if (to == DType::boolean)
      return ir.CreateFCmpUNE(x, llvm::Constant::getNullValue(x->getType()));
    if (is_real(to)) return ir.CreateFPCast(x, result);
    if (is_narrow(to)) return real_to_narrow(*this, from, to, x);
    return real_to_integer(*this, from, to, x, fits);
  }
  if (to == DType::boolean) return ir.CreateICmpNE(x, llvm::Constant::getNullValue(x->getType()));
  const bool is_signed_source = from != DType::boolean && is_signed(from);
  if (is_real(to))
    return is_signed_source ? ir.CreateSIToFP(x, result) : ir.CreateUIToFP(x, result);
  if (is_narrow(to)) return convert(DType::f64, to, convert(from, DType::f64, x));
  return is_signed_source ? ir.CreateSExtOrTrunc(x, result) : ir.CreateZExtOrTrunc(x, result);
}

}  // namespace dlc::llvm_backend
