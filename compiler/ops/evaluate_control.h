// If, Loop and Scan in the interpreter.
#pragma once

#include "compiler/expr/interpret.h"
#include "compiler/ops/evaluate.h"

namespace dlc {

std::vector<Datum> evaluate_control(const Node& node, std::span<const Datum> inputs,
                                    const SymbolValues& symbols);

/// A nested graph; `symbols` are those of the graphs around it.
std::vector<Datum> evaluate_graph(const Graph& graph, std::span<const Datum> inputs,
                                  SymbolValues symbols);

}  // namespace dlc
