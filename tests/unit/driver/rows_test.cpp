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

struct LeftOut {
  std::string_view row, reason;
};

constexpr LeftOut left_out[] = {
    {"Bernoulli", "random results"},
    {"Multinomial", "random results"},
    {"RandomNormal", "random results"},
    {"RandomNormalLike", "random results"},
    {"RandomUniform", "random results"},
    {"RandomUniformLike", "random results"},
    {"dlc.RandomSeed", "random results"},
    {"If", "no samples, it is nested graphs: tests/support/graph_blocks.cpp draws them"},
    {"Loop", "no samples, it is nested graphs: runtime/control_flow_test.cpp"},
    {"Scan", "no samples, it is nested graphs: what RNN, GRU, LSTM and others become"},
};

/// What of a row stays as it is in its samples, though nodes may differ in it.
struct Fixed {
  std::string_view row, what, reason;
};

constexpr Fixed fixed[] = {
    {"Col2Im", "attributes", "the sizes of the input follow from them"},
    {"DeformConv", "attributes", "the sizes of offset and mask follow from them"},
    {"Constant", "attributes", "they are the result"},
    {"dlc.Sizes", "attributes", "they are the result"},
    {"Dropout", "attributes", "the seed of random results"},
    {"Optional", "attributes", "a type, which the input has"},
    {"SequenceInsert", "types", "those of the sequence's tensors"},
    {"SequenceMap", "types", "those of the body's inputs"},
    {"ai.onnx.ml.LabelEncoder", "types", "those of the keys and values in its attributes"},
};

/// A row whose name is what the environment's DLC_ROW says, or all but those that are left out.
std::vector<const OpDef*> rows() {
  const char* only = std::getenv("DLC_ROW");
  std::vector<const OpDef*> found;
  for (const OpDef* def : all_ops()) {
    const bool is_out = std::any_of(std::begin(left_out), std::end(left_out),
                                    [&](const LeftOut& out) { return out.row == def->name; });
    if (!is_out && (only == nullptr || def->name == only)) found.push_back(def);
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

/// "sizes, types" of what can be changed and never is.
std::string never_changed(const Counts& counts, const test::Changes& possible) {
  std::string text;
  const auto add = [&](bool can, int count, std::string_view what) {
    if (can && count == 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", what);
  };
  add(possible.sizes, counts.sizes, "sizes");
  add(possible.types, counts.types, "types");
  add(possible.attributes, counts.attributes, "attributes");
  add(possible.layout, counts.layouts, "layouts");
  return text;
}

TEST(Rows, AllAreVariedInWhatCanBe) {
  constexpr uint64_t draws = 600;
  std::map<std::string_view, std::string_view> kept;
  for (const Fixed& row : fixed) kept.emplace(row.row, row.what);
  for (const OpDef* def : rows()) {
    const test::Changes possible = test::possible_changes(*def);
    Counts counts;
    const std::string_view wanted = kept[def->name];
    for (uint64_t seed = 0; seed < draws && never_changed(counts, possible) != wanted; ++seed) {
      if (const auto variant = test::row_variant(*def, seed)) add(counts, variant->changes);
    }
    EXPECT_EQ(never_changed(counts, possible), wanted) << def->name;
  }
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
