// ThreadPool: fork-join on spinning workers that go to sleep when nothing comes.
// Next: runtime/session.cpp.
#include "runtime/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/cpu_quota.h"

namespace dlc {
namespace {

// Waking a sleeping worker was measured at 84 us to 3 ms, joining a spinning one at 0.2 us: workers
// spin across the serial parts of an inference, and sleep soon after its end.
constexpr auto spin_time = std::chrono::milliseconds(2);
constexpr int pauses_per_clock_read = 64;
// More chunks than threads even out threads that run at different speeds.
constexpr int64_t chunks_per_thread = 4;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Tells a forked child, in which there are no workers, from its parent, without a system call: the
/// kernel hands the child a zeroed page.
class ForkMark {
 public:
  ForkMark() {
    void* page =
        mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (madvise(page, page_bytes, MADV_WIPEONFORK) != 0) {
      munmap(page, page_bytes);
      return;
    }
    page_ = static_cast<volatile int*>(page);
    *page_ = 1;
  }
  ~ForkMark() {
    if (page_) munmap(const_cast<int*>(page_), page_bytes);
  }
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  bool in_child() const { return page_ ? *page_ == 0 : getpid() != process_; }

 private:
  static constexpr size_t page_bytes = 4096;
  volatile int* page_ = nullptr;
  const pid_t process_ = getpid();
};

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake_all(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1 << 30, nullptr, nullptr, 0);
}

/// Which thread of which crew's job this one is while it runs one; -1: of none.
thread_local int current_thread = -1;
thread_local const void* current_crew = nullptr;

struct Job {
  ThreadPool::Body body = nullptr;
  void* context = nullptr;
  int64_t count = 0, chunks = 0;

  void run(int64_t chunk, int thread) const {
    const int64_t base = count / chunks, rest = count % chunks;
    const int64_t begin = chunk * base + std::min(chunk, rest);
    body(context, begin, begin + base + (chunk < rest ? 1 : 0), thread);
  }
};

/// The chunks that a thread runs before it helps others: a stretch of its own, about the same one
/// in each job, so that what one kernel wrote is mostly in the cache of the core whose thread reads
/// it next.
struct alignas(64) Share {
  std::atomic<int64_t> next = 0;
  std::atomic<int64_t> end = 0;
};

/// The workers of one process and the one job at a time that they share with its caller.
class Crew {
 public:
  explicit Crew(int threads) : threads_(threads), shares_(static_cast<size_t>(threads)) {}
  ~Crew();
  bool in_child() const { return mark_.in_child(); }
  bool try_take() { return !busy_.exchange(true, std::memory_order_acquire); }
  void release() { busy_.store(false, std::memory_order_release); }
  void run(const Job& job);

 private:
  // The gate counts the workers inside the current job; it can be entered while `open` is set. A
  // worker that sleeps or comes late never keeps a caller waiting.
  static constexpr uint64_t open = uint64_t{1} << 31;
  static constexpr uint64_t inside = open - 1;
  static constexpr uint64_t next_epoch = uint64_t{1} << 32;

  void start();
  void work_loop(int thread);
  void wait_for_news(uint64_t seen);
  void take_chunks(int thread);

