// Property test: nodes of every row, drawn from its samples with other sizes, types, attributes and
// layouts of their inputs, compute as machine code what the interpreter computes. How to run many:
// CONTRIBUTING.md.
// Next: tests/support/row_variant.h (what is drawn), rounding.h (what may differ), outcome.h.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "outcome.h"
#include "tests/support/row_variant.h"

namespace dlc {
namespace {

struct Counts {
  int drawn = 0, sizes = 0, types = 0, attributes = 0, layouts = 0;
};

/// A row whose name is what the environment's DLC_ROW says, or all but those with random results.
std::vector<const OpDef*> rows() {
  const char* only = std::getenv("DLC_ROW");
  std::vector<const OpDef*> found;
  for (const OpDef* def : all_ops()) {
    if (def->effect || def->samples.empty()) continue;
    if (only == nullptr || def->name == only) found.push_back(def);
  }
  return found;
}

void add(Counts& counts, const test::Changes& changes) {
  ++counts.drawn;
  counts.sizes += changes.sizes ? 1 : 0;
  counts.types += changes.types ? 1 : 0;
  counts.attributes += changes.attributes ? 1 : 0;
  counts.layouts += changes.layout ? 1 : 0;
}

TEST(Rows, DrawnNodesComputeWhatTheInterpreterDoes) {
  const test::Seeds seeds("DLC_ROW_SEEDS", 4);
  std::map<std::string, int> unsupported;
  Counts all;
  for (const OpDef* def : rows()) {
    Counts own;
    if (seeds.asked) fmt::print(stderr, "\n{} ", def->name);
    for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
      seeds.announce(seed);
      const auto variant = test::row_variant(*def, seed);
      if (!variant) continue;
      add(own, variant->changes);
      add(all, variant->changes);
      const test::Outcome result = outcome(variant->c);
      if (!result.unsupported.empty()) ++unsupported[result.unsupported];
      if (!result.failure.empty())
        ADD_FAILURE() << def->name << ": " << explain(variant->c, result);
    }
    EXPECT_GT(own.drawn, 0) << def->name << " is not reached";
  }
  fmt::print("{} nodes of {} rows; with other sizes {}, types {}, attributes {}, layouts {}\n",
             all.drawn, rows().size(), all.sizes, all.types, all.attributes, all.layouts);
  for (const auto& [text, number] : unsupported) fmt::print("unsupported, {}x: {}\n", number, text);
}

}  // namespace
}  // namespace dlc
