// Running the steps of a program.
// Next: runtime/control_flow.cpp.
#include "runtime/frame.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string>

#include "runtime/control_flow.h"
#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

// A kernel is split when its ranges take about 2 us each, ten times what a fork-join costs; one
// operation is a vector lane's, some 16 of them take a nanosecond.
constexpr int64_t least_operations = 32'768;

// Threads must not share cache lines (or pairs of them, which are fetched together).
constexpr int64_t scratch_alignment = 128;

struct KernelCall {
  KernelFunction function;
  void* const* buffers;
  const int64_t* params;
  char* scratch;
  int64_t stride;
};

void run_range(void* context, int64_t begin, int64_t end, int thread) {
  const auto& call = *static_cast<const KernelCall*>(context);
  call.function(call.buffers, call.params, call.scratch + thread * call.stride, begin, end);
}

std::string describe(const HostStep& step) {
  return fmt::format("node '{}' ({})", fmt::join(step.origins, "', '"), step.name);
}

}  // namespace

void Workspace::reserve_scratch(int64_t bytes) {
  if (bytes <= stride_ && !scratch_.empty()) return;
  if (bytes > INT64_MAX / 8192)
    fail_as(ErrorCode::limit, "out of memory: scratch of {} bytes", bytes);
  stride_ = (bytes + scratch_alignment - 1) / scratch_alignment * scratch_alignment;
  scratch_ = {};
  scratch_ = Tensor::allocate(DType::u8, {stride_ * pool.threads()});
}

bool fits(const Datum& to, DType dtype, std::span<const int64_t> shape) {
  return to.kind == Datum::Kind::tensor && to.tensor.dtype() == dtype &&
         std::equal(shape.begin(), shape.end(), to.tensor.shape().begin(), to.tensor.shape().end());
}

void assign(const Tensor& from, Datum& to) {
  if (!fits(to, from.dtype(), from.shape())) {
    to = from.clone();
  } else if (to.tensor.data() != from.data()) {
    copy_elements(from, 0, to.tensor, 0, from.size());
  }
}

Frame::Frame(const Program& program, Workspace& workspace)
    : program_(program),
      workspace_(workspace),
      layout_(program),
      symbols_(program),
      epochs_(layout_.epochs.size()),
      runners_(program.steps.size()),
      dims_(program.dims.size()),
      data_(program.slots.size()),
      values_(program.slots.size()),
      in_place_(program.outputs.size()),
      buffers_(layout_.most_buffers),
      params_(layout_.most_params),
      host_inputs_(layout_.most_inputs),
      host_outputs_(layout_.most_outputs) {
  assert(program.dims.size() == program.dim_epoch.size() && "each dim has an epoch");
  for (size_t step = 0; step < program.steps.size(); ++step)
    runners_[step] = make_runner(program.steps[step]);
  for (size_t slot = 0; slot < program.slots.size(); ++slot) {
    if (program.slots[slot].storage == Storage::constant)
      set_data(static_cast<int>(slot),
               const_cast<void*>(program.constants[program.slots[slot].index].data()));
  }
}

Frame::~Frame() = default;

void Frame::set_data(int root, void* data) {
  for (int slot : layout_.aliases[root]) data_[slot] = data;
}

void Frame::run(std::span<const Datum> inputs, std::span<Datum> outputs,
                std::span<const int64_t> parent_symbols) {
  assert(outputs.size() == program_.outputs.size() && "one datum for each output");
  inputs_ = inputs;
  outputs_ = outputs;
  symbols_.bind_inputs(inputs, parent_symbols);
  for (size_t i = 0; i < inputs.size(); ++i)
    set_data(program_.input_slots[i], const_cast<void*>(inputs[i].tensor.data()));
  std::fill(in_place_.begin(), in_place_.end(), false);
  enter_epoch(0);
  for (size_t step = 0; step < program_.steps.size(); ++step) {
    if (!workspace_.observer) {
      run_step(step);
      continue;
    }
    workspace_.observer->before_step();
    const auto start = std::chrono::steady_clock::now();
    run_step(step);
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
    workspace_.observer->after_step(program_.steps[step], taken.count(), *this);
  }
  finish_outputs();
}