  const int threads_;
  const ForkMark mark_;
  std::vector<std::thread> workers_;
  bool started_ = false;
  std::atomic<bool> busy_ = false, stop_ = false;
  Job job_;
  alignas(64) std::atomic<uint64_t> gate_ = 0;
  std::vector<Share> shares_;  ///< by thread
  alignas(64) std::atomic<uint32_t> bell_ = 0;
  std::atomic<int> sleepers_ = 0;
};

Crew::~Crew() {
  stop_.store(true);
  bell_.fetch_add(1);
  futex_wake_all(bell_);
  for (std::thread& worker : workers_) worker.join();
}

void Crew::start() {
  started_ = true;
  sigset_t all, before;  // signals are for the host's own threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int thread = 1; thread < threads_; ++thread) {
    try {
      workers_.emplace_back([this, thread] { work_loop(thread); });
    } catch (const std::system_error&) {
      break;  // a limit on threads: fewer do the same work
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Crew::take_chunks(int thread) {
  current_thread = thread;
  current_crew = this;
  for (int k = 0; k < threads_; ++k) {  // its own first
    Share& share = shares_[static_cast<size_t>((thread + k) % threads_)];
    const int64_t end = share.end.load(std::memory_order_relaxed);
    while (share.next.load(std::memory_order_relaxed) < end) {
      const int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
      if (chunk < end) job_.run(chunk, thread);
    }
  }
  current_thread = -1;
}

void Crew::run(const Job& job) {
  if (!started_) start();
  job_ = job;
  for (int64_t t = 0; t < threads_; ++t) {
    Share& share = shares_[static_cast<size_t>(t)];
    share.next.store(job.chunks * t / threads_, std::memory_order_relaxed);
    share.end.store(job.chunks * (t + 1) / threads_, std::memory_order_relaxed);
  }
  // Nobody is inside: only this caller, who holds busy_, writes the gate now.
  const uint64_t epoch = (gate_.load(std::memory_order_relaxed) & ~(open | inside)) + next_epoch;
  gate_.store(epoch | open);
  bell_.fetch_add(1);
  if (sleepers_.load() > 0) futex_wake_all(bell_);
  take_chunks(0);
  gate_.fetch_and(~open, std::memory_order_relaxed);
  for (int spins = 0; gate_.load(std::memory_order_acquire) & inside; ++spins) {
    if (spins < 10'000) {
      pause();
    } else {
      std::this_thread::yield();  // the worker has lost its core
    }
  }
}

void Crew::work_loop(int thread) {
  char name[16];
  std::snprintf(name, sizeof name, "dlc-%d", thread);
  pthread_setname_np(pthread_self(), name);
  uint64_t done = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    uint64_t gate = gate_.load(std::memory_order_acquire);
    if ((gate & open) == 0 || gate / next_epoch == done) {
      wait_for_news(done);
      continue;
    }
    if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) continue;
    done = gate / next_epoch;
    take_chunks(thread);
    gate_.fetch_sub(1, std::memory_order_release);
  }
}

/// Returns when there may be a job other than `seen`, or an end.
void Crew::wait_for_news(uint64_t seen) {
  const auto news = [&] {
    const uint64_t gate = gate_.load(std::memory_order_acquire);
    return ((gate & open) != 0 && gate / next_epoch != seen) ||
           stop_.load(std::memory_order_relaxed);
  };
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < pauses_per_clock_read; ++i) {
      if (news()) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  const uint32_t bell = bell_.load();
  sleepers_.fetch_add(1);
  // Either this sees the job, or its caller sees the sleeper, or the bell has changed.
  if (!news()) futex_wait(bell_, bell);
  sleepers_.fetch_sub(1);
}

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int affinity_threads() {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (!set) break;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

int available_threads() {
  const int threads = affinity_threads();
  const auto quota = cpu_quota(read_file("/proc/self/cgroup"), "/sys/fs/cgroup");
  // Rounded down: spinning workers would use up a fraction and have all threads throttled.
  return quota && *quota < threads ? std::max(1, static_cast<int>(*quota)) : threads;
}

struct ThreadPool::State {
  int threads;
  std::atomic<Crew*> crew = nullptr;

  /// The crew of this process. In a forked child the parent's is left behind: its threads do not
  /// exist there, and its locks may be in any state.
  Crew& own_crew() {
    Crew* current = crew.load(std::memory_order_acquire);
    if (current && !current->in_child()) return *current;
    auto fresh = std::make_unique<Crew>(threads);
    if (crew.compare_exchange_strong(current, fresh.get())) return *fresh.release();
    return *current;
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  state_->threads = std::clamp(threads > 0 ? threads : available_threads(), 1, 4096);
}

ThreadPool::~ThreadPool() {
  Crew* crew = state_->crew.load();
  if (crew && !crew->in_child()) delete crew;
}

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::parallel_for(int64_t count, int64_t grain, Body body, void* context) {
  if (count <= 0) return;
  const int64_t threads = state_->threads;
  int64_t chunks = std::min(count / std::max<int64_t>(grain, 1), threads * chunks_per_thread);
  if (chunks > threads && chunks < count) chunks -= chunks % threads;  // equal shares
  const bool nested = current_thread >= 0;
  if (chunks > 1 && threads > 1 && !nested) {
    Crew& crew = state_->own_crew();
    if (crew.try_take()) {
      crew.run({body, context, count, chunks});
      crew.release();
      return;
    }
  }
  // Another pool's thread may have a number that is too high here.
  const bool ours = nested && current_crew == state_->crew.load(std::memory_order_relaxed);
  body(context, 0, count, ours ? current_thread : 0);
}

}  // namespace dlc
