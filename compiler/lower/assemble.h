// Assembling: a partition and its compiled kernels become a Program.
#pragma once

#include <memory>
#include <span>

#include "compiler/lower/partition.h"
#include "runtime/program.h"

namespace dlc {

/// `requirements`: of the model, checked at run time as far as the program knows their symbols.
/// `code` is what keeps the kernels' functions in memory. Constants that kernels want packed are
/// packed here; those that nothing else reads are let go with the graph.
std::shared_ptr<Program> assemble(const Partition& partition, std::span<const Kernel> kernels,
                                  std::span<const CompiledKernel> compiled,
                                  std::span<const NodeRequirement> requirements,
                                  std::shared_ptr<const void> code);

}  // namespace dlc
