// What compiling and running a drawn graph leads to.
#include "outcome.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "compiler/driver/compile.h"
#include "runtime/error.h"
#include "runtime/session.h"
#include "tests/support/rounding.h"
#include "tests/support/shrink_graph.h"

namespace dlc::test {
namespace {

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
  const Expected expected(c.graph, c.inputs);
  for (const char* run : {"first run", "second run"}) {
    const std::string text = expected.difference(session.run(c.inputs));
    if (!text.empty()) return fmt::format("{}: {}", run, text);
  }
  const std::optional<GraphCase> other = with_other_sizes(c);
  if (!other) return "";
  std::optional<Expected> others;
  try {
    others.emplace(other->graph, other->inputs);
  } catch (const Error&) {
    return "";  // no model takes these sizes
  }
  const std::string text = others->difference(session.run(other->inputs));
  return text.empty() ? "" : "other sizes: " + text;
}

/// Whether a smaller graph fails in the same way. What the interpreter does not take shows nothing.
bool fails_like(const Outcome& before, const GraphCase& c) {
  try {
    const Expected expected(c.graph, c.inputs);
    const Outcome now = outcome(c);
    return !now.failure.empty() && now.is_error == before.is_error;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Seeds::Seeds(const char* variable, uint64_t count) : count(count) {
  const char* text = std::getenv(variable);
  char* end = nullptr;
  if (text == nullptr) return;
  asked = true;
  first = std::strtoull(text, &end, 10);
  this->count = *end == '-' ? std::strtoull(end + 1, nullptr, 10) : 1;
}

void Seeds::announce(uint64_t seed) const {
  if (asked) std::fprintf(stderr, "\rseed %llu ", static_cast<unsigned long long>(seed));
}

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

std::string explain(const GraphCase& c, const Outcome& result) {
  const GraphCase small =
      shrink(c, [&](const GraphCase& smaller) { return fails_like(result, smaller); });
  return fmt::format("{}\nof seed {}; made small: {}\nof {}", result.failure, c.seed,
                     outcome(small).failure, to_string(small));
}

}  // namespace dlc::test
