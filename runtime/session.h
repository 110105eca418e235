// Session: one caller's state over a Program: arena, symbol values, output buffers.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/program.h"
#include "runtime/thread_pool.h"

namespace dlc {

class Frame;

/// Called around each step of a run, for profiles and dumps: those of nested programs come within
/// that of their If, Loop or Scan. Time is in nanoseconds; `frame`
/// (runtime/frame.h) shows what slots hold by then, before later steps write over them.
struct StepObserver {
  virtual ~StepObserver() = default;
  virtual void before_step() {}
  virtual void after_step(const Step& step, int64_t nanoseconds, Frame& frame) = 0;
};

/// Runs a program. Not thread-safe: one session per thread; any number may share program and pool.
/// After a first run with given input shapes, runs with the same shapes allocate nothing but
/// outputs that the caller did not supply.
class Session {
 public:
  Session(std::shared_ptr<const Program> program, ThreadPool& pool);
  ~Session();
  Session(Session&&) noexcept;

  /// Inputs in the order of program().inputs; optional ones may be Datum kind `none`. Throws
  /// Error(invalid) naming the input whose dtype, rank or size does not fit.
  std::vector<Datum> run(std::span<const Datum> inputs);
  /// The same into `outputs`: a tensor of fitting dtype and shape is written in place, anything
  /// else is replaced.
  void run(std::span<const Datum> inputs, std::span<Datum> outputs);

  const Program& program() const;
  void observe(StepObserver* observer);  ///< null: none (the default)
  int64_t arena_bytes() const;           ///< of the plan in use, nested programs included
  /// Gives back what runs keep for the next one; it comes back with the next run.
  void trim();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dlc
