// The thread pool, CPU quotas.
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "runtime/cpu_quota.h"

namespace dlc {
namespace {

/// Calls parallel_for with a callable (begin, end, thread).
template <typename Work>
void each_range(ThreadPool& pool, int64_t count, int64_t grain, Work work) {
  pool.parallel_for(
      count, grain,
      [](void* context, int64_t begin, int64_t end, int thread) {
        (*static_cast<Work*>(context))(begin, end, thread);
      },
      &work);
}

int64_t sum_with(ThreadPool& pool, int64_t count) {
  std::atomic<int64_t> sum = 0;
  each_range(pool, count, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) sum += i;
  });
  return sum;
}

TEST(ThreadPool, EveryItemRunsExactlyOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int64_t count : {0, 1, 2, 3, 7, 64, 1001}) {
      std::vector<int> runs(count);  // unsynchronized: ranges are disjoint
      each_range(pool, count, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) ++runs[i];
      });
      EXPECT_EQ(runs, std::vector<int>(count, 1));
    }
  }
}

TEST(ThreadPool, RangesAreAtLeastTheGrain) {
  ThreadPool pool(3);
  for (int64_t count : {5, 100, 1000}) {
    std::atomic<int64_t> shortest = count;
    each_range(pool, count, 30, [&](int64_t begin, int64_t end, int) {
      int64_t seen = shortest;
      while (end - begin < seen && !shortest.compare_exchange_weak(seen, end - begin)) {
      }
    });
    EXPECT_GE(shortest, std::min<int64_t>(count, 30));
  }
}

TEST(ThreadPool, ManySmallJobsInARow) {
  ThreadPool pool(4);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(sum_with(pool, 40), 780);
}

TEST(ThreadPool, WorkersThatFellAsleepWakeUp) {
  ThreadPool pool(2);
  sum_with(pool, 10);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    // Both ranges wait for each other: one thread alone would give up.
    std::atomic<int> arrived = 0;
    std::atomic<bool> together = false;
    each_range(pool, 2, 1, [&](int64_t, int64_t, int) {
      ++arrived;
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (arrived < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      if (arrived == 2) together = true;
    });
    EXPECT_TRUE(together);
  }
}

TEST(ThreadPool, ThreadNumbersOfConcurrentRangesDiffer) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> users(3);
  std::atomic<bool> clash = false;
  each_range(pool, 300, 1, [&](int64_t, int64_t, int thread) {
    if (users.at(thread).fetch_add(1) != 0) clash = true;
    std::this_thread::yield();
    users[thread].fetch_sub(1);
  });
  EXPECT_FALSE(clash);
}

TEST(ThreadPool, NestedCallsRunOnTheThreadThatMakesThem) {
  ThreadPool pool(2);
  std::atomic<int> inner = 0, strangers = 0;
  each_range(pool, 8, 1, [&](int64_t begin, int64_t end, int thread) {
    const auto self = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i)
      each_range(pool, 10, 1, [&](int64_t from, int64_t to, int inner_thread) {
        inner += static_cast<int>(to - from);
        if (std::this_thread::get_id() != self || inner_thread != thread) ++strangers;
      });
  });
  EXPECT_EQ(inner, 80);
  EXPECT_EQ(strangers, 0);
}

TEST(ThreadPool, CallersShareThePoolWithoutWaiting) {
  ThreadPool pool(2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) wrong += sum_with(pool, 100) != 4950;
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, ABusyPoolLeavesTheSecondCallerOnItsOwn) {
  ThreadPool pool(2);
  std::atomic<bool> holding = false, let_go = false;
  std::thread holder([&] {
    each_range(pool, 2, 1, [&](int64_t, int64_t, int) {
      holding = true;
      while (!let_go) std::this_thread::yield();
    });
  });
  while (!holding) std::this_thread::yield();
  const auto self = std::this_thread::get_id();
  int64_t items = 0;
  each_range(pool, 50, 1, [&](int64_t begin, int64_t end, int) {
    EXPECT_EQ(std::this_thread::get_id(), self);
    items += end - begin;
  });
  EXPECT_EQ(items, 50);
  let_go = true;
  holder.join();
}

// Sanitizers have locks of their own, in which a fork may leave another thread for good.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST(ThreadPool, AForkedChildStartsItsOwnWorkers) {
  ThreadPool pool(2);
  ASSERT_EQ(sum_with(pool, 100), 4950);
  const pid_t child = fork();
  if (child == 0) {
    bool right = true;
    for (int i = 0; i < 20; ++i) right &= sum_with(pool, 100) == 4950;
    pool.~ThreadPool();
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(sum_with(pool, 100), 4950);
}
#endif

TEST(ThreadPool, NoThreadStartsBeforeThereIsParallelWork) {
  const auto threads = [] {
    int64_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/task"))
      ++count;
    return count;
  };
  std::thread([] {}).join();  // a sanitizer starts one of its own with the first
  const int64_t before = threads();
  {
    ThreadPool pool(4);
    sum_with(pool, 1);
    EXPECT_EQ(threads(), before);
    sum_with(pool, 100);
    EXPECT_EQ(threads(), before + 3);
  }
  EXPECT_EQ(threads(), before);
}

class CpuQuota : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(testing::TempDir()) /
            ("cgroup" + std::to_string(getpid()) +
             testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  std::filesystem::path root_;
};

TEST_F(CpuQuota, TheSmallestOnTheWayToTheRootCounts) {
  write("a/b/cpu.max", "400000 100000");
  write("a/cpu.max", "150000 100000");
  write("cpu.max", "max 100000");
  EXPECT_EQ(cpu_quota("0::/a/b\n", root_.string()), 1.5);
  EXPECT_EQ(cpu_quota("0::/\n", root_.string()), std::nullopt);
}

TEST_F(CpuQuota, APathOfTheHostFallsBackToWhatIsThere) {
  write("cpu.max", "50000 100000");
  EXPECT_EQ(cpu_quota("0::/docker/0123\n", root_.string()), 0.5);
}

TEST_F(CpuQuota, VersionOneHasTwoFilesPerController) {
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "300000");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  write("cpu,cpuacct/cpu.cfs_quota_us", "-1");
  write("cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cpu_quota("5:cpuset:/job\n4:cpu,cpuacct:/job\n", root_.string()), 3.0);
  EXPECT_EQ(cpu_quota("5:cpuset:/job\n", root_.string()), std::nullopt);
}

TEST_F(CpuQuota, StrangeTextIsNoQuota) {
  write("cpu.max", "what 0");
  EXPECT_EQ(cpu_quota("nonsense\n::\n0::/\n", root_.string()), std::nullopt);
}

TEST(AvailableThreads, IsAtLeastOneAndAtMostTheMachine) {
  EXPECT_GE(available_threads(), 1);
  EXPECT_LE(available_threads(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace dlc
