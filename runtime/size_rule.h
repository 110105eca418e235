// What two sizes must be for an operation to make sense. Numbers are checked when a model is
// compiled, symbolic sizes when a run tells them: Program::checks.
#pragma once

#include <cstdint>
#include <string_view>

namespace dlc {

enum class SizeRule : uint8_t {
  equal,
  broadcast,  ///< equal, or one of them is 1
  at_most,    ///< the first is not larger than the second
  differ,     ///< what was compiled is right for other sizes only
};

/// Throws Error(invalid) that begins with `what` unless the rule holds: "rows of B: 4 instead of
/// 3".
void check_sizes(SizeRule rule, int64_t a, int64_t b, std::string_view what);

}  // namespace dlc
