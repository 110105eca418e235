// What compiling and running a drawn graph leads to, against the interpreter; for property tests.
// Next: random_graph_test.cpp, rows_test.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/support/random_graph.h"

namespace dlc::test {

/// The seeds of a property test: `count` from 0, or as the environment says, "first-count"
/// ("1000-500", or one number). The seed at work is then printed, for when the process does not end
/// well.
struct Seeds {
  uint64_t first = 0, count;
  bool asked = false;

  Seeds(const char* variable, uint64_t count);
  uint64_t end() const { return first + count; }
  void announce(uint64_t seed) const;
};

struct Outcome {
  std::string failure;      ///< empty: none
  bool is_error = false;    ///< the failure is an Error, not a difference
  std::string unsupported;  ///< what no backend takes
};

/// Of the graph with all passes and at -O0, for one of 128, 256 and 512 bits by the seed; run on
/// its inputs, on them again, and on inputs with other sizes.
Outcome outcome(const GraphCase& c);

/// The failure with the graph, made as small as it still fails.
std::string explain(const GraphCase& c, const Outcome& outcome);

}  // namespace dlc::test