void Frame::enter_epoch(size_t epoch) {
  epoch_ = epoch;
  EpochState& state = epochs_[epoch];
  const auto symbols = symbols_.values();
  if (!state.plan || !std::equal(symbols.begin(), symbols.end(), state.plan->symbols.begin())) {
    state.plan = nullptr;  // should finding one fail
    const EpochPlan& plan = state.plans.find(program_, layout_, epoch, symbols, dims_);
    workspace_.reserve_scratch(plan.scratch_bytes);
    if (state.arena.empty() || state.arena.size() < plan.bytes) {
      state.arena = {};
      state.arena = Tensor::allocate(DType::u8, {plan.bytes});
    }
    const std::vector<int>& slots = layout_.epochs[epoch].arena;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (plan.offsets[i] >= 0)
        set_data(slots[i], static_cast<char*>(state.arena.mutable_data()) + plan.offsets[i]);
    }
    state.plan = &plan;
  }
  place_outputs(epoch);
}

Tensor Frame::allocate_output(size_t output, DType dtype) const {
  return with_context([&] { return "output '" + program_.outputs[output].name + "'"; },
                      [&] { return Tensor::allocate(dtype, shape_); });
}

void Frame::place_outputs(size_t epoch) {
  const std::vector<Layout::InPlace>& candidates = layout_.epochs[epoch].in_place;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!epochs_[epoch].plan->in_place[i]) continue;
    const auto& [output, slot, root] = candidates[i];
    shape_of(program_.slots[slot], dims_, shape_);
    Datum& datum = outputs_[output];
    if (!fits(datum, program_.slots[slot].dtype, shape_))
      datum = allocate_output(output, program_.slots[slot].dtype);
    set_data(root, datum.tensor.mutable_data());
    in_place_[output] = true;
  }
}

void Frame::run_step(size_t index) {
  const Step& step = program_.steps[index];
  if (const auto* kernel = std::get_if<KernelStep>(&step)) {
    run_kernel(*kernel);
  } else if (const auto* host = std::get_if<HostStep>(&step)) {
    with_context([&] { return describe(*host); }, [&] { run_host(*host); });
  } else if (const auto* bind = std::get_if<BindStep>(&step)) {
    run_bind(*bind);
  } else {
    runners_[index]->run(*this);
  }
  for (int slot : layout_.releases[index]) values_[slot] = {};
}

void Frame::run_kernel(const KernelStep& step) {
  const int64_t items = step.items < 0 ? 1 : dims_[step.items];
  if (items <= 0) return;
  for (size_t i = 0; i < step.buffers.size(); ++i) buffers_[i] = data_[step.buffers[i]];
  for (size_t i = 0; i < step.params.size(); ++i) params_[i] = dims_[step.params[i]];
  KernelCall call{step.function, buffers_.data(), params_.data(), workspace_.scratch(),
                  workspace_.scratch_stride()};
  const int64_t cost = step.item_cost < 0 ? 1 : std::max<int64_t>(dims_[step.item_cost], 1);
  const int64_t grain = std::max<int64_t>(least_operations / cost, 1);
  workspace_.pool.parallel_for(items, grain, run_range, &call);
}

void Frame::view(int slot, Datum& datum) {
  const int root = slot < 0 ? -1 : layout_.root[slot];
  if (root < 0) {
    datum = {};
    return;
  }
  const Slot& base = program_.slots[root];
  const Datum* whole = base.storage == Storage::input  ? &inputs_[base.index]
                       : base.storage == Storage::host ? &values_[root]
                                                       : nullptr;
  if (whole && whole->kind != Datum::Kind::tensor) {
    datum = *whole;
    return;
  }
  if (datum.kind != Datum::Kind::tensor) datum = {};
  datum.kind = Datum::Kind::tensor;
  if (slot == root && base.storage != Storage::arena) {
    const Tensor& tensor = whole ? whole->tensor : program_.constants[base.index];
    datum.tensor.rebind(tensor.dtype(), tensor.shape(), tensor.data());
    return;
  }
  shape_of(program_.slots[slot], dims_, shape_);
  datum.tensor.rebind(program_.slots[slot].dtype, shape_, data_[slot]);
}

