// What a parallel loop costs, and what a run of a program with one small kernel does.
// Next: runtime/thread_pool.h.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "bench/measure.h"
#include "compiler/ir/text.h"

namespace dlc::bench {
namespace {

struct Meeting {
  int64_t expected;
  std::atomic<int64_t> arrived = 0;
};

/// Every thread waits for all others: none can do the work of one that comes late.
void meet(void* context, int64_t begin, int64_t end, int) {
  auto& meeting = *static_cast<Meeting*>(context);
  meeting.arrived.fetch_add(end - begin);
  while (meeting.arrived.load() < meeting.expected) {
  }
}

void run_once(ThreadPool& pool) {
  Meeting meeting{pool.threads()};
  pool.parallel_for(meeting.expected, 1, meet, &meeting);
}

void sleep_between(ThreadPool& pool) {
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto start = std::chrono::steady_clock::now();
    run_once(pool);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::ranges::sort(times);
  fmt::print("fork and join, workers asleep   {:9.2f} us\n", times[times.size() / 2]);
}

}  // namespace

void fork_join(const Options& options) {
  ThreadPool pool(options.threads);
  const auto no_reference = [] { return 0.0; };
  const Timing empty = measure([&] { run_once(pool); }, no_reference, options);
  fmt::print("fork and join, {} threads        {:9.3f} / {:.3f} us (median / best)\n",
             pool.threads(), 1e6 * empty.median, 1e6 * empty.best);
  sleep_between(pool);
  Compiled one(parse("graph @main(%x: f32[8]) -> (f32[8]) { %y = Relu(%x) : f32[8]\n return %y }"),
               options, pool);
  const Timing dispatch = measure([&] { one.run(); }, no_reference, options);
  fmt::print("a run of one small kernel       {:9.3f} / {:.3f} us\n", 1e6 * dispatch.median,
             1e6 * dispatch.best);
}

}  // namespace dlc::bench
