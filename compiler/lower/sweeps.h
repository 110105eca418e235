// Sweeps: in how many passes over its rows a staged kernel is done, and what each pass does.
// Softmax takes three: the greatest; exp, store and sum; divide.
// Next: compiler/backends/llvm/stage_emitter.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/lower/kernel.h"
#include "compiler/lower/linear.h"

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
  std::vector<Axis> axes;
  int lanes = 1;  ///< of the last axis
  std::vector<Row> rows;
  std::vector<Sum> sums;
};

/// Several neighbours along an outer axis at a time, as lanes.
struct Across {
  Variable variable;
  int lanes;
};

/// Stages are buffers behind operands and outputs: stage s is buffer first_stage + s, its elements
/// row-major in the axes of its sweep, with `across` lanes for each.
struct SweepPlan {
  struct Scalar {
    int stage;
    Expr body;
    size_t after;  ///< how many sweeps must be done
  };
  int first_stage = 0;
  int accumulated = -1;       ///< the buffer that loads of MatmulKernel::accumulated have become
  std::vector<Type> buffers;  ///< operands, outputs, stages, accumulated
  std::vector<Sweep> sweeps;
  std::vector<Scalar> scalars;  ///< in order
  std::optional<Across> across;
  Dim items = 1, item_cost = 1;
  std::string summary, text;

  /// Where an element of a row over `axes` is in its buffer.
  Linear place(const std::vector<Axis>& axes) const;
};
SweepPlan plan_sweeps(const StagedKernel& kernel, int vector_bits,
                      std::optional<Across> across = {});

}  // namespace dlc
