// What a compiled model may not do once it runs: allocate, grow, or dawdle.
// DLC_TEST_SCALE=N runs N times as many shapes and runs: 10 gives 1,000 shapes and 100,000 runs.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "runtime/session.h"
#include "tests/support/random_inputs.h"
#include "tests/unit/runtime/allocation_counter.h"

namespace dlc {
namespace {

int scale() {
  const char* text = std::getenv("DLC_TEST_SCALE");
  return text ? std::max(std::atoi(text), 1) : 1;
}

/// What malloc keeps for itself, of all sizes that it was asked for, counts as given out.
constexpr size_t malloc_cache = 32 << 10;

/// Bytes that malloc has given out.
size_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// A convolution, a product, rows and pointwise work, for any batch.
constexpr const char* model = R"(graph @main(%x: f32[batch,3,10,10]) -> (f32[batch,6]) {
  %w = Constant(value=f32[2,3,1,1]{1, -1, 2, -2, 3, -3}) : f32[2,3,1,1]
  %0 = Conv(%x, %w, strides=[2,2]) : f32[batch,2,5,5]
  %1 = Relu(%0) : f32[batch,2,5,5]
  %2 = Flatten(%1) : f32[batch,50]
  %3 = Transpose(%2, perm=[1,0]) : f32[50,batch]
  %4 = MatMul(%2, %3) : f32[batch,batch]
  %5 = Softmax(%4) : f32[batch,batch]
  %6 = MatMul(%5, %2) : f32[batch,50]
  %s = Constant(value=i64[1]{0}) : i64[1]
  %e = Constant(value=i64[1]{6}) : i64[1]
  %a = Constant(value=i64[1]{1}) : i64[1]
  %7 = Slice(%6, %s, %e, %a) : f32[batch,6]
  %8 = Exp(%7) : f32[batch,6]
  return %8
})";

std::vector<Datum> input(int64_t batch) {
  Tensor x = Tensor::allocate(DType::f32, {batch, 3, 10, 10});
  for (int64_t i = 0; i < x.size(); ++i)
    x.as_mutable<float>()[i] = 0.001F * static_cast<float>(i % 700);
  return {x};
}

