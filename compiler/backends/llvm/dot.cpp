// Dot products of x86: AVX-VNNI or AVX-512 VNNI for bytes, or else multiply-adds of pairs; AVX-512
// BF16. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
#include "compiler/backends/llvm/dot.h"

#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/Module.h>

namespace dlc::llvm_backend {
namespace {

using llvm::Intrinsic::ID;

/// Calls an intrinsic, whose operands differ between LLVM's versions in how lanes are counted.
Value* call(llvm::IRBuilder<>& ir, ID id, std::initializer_list<Value*> operands) {
  llvm::Module* module = ir.GetInsertBlock()->getModule();
  llvm::Function* function = llvm::Intrinsic::getOrInsertDeclaration(module, id);
  std::vector<Value*> converted;
  for (Value* operand : operands) {
    llvm::Type* type = function->getFunctionType()->getParamType(converted.size());
    converted.push_back(ir.CreateBitCast(operand, type));
  }
  return ir.CreateCall(function, converted);
}

ID by_width(Value* sum, ID at_128, ID at_256, ID at_512) {
  const int lanes = lanes_of(sum);
  return lanes == 16 ? at_512 : lanes == 8 ? at_256 : at_128;
}

/// sum + a0 * b0 + a1 * b1 for pairs of i16.
Value* add_pairs(llvm::IRBuilder<>& ir, Value* sum, Value* a, Value* b) {
  const ID id =
      by_width(sum, llvm::Intrinsic::x86_sse2_pmadd_wd, llvm::Intrinsic::x86_avx2_pmadd_wd,
               llvm::Intrinsic::x86_avx512_pmaddw_d_512);
  return ir.CreateAdd(sum, ir.CreateBitCast(call(ir, id, {a, b}), sum->getType()));
}

/// Even and odd bytes apart, widened to i16: no pair can overflow then.
Value* add_bytes(llvm::IRBuilder<>& ir, Value* sum, Value* a, Value* b) {
  llvm::Type* pairs = llvm::FixedVectorType::get(ir.getInt16Ty(), 2 * lanes_of(sum));
  Value* wide_a = ir.CreateBitCast(a, pairs);
  Value* wide_b = ir.CreateBitCast(b, pairs);
  sum = add_pairs(ir, sum, ir.CreateAnd(wide_a, 0xFF), ir.CreateAShr(ir.CreateShl(wide_b, 8), 8));
  return add_pairs(ir, sum, ir.CreateLShr(wide_a, 8), ir.CreateAShr(wide_b, 8));
}

}  // namespace

std::optional<Dot> dot_product(DType a, DType b, DType sum, const TargetInfo& target) {
  if (a == DType::u8 && b == DType::i8 && sum == DType::i32) return Dot{a, b, 4, target.vnni};
  if (a == DType::bf16 && b == DType::bf16 && sum == DType::f32 && target.bf16)
    return Dot{a, b, 2, true};
  return std::nullopt;
}

Value* emit_dot(llvm::IRBuilder<>& ir, const Dot& dot, Value* sum, Value* a, Value* b) {
  if (!dot.native) return add_bytes(ir, sum, a, b);
  const ID id = dot.a == DType::bf16 ? by_width(sum, llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128,
                                                llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256,
                                                llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512)
                                     : by_width(sum, llvm::Intrinsic::x86_avx512_vpdpbusd_128,
                                                llvm::Intrinsic::x86_avx512_vpdpbusd_256,
                                                llvm::Intrinsic::x86_avx512_vpdpbusd_512);
  return ir.CreateBitCast(call(ir, id, {sum, a, b}), sum->getType());
}

}  // namespace dlc::llvm_backend
