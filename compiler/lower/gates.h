// Gates: pointwise values made of several columns of one matrix product, as in LSTMs (four) and
// gated linear units (two), become that product's epilogue. Next: gates.cpp; contraction.h, which
// makes the kernel.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/lower/stages.h"

namespace dlc {

/// Whether element [..., u] of each of `readers` reads of `product` [..., n], a matmul, elements
/// [..., u + j * n / gates] only, for 2 to 8 gates: empty if so, else the condition that did not
/// hold.
std::string_view gates_refusal(const Graph& graph, const Formulas& formulas,
                               const StagePlan& stages, Value product,
                               const std::vector<Value>& readers);

}  // namespace dlc
