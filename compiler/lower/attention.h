// Attention: two contractions with stages between them become one kernel, in which the matrix of
// scores never leaves the cache.
// Next: attention.cpp; compiler/backends/llvm/attention_kernel.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/lower/stages.h"

namespace dlc {

/// A matrix product, a group of stages that alone reads it, and a matrix product whose A is the
/// group's only result.
struct Attention {
  Value scores;  ///< of the first product
  int group;
  Value result;            ///< of the second product
  AttentionKernel kernel;  ///< without name and operands; loads read values by id, and stages
};

/// The attention that ends in `result`, a value with an anchor. `readers`: which anchors' results
/// read a value (an invalid one: something else does). `refusal`: the condition that did not hold,
/// where a product of stages is not attention; else empty.
std::optional<Attention> find_attention(const Graph& graph, const Formulas& formulas,
                                        const StagePlan& stages, Value result,
                                        const std::map<Value, std::set<Value>>& readers,
                                        std::string_view& refusal);

/// The same as stages only, for one query after the other: sums over the depth make the scores, the
/// last stage is a row of the result.
StagedKernel attention_as_stages(const AttentionKernel& kernel);

}  // namespace dlc