void Frame::set_value(int slot, Datum value) {
  if (slot < 0) return;
  const Slot& target = program_.slots[slot];
  assert(target.storage == Storage::host && "only host slots have values of their own");
  if (target.dtype != DType::undefined &&
      (value.kind != Datum::Kind::tensor || value.tensor.dtype() != target.dtype)) {
    fail("value '{}' must be a tensor of {}, but {} was computed", target.name, name(target.dtype),
         value.kind == Datum::Kind::tensor ? name(value.tensor.dtype()) : "something else");
  }
  values_[slot] = std::move(value);
  set_data(slot, values_[slot].tensor.mutable_data());
}

Datum Frame::take_value(int slot) {
  if (slot < 0) return {};
  return std::exchange(values_[slot], Datum());
}

void Frame::run_host(const HostStep& step) {
  const std::span inputs = std::span(host_inputs_).first(step.inputs.size());
  const std::span outputs = std::span(host_outputs_).first(step.outputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) view(step.inputs[i], inputs[i]);
  for (Datum& output : outputs) output = {};
  step.function({inputs, outputs, step.attrs});
  for (size_t i = 0; i < outputs.size(); ++i)
    set_value(step.outputs[i], std::exchange(outputs[i], Datum()));
}

void Frame::run_bind(const BindStep& step) {
  const auto size = [&](const BindStep::FromShape& from) {
    view(from.slot, view_);
    if (view_.kind != Datum::Kind::tensor || view_.tensor.rank() <= from.axis)
      fail("value '{}' has no axis {}", program_.slots[from.slot].name, from.axis);
    return view_.tensor.shape()[from.axis];
  };
  for (const BindStep::FromShape& from : step.shapes) {
    if (symbols_.is_unbound_symbol(program_.dims[from.dim]))
      symbols_.bind(program_.dims[from.dim], size(from));
  }
  for (const BindStep::FromElement& from : step.elements) {
    view(from.slot, view_);
    const std::string& name = program_.slots[from.slot].name;
    if (view_.kind != Datum::Kind::tensor || view_.tensor.size() <= from.element)
      fail("value '{}' has no element {}", name, from.element);
    const int64_t value = load_integer(view_.tensor.dtype(), view_.tensor.data(), from.element);
    if (const auto expected = symbols_.bind_symbol(from.symbol, value))
      fail("element {} of value '{}' is {}, expected {}", from.element, name, value, *expected);
  }
  for (const BindStep::FromShape& from : step.shapes) {
    const int64_t got = size(from);
    if (const auto expected = symbols_.bind(program_.dims[from.dim], got))
      fail("value '{}' has size {} along axis {}, expected {}", program_.slots[from.slot].name, got,
           from.axis, *expected);
  }
  enter_epoch(epoch_ + 1);
}

void Frame::finish_outputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (in_place_[i]) continue;
    const int slot = program_.output_slots[i];
    Datum& output = outputs_[i];
    view(slot, view_);
    if (view_.kind != Datum::Kind::tensor) {
      output = view_;
      continue;
    }
    // A value that is needed no more becomes the output without being copied.
    const bool last_use = std::count(program_.output_slots.begin() + static_cast<long>(i),
                                     program_.output_slots.end(), slot) == 1;
    if (program_.slots[slot].storage == Storage::host && layout_.aliases[slot].size() == 1 &&
        last_use && !fits(output, view_.tensor.dtype(), view_.tensor.shape())) {
      output = take_value(slot);
    } else {
      assign(view_.tensor, output);
    }
  }
  if (view_.kind != Datum::Kind::tensor) view_ = {};  // not to keep a sequence alive
}

int64_t Frame::arena_bytes() const {
  int64_t bytes = 0;
  for (const EpochState& state : epochs_) bytes += state.plan ? state.plan->bytes : 0;
  for (const auto& runner : runners_) bytes += runner ? runner->arena_bytes() : 0;
  return bytes;
}

}  // namespace dlc
