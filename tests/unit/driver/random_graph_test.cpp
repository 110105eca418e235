// Property test: random graphs of all op rows compute, optimized and not, what the interpreter
// computes. How to run many: CONTRIBUTING.md.
// Next: tests/support/random_graph.h (what is drawn), rounding.h (what may differ).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "compiler/driver/compile.h"
#include "runtime/error.h"
#include "runtime/session.h"
#include "tests/support/random_graph.h"
#include "tests/support/rounding.h"
#include "tests/support/shrink_graph.h"

namespace dlc {
namespace {

using test::GraphCase;

/// More in the environment's DLC_GRAPH_SEEDS, as "first-count": "1000-500". The seed at work is
/// then printed, for when the process does not end well.
struct Seeds {
  uint64_t first = 0, count = 100;
  bool asked = false;

  Seeds() {
    const char* text = std::getenv("DLC_GRAPH_SEEDS");
    char* end = nullptr;
    if (text == nullptr) return;
    asked = true;
    first = std::strtoull(text, &end, 10);
    count = *end == '-' ? std::strtoull(end + 1, nullptr, 10) : 1;
  }
};

CompileOptions optimized(uint64_t seed) {
  static constexpr int widths[] = {128, 256, 512};
  return {.vector_bits = widths[seed % 3], .threads = 1, .verify_passes = true};
}

CompileOptions unoptimized(uint64_t seed) {
  CompileOptions options = optimized(seed);
  options.opt_level = 0;
  return options;
}

/// Empty, or how what the compiled graph gives differs from what is expected: of the inputs, of
/// them again (with shapes that the session knows), and of inputs with other sizes.
std::string compiled_difference(const GraphCase& c, const CompileOptions& options) {
  static ThreadPool pool(2);
  Session session(compile(c.graph, options), pool);
  const test::Expected expected(c.graph, c.inputs);
  for (const char* run : {"first run", "second run"}) {
    const std::string text = expected.difference(session.run(c.inputs));
    if (!text.empty()) return fmt::format("{}: {}", run, text);
  }
  const std::optional<GraphCase> other = test::with_other_sizes(c);
  if (!other) return "";
  std::optional<test::Expected> others;
  try {
    others.emplace(other->graph, other->inputs);
  } catch (const Error&) {
    return "";  // no model takes these sizes
  }
  const std::string text = others->difference(session.run(other->inputs));
  return text.empty() ? "" : "other sizes: " + text;
}

struct Outcome {
  std::string failure;      ///< empty: none
  bool is_error = false;    ///< the failure is an Error, not a difference
  std::string unsupported;  ///< what no backend takes
};

Outcome outcome(const GraphCase& c) {
  Outcome result;
  const std::pair<const char*, CompileOptions> ways[] = {{"optimized", optimized(c.seed)},
                                                         {"unoptimized", unoptimized(c.seed)}};
  for (const auto& [name, options] : ways) {
    try {
      const std::string text = compiled_difference(c, options);
      if (!text.empty() && result.failure.empty()) {
        result.failure = fmt::format("{} at {} bits, {}", name, options.vector_bits, text);
      }
    } catch (const Error& error) {
      const bool refused = error.code() == ErrorCode::unsupported;
      (refused ? result.unsupported : result.failure) = fmt::format("{}: {}", name, error.what());
      result.is_error = !refused;
    }
  }
  return result;
}

/// Whether a smaller graph fails in the same way. What the interpreter does not take shows nothing.
bool fails_like(const Outcome& before, const GraphCase& c) {
  try {
    const test::Expected expected(c.graph, c.inputs);
    const Outcome now = outcome(c);
    return !now.failure.empty() && now.is_error == before.is_error;
  } catch (const Error&) {
    return false;
  }
}

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
  const Seeds seeds;
  Totals totals;
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    if (seeds.asked) std::fprintf(stderr, "\rseed %llu ", static_cast<unsigned long long>(seed));
    const GraphCase c = test::random_graph(seed);
    count(c, totals);
    const Outcome result = outcome(c);
    if (!result.unsupported.empty()) ++totals.unsupported[result.unsupported];
    if (result.failure.empty()) continue;
    const GraphCase small =
        test::shrink(c, [&](const GraphCase& smaller) { return fails_like(result, smaller); });
    ADD_FAILURE() << result.failure << "\nof seed " << seed
                  << "; made small: " << outcome(small).failure << "\nof "
                  << test::to_string(small);
  }
  print(totals, seeds.count);
}

}  // namespace
}  // namespace dlc
