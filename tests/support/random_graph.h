// Random graphs of all op rows, with inputs; for tests that compare two ways to run a graph.
// Next: random_graph.cpp, graph_maker.h; unit/driver/random_graph_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/tensor.h"

namespace dlc::test {

struct GraphCase {
  uint64_t seed = 0;
  Graph graph;
  std::vector<Datum> inputs;
};

/// 2 to about 12 nodes (some blocks draw more), several outputs; some inputs are constants. The
/// same for the same seed, on every machine.
GraphCase random_graph(uint64_t seed);
/// Drawn by the bytes; for fuzzers. Its seed is 0.
GraphCase random_graph(std::span<const uint8_t> bytes);

/// The same graph on inputs whose symbolic sizes are others; nullopt: it has none.
std::optional<GraphCase> with_other_sizes(const GraphCase& c);

/// Seed, graph and inputs, for messages.
std::string to_string(const GraphCase& c);

}  // namespace dlc::test
