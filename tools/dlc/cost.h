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

/// The first of 1, 2, 4, ... 1024 that all symbols of the program can be: a window wants an element
/// at least, two halves of a network equal sizes. Throws what the program says of 1024 otherwise.
int64_t smallest_open_size(const Program& program);

/// Bytes that the kernels of a program read and write once each, its symbols taken as `open_size`.
int64_t bytes_moved(const Program& program, int64_t open_size);

struct ArenaBytes {
  int64_t planned = 0;
  int64_t least = 0;  ///< the largest set of values that live at once: no plan does with less
};
/// Memory for what a run computes, nested programs aside.
ArenaBytes arena_bytes(const Program& program, int64_t open_size);

/// A size with its symbols taken as `open_size`.
int64_t at_open_size(const Dim& dim, int64_t open_size);

}  // namespace dlc::cli
