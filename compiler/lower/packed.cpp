// Elements below 8 bits as parts of bytes, the first in the lowest bits.
#include "compiler/lower/packed.h"

#include <cassert>
#include <map>
#include <type_traits>

#include "compiler/expr/simplify.h"
#include "compiler/lower/formulas.h"

namespace dlc {
namespace {

bool is_packed(DType type) { return bits(type) > 0 && bits(type) < 8; }

Type bytes_of(const Type& type) {
  return Type::tensor(DType::u8, {ceil_div(product(type.shape), 8 / bits(type.dtype))});
}

Expr byte(int64_t value) { return constant_integer(DType::u8, value); }

/// The value in f32 of the four bits of an f4e2m1: sign, two bits of exponent, one of fraction.
Expr decode_e2m1(const Expr& code) {
  const Expr magnitude = binary(BinaryOp::bit_and, code, byte(7));
  // 0, 1/2, 1, 3/2, 2, 3, 4, 6: by twos with a step that doubles.
  const Expr m = cast(DType::f32, magnitude);
  const Expr value = select(m < 4.0, m * 0.5, select(m < 6.0, m - 2.0, m * 2.0 - 8.0));
  return select(code < byte(8), value, -value);
}

/// The four bits of a value that f4e2m1 has, in f32.
Expr encode_e2m1(const Expr& value) {
  const Expr a = abs(value);
  const Expr m = select(a < 2.0, a * 2.0, select(a < 4.0, a + 2.0, a * 0.5 + 4.0));
  const Expr zero = constant(DType::f32, 0);
  const Expr negative = value < zero || 1.0 / value < zero;
  return cast(DType::u8, m) + select(negative, byte(8), byte(0));
}

/// Element `load` says, from the byte that has it. f4e2m1 as f32.
Expr unpacked(const ExprNode& load, const Type& type) {
  const int width = bits(type.dtype), in_byte = 8 / width;
  const Expr at = load.flat ? load.args[0] : flatten_index(load.args, type.shape);
  const Expr whole = load_flat(load.input, DType::u8, floor_div(at, index(in_byte)));
  const Expr shift = cast(DType::u8, floor_mod(at, index(in_byte)) * index(width));
  const Expr code = binary(BinaryOp::bit_and, binary(BinaryOp::shift_right, whole, shift),
                           byte((1 << width) - 1));
  if (type.dtype == DType::f4e2m1) return decode_e2m1(code);
  return cast(type.dtype, code);
}

Expr read_bytes(const Expr& e, const std::vector<Type>& operands) {
  std::map<const void*, Expr> decoded;  // elements of f4e2m1 and what they are in f32
  return rewrite(e, [&](const Expr& node) {
    if (node->kind == ExprKind::cast && decoded.contains(node->args[0].identity()))
      return cast(node.dtype(), decoded.at(node->args[0].identity()));
    if (node->kind != ExprKind::load || node->input < 0) return Expr();
    const Type& type = operands[static_cast<size_t>(node->input)];
    if (!is_packed(type.dtype)) return Expr();
    const Expr value = unpacked(node.node(), type);
    if (value.dtype() == type.dtype) return value;
    const Expr element = cast(type.dtype, value);
    decoded.emplace(element.identity(), value);
    return element;
  });
}

Expr bits_of(const Expr& element) {
  if (element.dtype() == DType::f4e2m1) return encode_e2m1(cast(DType::f32, element));
  return binary(BinaryOp::bit_and, cast(DType::u8, element),
                byte((1 << bits(element.dtype())) - 1));
}

/// bytes[j] = the bits of elements j * n, j * n + 1, ..., the first in the lowest bits
TensorExpr packed(const TensorExpr& t) {
  const int width = bits(t.dtype()), in_byte = 8 / width;
  const Dims shape = t.shape();
  const Dim count = product(shape);
  return tensor({ceil_div(count, in_byte)}, [&](const Indices& j) {
    Expr result = byte(0);
    for (int k = 0; k < in_byte; ++k) {
      const Expr at = j[0] * index(in_byte) + index(k);
      const Expr element = bits_of(with_fresh_variables(t.at(unflatten_index(at, shape))));
      const Expr inside = select(at < dim(count), element, byte(0));
      result =
          binary(BinaryOp::bit_or, result, binary(BinaryOp::shift_left, inside, byte(k * width)));
    }
    return result;
  });
}

void rewrite_bodies(LoopKernel& kernel, const std::vector<Type>& operands) {
  for (TensorExpr& output : kernel.outputs) {
    output.body = read_bytes(output.body, operands);
    if (!is_packed(output.dtype())) continue;
    assert(kernel.outputs.size() == 1 && "a packed result has a kernel of its own");
    output = packed(output);
  }
  for (TensorExpr& output : kernel.outputs) output = simplify(output);
}

void rewrite_contraction(std::vector<const Tensor*>& constants, std::vector<TensorExpr*> bodies,
                         const std::vector<Type>& operands) {
  for (TensorExpr* body : bodies) {
    assert(!is_packed(body->dtype()) && "epilogues end before a packed result");
    body->body = read_bytes(body->body, operands);
  }
  for (size_t k = 0; k < operands.size(); ++k)
    if (is_packed(operands[k].dtype)) constants[k] = nullptr;  // packing would read elements
}

void rewrite_bodies(MatmulKernel& kernel, const std::vector<Type>& operands) {
  std::vector<TensorExpr*> bodies = {&kernel.a, &kernel.b};
  for (TensorExpr& output : kernel.outputs) bodies.push_back(&output);
  rewrite_contraction(kernel.constants, bodies, operands);
}

void rewrite_bodies(ConvolutionKernel& kernel, const std::vector<Type>& operands) {
  rewrite_contraction(kernel.constants, {&kernel.x, &kernel.w, &kernel.output}, operands);
}

void rewrite_bodies(StagedKernel& kernel, const std::vector<Type>& operands) {
  for (StagedKernel::Stage& stage : kernel.stages) stage.body = read_bytes(stage.body, operands);
}

void rewrite_bodies(AttentionKernel& kernel, const std::vector<Type>& operands) {
  rewrite_bodies(kernel.stages, operands);
  for (Expr* e : {&kernel.query, &kernel.key, &kernel.value, &kernel.output}) {
    *e = read_bytes(*e, operands);
  }
}

template <typename K>
void rewrite_kernel(K& kernel) {
  const std::vector<Type> operands = kernel.operands;
  bool any = false;
  for (Type& type : kernel.operands) {
    if (!type.is_tensor() || !is_packed(type.dtype)) continue;
    type = bytes_of(type);
    any = true;
  }
  if constexpr (std::is_same_v<K, LoopKernel>) {
    for (const TensorExpr& output : kernel.outputs) any = any || is_packed(output.dtype());
  }
  if (any) rewrite_bodies(kernel, operands);
}

}  // namespace

void use_bytes(std::vector<Kernel>& kernels) {
  for (Kernel& kernel : kernels) std::visit([](auto& k) { rewrite_kernel(k); }, kernel);
}

}  // namespace dlc
