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

}  // namespace

Tensor interpret(const TensorExpr& t, std::span<const Tensor> operands,
                 const SymbolValues& symbols) {
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
