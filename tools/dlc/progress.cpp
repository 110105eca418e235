// A line on the terminal for work that takes longer than a second.
#include "tools/dlc/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

namespace dlc::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_after{1000}, then_every{100};

bool on_terminal() { return isatty(STDERR_FILENO) != 0; }

void draw(const std::string& line) {
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

struct Activity::State {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::thread thread;

  void show(const std::string& what) {
    const auto start = Clock::now();
    std::unique_lock lock(mutex);
    bool drawn = false;
    milliseconds wait = first_after;
    while (!ended.wait_for(lock, wait, [&] { return done; })) {
      draw(fmt::format("{} ... {:.1f} s", what, seconds_since(start)));
      drawn = true;
      wait = then_every;
    }
    if (drawn) draw("");
  }
};

Activity::Activity(std::string what) {
  if (!on_terminal()) return;
  state_ = std::make_unique<State>();
  state_->thread =
      std::thread([state = state_.get(), what = std::move(what)] { state->show(what); });
}

Activity::~Activity() {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->done = true;
  }
  state_->ended.notify_one();
  state_->thread.join();
}

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), terminal_(on_terminal()), start_(Clock::now()), last_(start_) {}

ProgressBar::~ProgressBar() {
  if (drawn_) draw("");
}

void ProgressBar::update(double done) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (now - start_ < first_after || now - last_ < then_every) return;
  last_ = now;
  drawn_ = true;
  constexpr int width = 30;
  const int filled = static_cast<int>(width * std::min(1.0, done));
  draw(fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f} %", what_, "", filled, "", width - filled,
                   100 * std::min(1.0, done)));
}

}  // namespace dlc::cli
