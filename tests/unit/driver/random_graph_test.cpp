// Property test: random graphs of all op rows compute, optimized and not, what the interpreter
// computes. How to run many: CONTRIBUTING.md.
// Next: tests/support/random_graph.h (what is drawn), rounding.h (what may differ), outcome.h.
#include "tests/support/random_graph.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "outcome.h"
#include "tests/support/rounding.h"

namespace dlc {
namespace {

using test::GraphCase;

struct Totals {
  std::map<std::string, int> ops;
  std::map<std::string, int> unsupported;
  double judged = 0;
};

void count(const GraphCase& c, Totals& totals) {
  for (NodeId id : c.graph.nodes()) ++totals.ops[c.graph.node(id).op];
  totals.judged += test::Expected(c.graph, c.inputs).judged();
}

void print(const Totals& totals, uint64_t graphs) {
  fmt::print("{} graphs of {} ops; {:.1f} % of elements judged to 1 %\n", graphs, totals.ops.size(),
             100 * totals.judged / static_cast<double>(graphs));
  for (const auto& [text, number] : totals.unsupported) {
    fmt::print("unsupported, {}x: {}\n", number, text);
  }
}

TEST(RandomGraphs, ComputeOptimizedAndNotWhatTheInterpreterDoes) {
  const test::Seeds seeds("DLC_GRAPH_SEEDS", 100);
  Totals totals;
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    seeds.announce(seed);
    const GraphCase c = test::random_graph(seed);
    count(c, totals);
    const test::Outcome result = outcome(c);
    if (!result.unsupported.empty()) ++totals.unsupported[result.unsupported];
    if (!result.failure.empty()) ADD_FAILURE() << explain(c, result);
  }
  print(totals, seeds.count);
}

}  // namespace
}  // namespace dlc
