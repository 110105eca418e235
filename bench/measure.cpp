// The machine's limits, and timing.
// Next: gemm.cpp.
#include "bench/measure.h"

#include <fmt/format.h>
#include <immintrin.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "compiler/driver/backend.h"
#include "compiler/driver/compile.h"

namespace dlc::bench {
namespace {

/// Seconds; those of this thread alone, so that strangers on the machine count less, if it is the
/// only one that works.
double now(bool alone = true) {
  timespec time{};
  clock_gettime(alone ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

constexpr int accumulators = 12;  // latency 4 x 2 pipes need 8

// The vector types are GCC's own: the operators become multiply-adds of the function's target.
using Vector128 [[gnu::vector_size(16)]] = float;

[[gnu::target("avx512f"), gnu::optimize("O2")]] float multiply_adds_512(int64_t steps) {
  __m512 sum[accumulators], a = _mm512_set1_ps(0.999F), b = _mm512_set1_ps(1e-3F);
  for (__m512& s : sum) s = b;
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (__m512& s : sum) s = _mm512_fmadd_ps(s, a, b);
  }
  for (int i = 1; i < accumulators; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  return _mm512_cvtss_f32(sum[0]);
}

[[gnu::target("avx2,fma"), gnu::optimize("O2")]] float multiply_adds_256(int64_t steps) {
  __m256 sum[accumulators], a = _mm256_set1_ps(0.999F), b = _mm256_set1_ps(1e-3F);
  for (__m256& s : sum) s = b;
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (__m256& s : sum) s = _mm256_fmadd_ps(s, a, b);
  }
  for (int i = 1; i < accumulators; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
  return _mm256_cvtss_f32(sum[0]);
}

[[gnu::optimize("O2")]] float multiply_adds_128(int64_t steps) {
  __m128 sum[accumulators], a = _mm_set1_ps(0.999F), b = _mm_set1_ps(1e-3F);
  for (__m128& s : sum) s = b;
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (__m128& s : sum) s = _mm_add_ps(_mm_mul_ps(s, a), b);
  }
  for (int i = 1; i < accumulators; ++i) sum[0] = _mm_add_ps(sum[0], sum[i]);
  return _mm_cvtss_f32(sum[0]);
}

[[gnu::optimize("O2")]] float add_up(const float* data, size_t count) {
  Vector128 sums[8] = {};
  for (size_t i = 0; i + 32 <= count; i += 32) {
#pragma GCC unroll 8
    for (size_t v = 0; v < 8; ++v) sums[v] += *reinterpret_cast<const Vector128*>(data + i + 4 * v);
  }
  for (size_t v = 1; v < 8; ++v) sums[0] += sums[v];
  return sums[0][0] + sums[0][1] + sums[0][2] + sums[0][3];
}

volatile float sink;

}  // namespace

double fma_peak(int vector_bits) {
  const int64_t steps = 16'000;
  const double start = now();
  sink = vector_bits == 512   ? multiply_adds_512(steps)
         : vector_bits == 256 ? multiply_adds_256(steps)
                              : multiply_adds_128(steps);
  const double flops = 2.0 * static_cast<double>(steps) * accumulators * (vector_bits / 32);
  return flops / (now() - start) / 1e9;
}

double read_bandwidth(const std::vector<float>& data) {
  const double start = now();
  sink = add_up(data.data(), data.size());
  return 4 * static_cast<double>(data.size()) / (now() - start) / 1e9;
}

Timing measure(const std::function<void()>& run, const std::function<double()>& reference,
               const Options& options) {
  const bool alone = options.threads == 1;
  constexpr double least = 1e-4;  // of one timing: short calls are timed together
  run();
  double start = now(alone);
  run();
  const int calls = static_cast<int>(std::max(1.0, least / std::max(now(alone) - start, 1e-9)));
  std::vector<double> times, references;
  const double end = now(false) + options.seconds;
  while (now(false) < end || times.size() < 7) {
    references.push_back(reference());
    start = now(alone);
    for (int i = 0; i < calls; ++i) run();
    times.push_back((now(alone) - start) / calls);
  }
  std::ranges::sort(times);
  std::ranges::sort(references);
  return {times[times.size() / 2], times[times.size() / 4], times[0],
          references[references.size() / 2]};
}

std::function<double()> fma_peak_of(const Options& options) {
  const int bits = llvm().host_target(options.vector_bits).vector_bits;
  return [bits] { return fma_peak(bits); };
}

void print_heading() { fmt::print("median / upper quartile / best\n"); }

void print_row(const std::string& name, const Timing& timing, const Work& work,
               const Options& options) {
  const double peak = timing.reference * 1e9 * options.threads;
  const auto share = [&](double seconds) { return 100 * work.flops / seconds / peak; };
  fmt::print("{:44} {:9.1f} us  {:5.1f} / {:5.1f} / {:5.1f} % of peak {:6.1f}", name,
             1e6 * timing.median, share(timing.median), share(timing.quartile), share(timing.best),
             peak / 1e9);
  if (work.weights > 0) fmt::print("  {:6.1f} GB/s of weights", work.weights / timing.median / 1e9);
  fmt::print("\n");
}

Tensor random_tensor(DType type, const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> values(static_cast<size_t>(Tensor::allocate(type, shape).size()));
  for (double& x : values) {
    const auto drawn = static_cast<double>(random() % 256);
    x = type == DType::u8 ? drawn : type == DType::i8 ? drawn - 128 : drawn / 128 - 1;
  }
  return Tensor::of(type, shape, values);
}

Compiled::Compiled(Graph graph, const Options& options, ThreadPool& pool) {
  for (Value input : graph.inputs()) {
    Shape shape;
    for (const Dim& dim : graph.type(input).shape) shape.push_back(dim.number());
    inputs_.emplace_back(
        random_tensor(graph.type(input).dtype, shape, static_cast<unsigned>(inputs_.size()) + 7));
  }
  CompileOptions compile_options;
  compile_options.vector_bits = options.vector_bits;
  CompileReport report;
  std::shared_ptr<const Program> program = compile(std::move(graph), compile_options, &report);
  for (const KernelReport& kernel : report.kernels) {
    schedule_ += (schedule_.empty() ? "" : "; ") + kernel.schedule;
  }
  outputs_.resize(program->outputs.size());
  session_ = std::make_unique<Session>(std::move(program), pool);
}

}  // namespace dlc::bench
