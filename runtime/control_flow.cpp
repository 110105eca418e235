// Running If, Loop and Scan. Their buffers stay from run to run.
// Next: runtime/stack.cpp.
#include "runtime/control_flow.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "runtime/error.h"
#include "runtime/numeric.h"
#include "runtime/stack.h"

namespace dlc {
namespace {

/// A value that may be written to by a run, or nothing: memory that somebody else holds is not.
void keep_if_ours(Datum& datum) {
  if (datum.kind != Datum::Kind::tensor || datum.tensor.owner().use_count() != 1) datum = {};
}

/// The value of a slot, beyond the step.
Datum keep(Datum view) {
  if (view.kind == Datum::Kind::tensor && !view.tensor.owner()) view.tensor = view.tensor.clone();
  return view;
}

bool read_condition(const Datum& datum) {
  if (datum.kind != Datum::Kind::tensor || datum.tensor.size() < 1)
    fail("the condition has no element");
  return load_integer(datum.tensor.dtype(), datum.tensor.data(), 0) != 0;
}

int64_t read_trip_count(const Datum& datum) {
  if (datum.kind == Datum::Kind::none) return std::numeric_limits<int64_t>::max();
  if (datum.kind != Datum::Kind::tensor || datum.tensor.size() < 1)
    fail("the trip count has no element");
  return load_integer(datum.tensor.dtype(), datum.tensor.data(), 0);
}

/// `storage` as an input that the body may not keep, in the rank (0 or 1) that it declares.
template <typename T>
void pass_scalar(const Parameter& parameter, DType dtype, const T& storage, Datum& input) {
  constexpr int64_t one[] = {1};
  input.kind = Datum::Kind::tensor;
  input.tensor.rebind(dtype, std::span(one).first(parameter.shape.empty() ? 0 : 1), &storage);
}

class IfRunner : public StepRunner {
 public:
  explicit IfRunner(const IfStep& step)
      : step_(step), inputs_(step.inputs.size()), outputs_(step.outputs.size()) {}

  void run(Frame& parent) override {
    parent.view(step_.condition, condition_);
    const bool taken = read_condition(condition_);
    std::unique_ptr<Frame>& branch = taken ? then_ : else_;
    if (!branch)
      branch = std::make_unique<Frame>(taken ? *step_.then_branch : *step_.else_branch,
                                       parent.workspace());
    for (size_t i = 0; i < inputs_.size(); ++i) parent.view(step_.inputs[i], inputs_[i]);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i] = parent.take_value(step_.outputs[i]);
      keep_if_ours(outputs_[i]);
    }
    with_context([&] { return taken ? "If, then_branch" : "If, else_branch"; },
                 [&] { branch->run(inputs_, outputs_, parent.symbols().values()); });
    for (size_t i = 0; i < outputs_.size(); ++i)
      parent.set_value(step_.outputs[i], std::exchange(outputs_[i], Datum()));
  }

  int64_t arena_bytes() const override {
    return (then_ ? then_->arena_bytes() : 0) + (else_ ? else_->arena_bytes() : 0);
  }

 private:
  const IfStep& step_;
  std::unique_ptr<Frame> then_, else_;
  Datum condition_;
  std::vector<Datum> inputs_, outputs_;
};

/// States that a body reads and writes in turn. Each has two buffers: one is read while the other
/// is written.
class States {
 public:
  /// `inputs` and `outputs` are the body's, from its first state on.
  void begin(Frame& parent, const std::vector<int>& slots, std::span<Datum> inputs,
             std::span<Datum> outputs) {
    spare_.resize(slots.size());
    inputs_ = inputs.first(slots.size());
    outputs_ = outputs.first(slots.size());
    for (size_t k = 0; k < slots.size(); ++k) {
      keep_if_ours(outputs_[k]);
      keep_if_ours(spare_[k]);
      parent.view(slots[k], inputs_[k]);
    }
  }

  void advance(int64_t iteration) {
    for (size_t k = 0; k < inputs_.size(); ++k) {
      std::swap(inputs_[k], outputs_[k]);
      // What came in first is not ours to write to.
      if (iteration == 0) outputs_[k] = std::exchange(spare_[k], Datum());
      keep_if_ours(outputs_[k]);
    }
  }

  /// The final state. Our hold on it stays: its memory comes back when nobody else has it.
  Datum finish(size_t k) {
    inputs_[k] = keep(std::exchange(inputs_[k], Datum()));
    spare_[k] = inputs_[k];
    return std::exchange(inputs_[k], Datum());
  }

