// Assembling: a partition and its compiled kernels become a Program.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "compiler/lower/partition.h"
#include "runtime/program.h"

namespace dlc {

/// Takes a weight of the program while others are still to be packed, and gives it back, perhaps in
/// other memory (ArtifactWriter::keep).
using KeepWeights = std::function<Tensor(Tensor)>;

/// Of which graph a program was made, and what its slots are there: for who compares them.
struct ProgramValues {
  struct SlotValue {
    Value value;      ///< invalid: none of the graph's (a packed constant)
    AxisOrder order;  ///< how the slot's memory has it
  };
  Graph graph;
  std::vector<SlotValue> slots;
};

/// `requirements`: of the model, checked at run time as far as the program knows their symbols.
/// `code` is what keeps the kernels' functions in memory. Constants that kernels want packed are
/// packed here; those that nothing else reads are let go with the graph. `slots`, if not null, is
/// told what the program's slots are.
std::shared_ptr<Program> assemble(const Partition& partition, std::span<const Kernel> kernels,
                                  std::span<const CompiledKernel> compiled,
                                  std::span<const NodeRequirement> requirements,
                                  std::shared_ptr<const MachineCode> code,
                                  const KeepWeights& keep = {},
                                  std::vector<ProgramValues::SlotValue>* slots = nullptr);

}  // namespace dlc
