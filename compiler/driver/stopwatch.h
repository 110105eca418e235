// Stopwatch: how long the parts of a longer work take.
#pragma once

#include <chrono>

namespace dlc {

class Stopwatch {
 public:
  /// Milliseconds since it was made or lap() was last called.
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }
  /// The same, and starts anew.
  double lap() {
    const Clock::time_point now = Clock::now();
    const std::chrono::duration<double, std::milli> passed = now - start_;
    start_ = now;
    return passed.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace dlc
