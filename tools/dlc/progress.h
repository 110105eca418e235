// A line on the terminal for work that takes longer than a second.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace dlc::cli {

/// Shows "what ... 3.2 s" from the second second on, until it is destroyed, when standard error is
/// a terminal. Has a thread of its own.
class Activity {
 public:
  explicit Activity(std::string what);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A bar for work whose share done is known. No thread: the caller says where it is.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// done: 0 to 1. Draws at most ten times a second.
  void update(double done);

 private:
  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace dlc::cli
