// Whether two ways to compute a value agree, but for rounding.
// Next: verify.h, which asks.
#pragma once

#include <functional>
#include <string>

#include "compiler/ops/evaluate.h"
#include "compiler/ops/rounding.h"

namespace dlc {

/// How `got` differs from `want` by more than `tolerance` (relative to the element and to the root
/// mean square of the tensor) or, where that is more, by rounding; in words, empty if it does not.
/// `again` computes the value once more with changes that rounding may make: only called where the
/// values differ by more than a few roundings. Null: they must be equal.
std::string disagreement(const Datum& got, const Datum& want, double tolerance,
                         const std::function<Datum(Jitter&)>& again);

/// `value` by the nodes `region`, from what `known` has; changed by `jitter` on the way.
Datum evaluate_region(const Evaluation& known, std::span<const NodeId> region, Value value,
                      Jitter* jitter = nullptr);

/// Whether evaluating the node twice may give two results (random numbers).
bool is_random(const Node& node);

}  // namespace dlc
