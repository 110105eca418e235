// Makes a graph that shows a failure small.
#pragma once

#include <functional>

#include "tests/support/random_graph.h"

namespace dlc::test {

/// Drops outputs and nodes while `fails` stays true: a node is left out by making its values inputs
/// of the graph (with what they are in `c`), by passing an input of the same type through, or, at
/// the end of the graph, by making its inputs the outputs.
GraphCase shrink(GraphCase c, const std::function<bool(const GraphCase&)>& fails);

}  // namespace dlc::test
