// What running a model takes: operations and bytes, counted from the formulas of its ops.
#pragma once

#include "compiler/expr/expr.h"
#include "compiler/ir/graph.h"
#include "runtime/program.h"

namespace dlc::cli {

/// Arithmetic on elements (a multiply-add counts as two; moving, casting and index arithmetic as
/// none), in terms of the graph's symbols. Composite ops count as what they are made of; bodies of
/// control flow count once; ops without a formula count as nothing.
Dim operations(const Graph& graph);

/// Operations for one output element of a formula.
Dim operations_per_element(const Expr& body);

struct Parameters {
  int64_t count = 0, bytes = 0;
};
/// Of all constants, nested graphs included.
Parameters parameters(const Graph& graph);

/// Bytes that the kernels of a program read and write once each, its symbols taken as 1.
int64_t bytes_moved(const Program& program);

struct ArenaBytes {
  int64_t planned = 0;
  int64_t least = 0;  ///< the largest set of values that live at once: no plan does with less
};
/// Memory for what a run computes, nested programs aside, the program's symbols taken as 1.
ArenaBytes arena_bytes(const Program& program);

/// A size with its symbols taken as 1.
int64_t with_symbols_one(const Dim& dim);

}  // namespace dlc::cli
