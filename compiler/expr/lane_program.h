// An expression over concrete operands, translated to operations on lanes.
// Next: lane_program.cpp, interpret.cpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/expr/lanes.h"
#include "runtime/tensor.h"

namespace dlc::lanes {

/// Numbers for the symbols of dims. Throws Error(invalid) for an unbound one.
class Sizes {
 public:
  explicit Sizes(const std::map<std::string, int64_t>& symbols);
  int64_t operator()(const Dim& dim) const;

 private:
  std::map<std::string, Dim> values_;
};

/// An axis of the output that the expression uses.
struct OutputAxis {
  int variable;  ///< register
  int64_t extent, stride;
};

struct Program {
  std::vector<Expr> keep_alive;    ///< of rewritten nodes, whose addresses were keys
  std::vector<Instruction> once;   ///< what is the same for all elements
  std::vector<Instruction> block;  ///< run for each block of lanes
  std::vector<OutputAxis> axes;
  std::vector<std::pair<int, Expr>> constants;
  int registers = 0;
  int value = -1;
};

/// Throws Error(unsupported) for element types that lanes cannot hold.
Program translate(const TensorExpr& t, std::span<const Tensor> operands, const Sizes& sizes);

}  // namespace dlc::lanes
