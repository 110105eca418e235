// Lanes: one value for each of up to 512 elements, and the operations on them. The interpreter
// runs an expression as a list of these, so that the walk over the tree is paid once a block.
// Next: lane_program.h.
#pragma once

#include <memory>
#include <vector>

#include "compiler/expr/expr.h"

namespace dlc::lanes {

inline constexpr int64_t width = 512;

/// f32 and f64 are kept as doubles; integers and bools wrapped in 64 bits; narrower floats, which
/// are only moved, by their bits.
union Lanes {
  double real[width];
  int64_t integer[width];
};

struct Reduction;

/// result = operation on args, all numbers of registers.
struct Instruction {
  using Run = void (*)(const Instruction& self, Lanes* registers, int64_t lanes);
  Run run = nullptr;
  int result = -1;
  std::vector<int> args;
  DType type = DType::undefined;  ///< of the result
  DType from = DType::undefined;  ///< of the operands
  // load
  const void* data = nullptr;
  int64_t size = 0;              ///< elements at `data`
  std::vector<int64_t> strides;  ///< of each index in `args`
  bool must_fit = false;         ///< an index outside is our bug; else it is in a branch not taken
  std::shared_ptr<Reduction> reduction;
};

/// The loop of a reduce node: `code` is run for each value of the variables, and `value` combined.
struct Reduction {
  ReduceOp op = {};
  std::vector<int64_t> extents;
  std::vector<int> variables;  ///< registers
  std::vector<Instruction> code;
  int value = -1;
};

Instruction::Run unary_operation(UnaryOp op, DType type);
Instruction::Run binary_operation(BinaryOp op, DType type);
Instruction::Run select_operation(DType type);
Instruction::Run cast_operation(DType from, DType to);
/// Null: elements that lanes cannot hold (strings, c128).
Instruction::Run load_operation(DType type);
Instruction::Run reduce_operation(ReduceOp op);

/// Rounds the lanes to `type` and writes them as elements [begin, begin + lanes) of data.
void store(const Lanes& value, DType type, void* data, int64_t begin, int64_t lanes);
void fill(Lanes& value, const ExprNode& constant, int64_t lanes);

/// Kept as double, as the bits of a narrow float, or as an integer.
bool is_real(DType type);
bool is_raw(DType type);

void run(const std::vector<Instruction>& code, Lanes* registers, int64_t lanes);

}  // namespace dlc::lanes
