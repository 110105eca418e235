// Sweeps: in how many passes over its rows a staged kernel is done, and what each pass does.
// Softmax takes three: the greatest; exp, store and sum; divide.
// Next: compiler/backends/llvm/staged_kernel.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/lower/kernel.h"

namespace dlc {

/// A pass over rows of one shape, with axes merged where all walk them as one.
struct Sweep {
  /// A stage that makes a row.
  struct Row {
    int stage;
    Expr body;
    bool kept = false;           ///< a later sweep reads it from scratch
    std::optional<Expr> offset;  ///< in its output, in elements
  };
  /// A reduction over rows, part of a stage that makes one value.
  struct Sum {
    Expr node;  ///< as it stands in the stage's body
    Expr body;  ///< over `axes`
  };
  std::vector<Axis> axes;  ///< the last one runs by vectors
  int lanes = 1;
  std::vector<Row> rows;
  std::vector<Sum> sums;
};

/// Loads of stage s have become load_flat(first_stage + s, ...): stages are buffers behind operands
/// and outputs, row-major in the axes of their sweep.
struct SweepPlan {
  struct Scalar {
    int stage;
    Expr body;
    size_t after;  ///< how many sweeps must be done
  };
  int first_stage = 0;
  std::vector<Type> buffers;  ///< operands, outputs, stages
  std::vector<Sweep> sweeps;
  std::vector<Scalar> scalars;  ///< in order
  Dim items = 1, item_cost = 1;
  std::string summary, text;
};
SweepPlan plan_sweeps(const StagedKernel& kernel, int vector_bits);

}  // namespace dlc
