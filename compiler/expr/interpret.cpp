// The interpreter: a loop over blocks of output elements, and a short way for plain moves.
// Next: lane_program.h (what a block runs), interpret_symbolic.cpp.
#include "compiler/expr/interpret.h"

#include <algorithm>
#include <cassert>

#include "compiler/expr/lane_program.h"
#include "compiler/expr/strided_copy.h"
#include "runtime/error.h"

namespace dlc {
namespace {

/// The axis' index for each of `n` elements from `begin`.
void fill_axis(lanes::Lanes& lanes, const lanes::OutputAxis& axis, int64_t begin, int64_t n) {
  int64_t value = begin / axis.stride % axis.extent;
  int64_t left = axis.stride - begin % axis.stride;
  for (int64_t lane = 0; lane < n;) {
    const int64_t run = std::min(left, n - lane);
    std::fill_n(lanes.integer + lane, run, value);
    lane += run;
    left = axis.stride;
    value = value + 1 == axis.extent ? 0 : value + 1;
  }
}

void run_blocks(const lanes::Program& program, Tensor& result) {
  const int64_t size = result.size();
  const int64_t width = std::min(size, lanes::width);
  const auto registers =
      std::make_unique_for_overwrite<lanes::Lanes[]>(static_cast<size_t>(program.registers));
  const auto lanes_of = [&](int number) -> lanes::Lanes& {
    return registers[static_cast<size_t>(number)];
  };
  for (const auto& [number, value] : program.constants)
    lanes::fill(lanes_of(number), value.node(), width);
  lanes::run(program.once, registers.get(), width);
  for (int64_t begin = 0; begin < size; begin += lanes::width) {
    const int64_t n = std::min(lanes::width, size - begin);
    for (const lanes::OutputAxis& axis : program.axes)
      fill_axis(lanes_of(axis.variable), axis, begin, n);
    lanes::run(program.block, registers.get(), n);
    lanes::store(lanes_of(program.value), result.dtype(), result.mutable_data(), begin, n);
  }
}

/// A formula that moves complex numbers of 128 bits, as one that moves their halves along one more
/// axis.
TensorExpr in_halves(const TensorExpr& t) {
  Dims shape = t.shape();
  shape.push_back(2);
  return tensor(shape, [&](const Indices& i) {
    const Expr body = t.at(Indices(i.begin(), i.end() - 1));
    return rewrite(body, [&](const Expr& e) {
      if (e.dtype() != DType::c128) return Expr();
      if (e->kind == ExprKind::constant) return constant_integer(DType::u64, 0);
      if (e->kind != ExprKind::load) return Expr();
      if (e->flat) return load_flat(e->input, DType::u64, e->args[0] * index(2) + i.back());
      Indices at = e->args;
      at.push_back(i.back());
      return load(e->input, DType::u64, std::move(at));
    });
  });
}

Tensor interpret_in_halves(const TensorExpr& t, std::span<const Tensor> operands,
                           const SymbolValues& symbols) {
  std::vector<Tensor> halves(operands.begin(), operands.end());
  for (Tensor& operand : halves) {
    if (operand.dtype() != DType::c128) continue;
    Shape shape = operand.shape();
    shape.push_back(2);
    operand = Tensor::borrow(DType::u64, std::move(shape), operand.data(), operand.owner());
  }
  const Tensor result = interpret(in_halves(t), halves, symbols);
  const Shape shape(result.shape().begin(), result.shape().end() - 1);
  return Tensor::borrow(DType::c128, shape, result.data(), result.owner());
}

}  // namespace

Tensor interpret(const TensorExpr& t, std::span<const Tensor> operands,
                 const SymbolValues& symbols) {
  if (t.dtype() == DType::c128) return interpret_in_halves(t, operands, symbols);
  const lanes::Sizes sizes(symbols);
  Shape shape;
  for (const Axis& axis : t.axes) shape.push_back(sizes(axis.extent));
  Tensor result = Tensor::allocate(t.dtype(), std::move(shape));
  if (result.size() == 0) return result;
  if (copy_strided(t, operands, sizes, result)) return result;
  run_blocks(lanes::translate(t, operands, sizes), result);
  return result;
}

}  // namespace dlc