 private:
  std::span<Datum> inputs_, outputs_;
  std::vector<Datum> spare_;
};

class LoopRunner : public StepRunner {
 public:
  explicit LoopRunner(const LoopStep& step)
      : step_(step),
        inputs_(2 + step.states.size() + step.captures.size()),
        outputs_(step.body->outputs.size()),
        stacks_(outputs_.size() - 1 - step.states.size()) {
    assert(outputs_.size() > step.states.size() && "a condition, the states, the scans");
  }

  void run(Frame& parent) override {
    if (!body_) body_ = std::make_unique<Frame>(*step_.body, parent.workspace());
    for (int slot : step_.outputs) parent.take_value(slot);
    begin(parent);
    int64_t i = 0;
    for (; i < trips_ && condition_; ++i)
      with_context([&] { return fmt::format("Loop, iteration {}", i); },
                   [&] { iterate(parent, i); });
    finish(parent, i);
  }

  int64_t arena_bytes() const override { return body_ ? body_->arena_bytes() : 0; }

 private:
  void begin(Frame& parent) {
    Datum given;
    parent.view(step_.trip_count, given);
    trips_ = read_trip_count(given);
    parent.view(step_.condition, given);
    condition_ = given.kind == Datum::Kind::none || read_condition(given);
    pass_scalar(step_.body->inputs[0], DType::i64, iteration_, inputs_[0]);
    pass_scalar(step_.body->inputs[1], DType::boolean, condition_, inputs_[1]);
    const size_t states = step_.states.size();
    states_.begin(parent, step_.states, std::span(inputs_).subspan(2),
                  std::span(outputs_).subspan(1));
    for (size_t k = 0; k < step_.captures.size(); ++k)
      parent.view(step_.captures[k], inputs_[2 + states + k]);
    for (size_t k = 0; k < stacks_.size(); ++k) {
      stacks_[k].begin(std::max<int64_t>(trips_, 0), false);
      keep_if_ours(outputs_[1 + states + k]);
    }
  }

  void iterate(Frame& parent, int64_t i) {
    iteration_ = i;
    const size_t first_scan = 1 + step_.states.size();
    for (size_t k = 0; k < stacks_.size(); ++k) stacks_[k].prepare(i, outputs_[first_scan + k]);
    body_->run(inputs_, outputs_, parent.symbols().values());
    condition_ = read_condition(outputs_[0]);
    for (size_t k = 0; k < stacks_.size(); ++k) stacks_[k].take(i, outputs_[first_scan + k]);
    states_.advance(i);
  }

  void finish(Frame& parent, int64_t count) {
    const size_t states = step_.states.size();
    for (size_t k = 0; k < states; ++k) parent.set_value(step_.outputs[k], states_.finish(k));
    for (size_t k = 0; k < stacks_.size(); ++k) {
      outputs_[1 + states + k] = {};  // it may point into the stack
      parent.set_value(
          step_.outputs[states + k],
          stacks_[k].finish(count, step_.body->outputs[1 + states + k], parent.symbols()));
    }
  }

  const LoopStep& step_;
  std::unique_ptr<Frame> body_;
  std::vector<Datum> inputs_, outputs_;
  States states_;
  std::vector<Stack> stacks_;
  int64_t trips_ = 0, iteration_ = 0;
  bool condition_ = true;
};

/// Gives a body the slices of one tensor, in place where they are whole runs of bytes.
class Slices {
 public:
  void begin(const Tensor& sequence, int64_t axis, bool reversed) {
    sequence_ = sequence;
    const int64_t rank = sequence.rank();
    if (axis < -rank || axis >= rank) fail("input axis {} is outside [-{}, {})", axis, rank, rank);
    axis += axis < 0 ? rank : 0;
    reversed_ = reversed;
    shape_ = sequence.shape();
    length_ = shape_[axis];
    shape_.erase(shape_.begin() + axis);
    outer_ = inner_ = 1;
    for (int64_t k = 0; k + 1 < rank; ++k) (k < axis ? outer_ : inner_) *= shape_[k];
    direct_ = axis == 0 && inner_ * bits(sequence.dtype()) % 8 == 0;
    if (!direct_ && (buffer_.dtype() != sequence.dtype() || buffer_.shape() != shape_))
      buffer_ = Tensor::allocate(sequence.dtype(), shape_);
  }
  int64_t length() const { return length_; }

