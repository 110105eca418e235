// In place: an output of a kernel may take the memory of an operand whose elements are read nowhere
// but where they are overwritten. Index maps tell for which that is so; whether an operand is dead
// by then, the program tells.
// Next: assemble.cpp, which asks for both.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "compiler/expr/expr.h"
#include "compiler/lower/kernel.h"
#include "compiler/lower/linear.h"
#include "compiler/lower/sweeps.h"
#include "runtime/program.h"

namespace dlc {

/// Operands that `bodies` load at `position`, in elements, and nowhere else, and that are as large
/// as `output`, element by element. For kernels that do each position once.
std::vector<int> read_where_written(std::span<const Expr> bodies, const Linear& position,
                                    std::span<const Type> operands, const Type& output);

/// The same for an output of a staged kernel: its sweep reads them so, later ones not at all, and
/// earlier ones only where the same outer point writes. None if no sweep writes the output.
std::vector<int> read_where_written(const StagedKernel& kernel, const SweepPlan& plan, int output);

/// Outputs become aliases of operands that are in the arena and that nothing reads after the step.
/// `choices`: by step, what its kernel allows; of several, the first that is dead is taken.
void write_in_place(Program& program, const std::map<int, std::vector<InPlace>>& choices);

}  // namespace dlc
