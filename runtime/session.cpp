// Session: a frame, and the caller's tensors around it.
// Next: runtime/frame.h.
#include "runtime/session.h"

#include <algorithm>
#include <functional>

#include "runtime/error.h"
#include "runtime/frame.h"

namespace dlc {
namespace {

bool overlap(const Tensor& a, const Tensor& b) {
  const auto *a_begin = static_cast<const char*>(a.data()), *a_end = a_begin + a.bytes();
  const auto *b_begin = static_cast<const char*>(b.data()), *b_end = b_begin + b.bytes();
  return std::less<>()(a_begin, b_end) && std::less<>()(b_begin, a_end);
}

/// Whether writing to `output` could change `other`.
bool overlap(const Tensor& output, const Datum& other) {
  if (other.kind == Datum::Kind::tensor) return overlap(output, other.tensor);
  return std::any_of(other.items.begin(), other.items.end(),
                     [&](const Datum& item) { return overlap(output, item); });
}

/// Whether output `index` shares memory with an input or another output.
bool shares_memory(std::span<const Datum> inputs, std::span<const Datum> outputs, size_t index) {
  if (outputs[index].kind != Datum::Kind::tensor) return false;
  const Tensor& output = outputs[index].tensor;
  for (const Datum& input : inputs)
    if (overlap(output, input)) return true;
  for (size_t other = 0; other < outputs.size(); ++other)
    if (other != index && overlap(output, outputs[other])) return true;
  return false;
}

}  // namespace

struct Session::State {
  State(std::shared_ptr<const Program> shared, ThreadPool& pool)
      : program(std::move(shared)), pool(pool) {
    reset();
  }

  void reset() {
    frame.reset();
    staged.clear();
    StepObserver* observer = workspace ? workspace->observer : nullptr;
    workspace = std::make_unique<Workspace>(pool);
    workspace->observer = observer;
    frame = std::make_unique<Frame>(*program, *workspace);
  }

  /// Runs into other memory, and copies from there once the inputs are not needed any more.
  void run_staged(std::span<const Datum> inputs, std::span<Datum> outputs) {
    staged.resize(outputs.size());
    std::vector<bool> shared(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      shared[i] = shares_memory(inputs, outputs, i);
      if (!shared[i]) staged[i] = outputs[i];
    }
    frame->run(inputs, staged);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!shared[i] || staged[i].kind != Datum::Kind::tensor) {
        outputs[i] = std::exchange(staged[i], Datum());
      } else {
        assign(staged[i].tensor, outputs[i]);
      }
    }
  }

  std::shared_ptr<const Program> program;
  ThreadPool& pool;
  std::unique_ptr<Workspace> workspace;
  std::unique_ptr<Frame> frame;
  std::vector<Datum> staged;
};

Session::Session(std::shared_ptr<const Program> program, ThreadPool& pool)
    : state_(std::make_unique<State>(std::move(program), pool)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

std::vector<Datum> Session::run(std::span<const Datum> inputs) {
  std::vector<Datum> outputs(state_->program->outputs.size());
  state_->frame->run(inputs, outputs);
  return outputs;
}

void Session::run(std::span<const Datum> inputs, std::span<Datum> outputs) {
  if (outputs.size() != state_->program->outputs.size())
    fail("{} outputs expected, got {}", state_->program->outputs.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (shares_memory(inputs, outputs, i)) return state_->run_staged(inputs, outputs);
  }
  state_->frame->run(inputs, outputs);
}

const Program& Session::program() const { return *state_->program; }
void Session::observe(StepObserver* observer) { state_->workspace->observer = observer; }
int64_t Session::arena_bytes() const { return state_->frame->arena_bytes(); }
void Session::trim() { state_->reset(); }

}  // namespace dlc