  void slice(int64_t i, Datum& input) {
    const int64_t at = reversed_ ? length_ - 1 - i : i;
    const void* data = buffer_.data();
    if (direct_) {
      data = static_cast<const char*>(sequence_.data()) + byte_size(sequence_.dtype(), at * inner_);
    } else {
      for (int64_t k = 0; k < outer_; ++k)
        copy_elements(sequence_, (k * length_ + at) * inner_, buffer_, k * inner_, inner_);
    }
    if (input.kind != Datum::Kind::tensor) input = {};
    input.kind = Datum::Kind::tensor;
    input.tensor.rebind(sequence_.dtype(), shape_, data);
  }

 private:
  Tensor sequence_, buffer_;
  Shape shape_;
  int64_t length_ = 0, outer_ = 1, inner_ = 1;
  bool reversed_ = false, direct_ = false;
};

class ScanRunner : public StepRunner {
 public:
  explicit ScanRunner(const ScanStep& step)
      : step_(step),
        inputs_(step.states.size() + step.sequences.size() + step.captures.size()),
        outputs_(step.body->outputs.size()),
        slices_(step.sequences.size()),
        stacks_(outputs_.size() - step.states.size()) {
    assert(outputs_.size() >= step.states.size() && "the states, the slices");
  }

  void run(Frame& parent) override {
    if (!body_) body_ = std::make_unique<Frame>(*step_.body, parent.workspace());
    for (int slot : step_.outputs) parent.take_value(slot);
    const int64_t length = with_context([] { return "Scan"; }, [&] { return begin(parent); });
    for (int64_t i = 0; i < length; ++i)
      with_context([&] { return fmt::format("Scan, iteration {}", i); },
                   [&] { iterate(parent, i); });
    finish(parent, length);
  }

  int64_t arena_bytes() const override { return body_ ? body_->arena_bytes() : 0; }

 private:
  int64_t begin(Frame& parent) {
    const size_t states = step_.states.size(), sequences = step_.sequences.size();
    for (size_t k = 0; k < sequences; ++k) {
      parent.view(step_.sequences[k], given_);
      slices_[k].begin(given_.tensor, k < step_.input_axes.size() ? step_.input_axes[k] : 0,
                       k < step_.input_reversed.size() && step_.input_reversed[k]);
      if (slices_[k].length() != slices_[0].length())
        fail("scanned inputs must have one length, got {} and {}", slices_[0].length(),
             slices_[k].length());
    }
    states_.begin(parent, step_.states, inputs_, outputs_);
    for (size_t k = 0; k < step_.captures.size(); ++k)
      parent.view(step_.captures[k], inputs_[states + sequences + k]);
    const int64_t length = slices_.empty() ? 0 : slices_[0].length();
    for (size_t k = 0; k < stacks_.size(); ++k) {
      stacks_[k].begin(length, true, k < step_.output_axes.size() ? step_.output_axes[k] : 0,
                       k < step_.output_reversed.size() && step_.output_reversed[k]);
      keep_if_ours(outputs_[states + k]);
    }
    return length;
  }

  void iterate(Frame& parent, int64_t i) {
    const size_t states = step_.states.size();
    for (size_t k = 0; k < slices_.size(); ++k) slices_[k].slice(i, inputs_[states + k]);
    for (size_t k = 0; k < stacks_.size(); ++k) stacks_[k].prepare(i, outputs_[states + k]);
    body_->run(inputs_, outputs_, parent.symbols().values());
    for (size_t k = 0; k < stacks_.size(); ++k) stacks_[k].take(i, outputs_[states + k]);
    states_.advance(i);
  }

  void finish(Frame& parent, int64_t count) {
    const size_t states = step_.states.size();
    for (size_t k = 0; k < states; ++k) parent.set_value(step_.outputs[k], states_.finish(k));
    for (size_t k = 0; k < stacks_.size(); ++k) {
      outputs_[states + k] = {};  // it may point into the stack
      parent.set_value(step_.outputs[states + k],
                       stacks_[k].finish(count, step_.body->outputs[states + k], parent.symbols()));
    }
  }

  const ScanStep& step_;
  std::unique_ptr<Frame> body_;
  Datum given_;
  std::vector<Datum> inputs_, outputs_;
  States states_;
  std::vector<Slices> slices_;
  std::vector<Stack> stacks_;
};

}  // namespace

std::unique_ptr<StepRunner> make_runner(const Step& step) {
  if (const auto* branch = std::get_if<IfStep>(&step)) return std::make_unique<IfRunner>(*branch);
  if (const auto* loop = std::get_if<LoopStep>(&step)) return std::make_unique<LoopRunner>(*loop);
  if (const auto* scan = std::get_if<ScanStep>(&step)) return std::make_unique<ScanRunner>(*scan);
  return nullptr;
}

}  // namespace dlc