TEST(SteadyState, ARunOfACompiledModelAllocatesNothing) {
  ThreadPool pool(2);
  Session session(compile(parse(model), {.threads = 1}), pool);
  const std::vector<Datum> inputs = input(4);
  std::vector<Datum> outputs(1);
  for (int i = 0; i < 3; ++i) session.run(inputs, outputs);
  const int64_t news = allocation_count();
  const size_t bytes = allocated();
  for (int i = 0; i < 100; ++i) session.run(inputs, outputs);
  EXPECT_EQ(allocation_count(), news);
  EXPECT_EQ(allocated(), bytes);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// From here on, any system call of any thread but to wait, to wake, and to end kills the process.
/// False where the system does not offer that.
bool forbid_system_calls() {
  constexpr auto skip_unless = [](uint32_t number, uint8_t skip) -> sock_filter {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, skip);
  };
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      skip_unless(SYS_futex, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      skip_unless(SYS_sched_yield, 1),  // waiting for a thread that does not get a processor
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      skip_unless(SYS_exit_group, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog filter = {std::size(rules), rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

/// A thread that has only just been started calls the system.
void let_all_threads_work(ThreadPool& pool) {
  struct Meeting {
    int64_t expected;
    std::atomic<int64_t> arrived = 0;
  } meeting{pool.threads()};
  const auto meet = [](void* context, int64_t begin, int64_t end, int) {
    auto& here = *static_cast<Meeting*>(context);
    here.arrived += end - begin;
    while (here.arrived < here.expected) {
    }
  };
  pool.parallel_for(meeting.expected, 1, meet, &meeting);
}

/// Ends the process: with 0 if 1,000 runs on two threads needed no system call.
[[noreturn]] void run_without_system_calls(bool with_one) {
  ThreadPool pool(2);
  Session session(compile(parse(model), {.threads = 1}), pool);
  const std::vector<Datum> inputs = input(64);
  std::vector<Datum> outputs(1);
  for (int i = 0; i < 3; ++i) {
    session.run(inputs, outputs);
    let_all_threads_work(pool);
  }
  constexpr int no_such_feature = 77;
  if (!forbid_system_calls()) _exit(no_such_feature);
  for (int i = 0; i < 1000; ++i) session.run(inputs, outputs);
  if (with_one) getppid();
  _exit(0);
}

TEST(SteadyState, ARunCallsTheSystemOnlyToWakeThreads) {
  if (sanitized) GTEST_SKIP() << "sanitizers call the system themselves";
  if (prctl(PR_GET_SECCOMP) < 0) GTEST_SKIP() << "this system cannot forbid system calls";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_without_system_calls(false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run_without_system_calls(true), testing::KilledBySignal(SIGSYS), "");
}

TEST(SteadyState, MemoryStaysFlatOverManyShapes) {
  ThreadPool pool(1);
  Session session(compile(parse(model), {.threads = 1}), pool);
  std::vector<Datum> outputs(1);
  const int shapes = 100 * scale();
  const auto run = [&](int64_t batch) { session.run(input(batch), outputs); };
  run(shapes);  // the largest arena
  for (int batch = 1; batch <= 20; ++batch) run(batch);
  const size_t before = allocated();
  for (int batch = 1; batch < shapes; ++batch) run(batch);
  for (int batch = 1; batch <= 20; ++batch) run(batch);
  EXPECT_LE(allocated(), before + malloc_cache);
}

TEST(SteadyState, MemoryStaysFlatOverManyRuns) {
  ThreadPool pool(1);
  Session session(compile(parse(model), {.threads = 1}), pool);
  const std::vector<Datum> inputs = input(1);
  std::vector<Datum> outputs(1);
  session.run(inputs, outputs);
  const size_t before = allocated();
  for (int i = 0; i < 10'000 * scale(); ++i) session.run(inputs, outputs);
  EXPECT_EQ(allocated(), before);
}

TEST(SteadyState, TrimGivesBackWhatALargeShapeTook) {
  if (sanitized) GTEST_SKIP() << "sanitizers keep what is given back";
  ThreadPool pool(1);
  Session session(compile(parse(model), {.threads = 1}), pool);
  const std::vector<Datum> want = session.run(input(2));
  const size_t before = allocated();
  session.run(input(3000));
  EXPECT_GT(allocated(), before + 1'000'000);
  session.trim();
  EXPECT_EQ(session.arena_bytes(), 0);
  EXPECT_LE(allocated(), before + malloc_cache);
  EXPECT_TRUE(identical(session.run(input(2))[0].tensor, want[0].tensor));
}

TEST(SteadyState, OneKernelIsDispatchedInTwoMicroseconds) {
#ifndef NDEBUG
  GTEST_SKIP() << "times of this build say nothing";
#endif
  if (sanitized) GTEST_SKIP() << "times of this build say nothing";
  ThreadPool pool(2);
  Session session(compile(parse(R"(graph @main(%x: f32[8]) -> (f32[8]) {
    %0 = Relu(%x) : f32[8]
    return %0
  })"),
                          {.threads = 1}),
                  pool);
  const std::vector<Datum> inputs = {Tensor::of(DType::f32, {8}, std::vector<double>(8, 1.0))};
  std::vector<Datum> outputs(1);
  session.run(inputs, outputs);
  // The best of many rounds: others may use the machine as well.
  double best = 1e9;
  for (int round = 0; round < 200; ++round) {
    constexpr int runs = 100;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < runs; ++i) session.run(inputs, outputs);
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count() / runs);
  }
  EXPECT_LT(best, 2.0) << "microseconds a run";
  RecordProperty("microseconds", std::to_string(best));
}

}  // namespace
}  // namespace dlc
