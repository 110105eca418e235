// What the micro-benchmarks share: the machine's own limits, measured in the same run, and the
// timing of what is compared with them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"

namespace dlc::bench {

struct Options {
  std::string only;  ///< rows whose name contains this
  int threads = 1;
  int vector_bits = 0;   ///< 0: the widest
  double seconds = 0.3;  ///< per row
};

/// Multiply-adds of `vector_bits`, in GFLOP/s, of one thread: a loop of independent ones that lasts
/// about 0.1 ms.
double fma_peak(int vector_bits);
/// GB/s at which one thread adds up `data`.
double read_bandwidth(const std::vector<float>& data);

/// Seconds of one call (of processor time with one thread): median, the best quarter's limit and
/// best of many, timed in turns with `reference`, whose answers come along.
struct Timing {
  double median, quartile, best;
  double reference;  ///< median
};
Timing measure(const std::function<void()>& run, const std::function<double()>& reference,
               const Options& options);

/// `fma_peak` at the width that kernels are compiled for.
std::function<double()> fma_peak_of(const Options& options);

/// What one call does at least.
struct Work {
  double flops;
  double weights = 0;  ///< bytes; 0: not what limits it
};
/// A line about what was timed beside `fma_peak_of`: shares of the peak of all threads.
void print_row(const std::string& name, const Timing& timing, const Work& work,
               const Options& options);
void print_heading();  ///< what the numbers of such lines are

/// A graph of one or a few nodes, compiled, with random inputs.
class Compiled {
 public:
  Compiled(Graph graph, const Options& options, ThreadPool& pool);
  void run() { session_->run(inputs_, outputs_); }
  void observe(StepObserver* observer) { session_->observe(observer); }
  const std::string& schedule() const { return schedule_; }

 private:
  std::unique_ptr<Session> session_;
  std::vector<Datum> inputs_, outputs_;
  std::string schedule_;
};

/// Floats between -1 and 1, bytes of the whole range.
Tensor random_tensor(DType type, const Shape& shape, unsigned seed = 1);

// One function a command, with a line for people each.
void gemm(const Options& options);
void convolution(const Options& options);
void functions(const Options& options);
void fork_join(const Options& options);

}  // namespace dlc::bench
