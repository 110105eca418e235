// The body of a composite node in a graph of its own, for asking what types and values it gives.
#pragma once

#include <functional>
#include <optional>

#include "compiler/ops/builder.h"

namespace dlc {

struct ExpandedBody {
  Graph graph{"body"};
  std::vector<Value> inputs, outputs;  ///< of `graph`, in the node's order; absent ones invalid
};

/// Elements of an integer value, as far as they are known.
using KnownLookup = std::function<std::optional<Dims>(Value)>;

/// Expands `op` on `inputs` of `owner`. Constants and known sizes come along as such, other inputs
/// by their types. A NeedsValue that leaves it names a value of `owner`.
ExpandedBody expand_apart(const Graph& owner, std::string_view op, std::span<const Value> inputs,
                          const AttrMap& attrs, size_t outputs, const KnownLookup& known,
                          Requirements* requirements = nullptr);

}  // namespace dlc
