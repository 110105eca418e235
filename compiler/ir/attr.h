// Attributes of a node as numbers, for those that know what they must be. Rows see attributes, with
// their defaults and checks, through OpArgs: compiler/ops/op_def.h.
#pragma once

#include "compiler/ir/graph.h"

namespace dlc {

/// An integer attribute, or `otherwise` if it is not given.
int64_t integer_attr(const Node& node, std::string_view name, int64_t otherwise = 0);
/// A list of integers, or `count` zeros if it is not given.
Ints integers_attr(const Node& node, std::string_view name, size_t count);
/// How many of the trailing inputs are captures of the node's nested graphs: see Attr.
size_t capture_count(const Node& node);

}  // namespace dlc
