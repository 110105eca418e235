// The one pool of worker threads, for all kernels of a Runtime.
#pragma once

#include <cstdint>
#include <memory>

namespace dlc {

/// Cores this process may use: the affinity mask, capped by the cgroup's CPU quota; at least 1.
int available_threads();

/// A fork-join pool. Workers start on first use, spin for a short while between jobs and then
/// sleep. parallel_for may be called from any thread; concurrent calls take turns (a caller that
/// finds the pool busy runs its job alone, so nothing ever waits for a stranger). Nested calls run
/// serially.
class ThreadPool {
 public:
  explicit ThreadPool(
      int threads);  ///< threads in all, the caller included; 0: available_threads()
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// body(context, begin, end, thread) over a partition of [0, count); ranges are at least `grain`
  /// long; thread is in [0, threads()). Returns when all is done. body must not throw.
  using Body = void (*)(void* context, int64_t begin, int64_t end, int thread);
  void parallel_for(int64_t count, int64_t grain, Body body, void* context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dlc
