// Ops on strings: loops cannot hold a string, so nodes that move some become loops over positions.
// Users: infer.cpp, expand.cpp.
#pragma once

#include "compiler/ops/builder.h"

namespace dlc {

/// Whether the row's `on_strings` stands for this node: a tensor among its inputs is of strings, or
/// its attribute `to` asks for some.
bool is_replaced(const OpDef& def, const Graph& graph, std::span<const Value> inputs,
                 const AttrMap& attrs);

/// What stands for the outputs of a node of kind_of composite whose row has no body: its row's op
/// for strings; or the node itself on the positions of its strings, which dlc.TakeStrings reads.
std::vector<Value> expand_on_strings(const OpDef& def, const Node& node, Builder& build);

}  // namespace dlc
