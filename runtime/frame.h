// Frame: the state of one program in a session: symbols, sizes, arena, host values. Nested programs
// have frames of their own (runtime/control_flow.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/epoch_plan.h"
#include "runtime/session.h"
#include "runtime/symbols.h"

namespace dlc {

/// What all frames of a session share.
class Workspace {
 public:
  explicit Workspace(ThreadPool& pool) : pool(pool) {}
  /// Memory of each thread for kernels; at least `bytes` from now on.
  void reserve_scratch(int64_t bytes);
  char* scratch() { return static_cast<char*>(scratch_.mutable_data()); }
  int64_t scratch_stride() const { return stride_; }

  ThreadPool& pool;
  StepObserver* observer = nullptr;

 private:
  Tensor scratch_;
  int64_t stride_ = 0;
};

class Frame;

/// Runs one If, Loop or Scan step of a frame, and keeps the frames and buffers for it.
class StepRunner {
 public:
  virtual ~StepRunner() = default;
  virtual void run(Frame& parent) = 0;
  virtual int64_t arena_bytes() const = 0;
};

class Frame {
 public:
  Frame(const Program& program, Workspace& workspace);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// Session::run, with the parent's symbols. Outputs that fit are written in place; they must not
  /// overlap each other or inputs.
  void run(std::span<const Datum> inputs, std::span<Datum> outputs,
           std::span<const int64_t> parent_symbols = {});
  int64_t arena_bytes() const;  ///< of the plans in use, nested frames included

  // --- for step runners
  const Program& program() const { return program_; }
  Workspace& workspace() { return workspace_; }
  const Symbols& symbols() const { return symbols_; }
  /// What a slot holds, into `datum`. A tensor becomes a view without an owner: whoever keeps it
  /// beyond the step clones it. Slot -1: none.
  void view(int slot, Datum& datum);
  void set_value(int slot, Datum value);  ///< of a slot of storage host; -1: drops it
  Datum take_value(int slot);             ///< leaves nothing behind; -1: none

 private:
  void enter_epoch(size_t epoch);
  void place_outputs(size_t epoch);
  Tensor allocate_output(size_t output, DType dtype) const;  ///< of shape_
  void set_data(int root, void* data);
  void run_step(size_t index);
  void run_kernel(const KernelStep& step);
  void run_host(const HostStep& step);
  void run_bind(const BindStep& step);
  void finish_outputs();

  struct EpochState {
    EpochPlans plans;
    const EpochPlan* plan = nullptr;
    Tensor arena;
  };

  const Program& program_;
  Workspace& workspace_;
  const Layout layout_;
  Symbols symbols_;
  std::vector<EpochState> epochs_;
  size_t epoch_ = 0;
  std::vector<std::unique_ptr<StepRunner>> runners_;  ///< by step; null: not a nested one
  std::vector<int64_t> dims_;                         ///< values
  std::vector<void*> data_;                           ///< of each slot: its first byte
  std::vector<Datum> values_;                         ///< of slots of storage host
  std::vector<bool> in_place_;  ///< of each output: it is written where it belongs
  std::span<const Datum> inputs_;
  std::span<Datum> outputs_;

  // Room for one step, so that none is allocated in a run.
  std::vector<void*> buffers_;
  std::vector<int64_t> params_;
  std::vector<Datum> host_inputs_, host_outputs_;
  std::vector<int64_t> shape_;
  Datum view_;
};

/// Whether `to` is a tensor of that type: then it is written in place.
bool fits(const Datum& to, DType dtype, std::span<const int64_t> shape);
/// Copies the elements if `to` fits, else makes it a clone.
void assign(const Tensor& from, Datum& to);

}  // namespace dlc
