// Finding lifetimes, aliases and epochs of a program.
// Next: runtime/epoch_plan.cpp.
#include "runtime/layout.h"

#include <algorithm>
#include <cassert>

namespace dlc {
namespace {

void visit_all(const std::vector<int>& slots, const std::function<void(int)>& visit) {
  for (int slot : slots) visit(slot);
}

struct SlotVisitor {
  const std::function<void(int)>& visit;

  void operator()(const KernelStep& step) const { visit_all(step.buffers, visit); }
  void operator()(const HostStep& step) const {
    visit_all(step.inputs, visit);
    visit_all(step.outputs, visit);
  }
  void operator()(const BindStep& step) const {
    for (const BindStep::FromShape& from : step.shapes) visit(from.slot);
    for (const BindStep::FromElement& from : step.elements) visit(from.slot);
  }
  void operator()(const IfStep& step) const {
    visit(step.condition);
    visit_all(step.inputs, visit);
    visit_all(step.outputs, visit);
  }
  void operator()(const LoopStep& step) const {
    visit(step.trip_count);
    visit(step.condition);
    visit_all(step.states, visit);
    visit_all(step.captures, visit);
    visit_all(step.outputs, visit);
  }
  void operator()(const ScanStep& step) const {
    visit_all(step.states, visit);
    visit_all(step.sequences, visit);
    visit_all(step.captures, visit);
    visit_all(step.outputs, visit);
  }
};

}  // namespace

int epoch_of(const Program& program, const std::vector<int>& dims) {
  int epoch = 0;
  for (int dim : dims) epoch = std::max(epoch, program.dim_epoch[dim]);
  return epoch;
}

void visit_slots(const Step& step, const std::function<void(int)>& visit) {
  std::visit(SlotVisitor{visit}, step);
}

Layout::Layout(const Program& program) {
  find_roots(program);
  find_lifetimes(program);
  find_releases(program);
  find_epochs(program);
  for (const Step& step : program.steps) {
    if (const auto* kernel = std::get_if<KernelStep>(&step)) {
      most_buffers = std::max(most_buffers, static_cast<int>(kernel->buffers.size()));
      most_params = std::max(most_params, static_cast<int>(kernel->params.size()));
    } else if (const auto* host = std::get_if<HostStep>(&step)) {
      most_inputs = std::max(most_inputs, static_cast<int>(host->inputs.size()));
      most_outputs = std::max(most_outputs, static_cast<int>(host->outputs.size()));
    }
  }
}

void Layout::find_roots(const Program& program) {
  const int count = static_cast<int>(program.slots.size());
  root.resize(count);
  aliases.resize(count);
  for (int slot = 0; slot < count; ++slot) {
    int at = slot;
    for (int steps = 0; program.slots[at].storage == Storage::alias; ++steps) {
      assert(steps < count && "aliases end somewhere");
      at = program.slots[at].index;
    }
    root[slot] = at;
    aliases[at].push_back(slot);
  }
}

void Layout::find_lifetimes(const Program& program) {
  const int end = static_cast<int>(program.steps.size());
  first.assign(program.slots.size(), end);
  last.assign(program.slots.size(), -1);
  const auto need = [&](int slot, int step) {
    if (slot < 0) return;
    first[root[slot]] = std::min(first[root[slot]], step);
    last[root[slot]] = std::max(last[root[slot]], step);
  };
  for (int step = 0; step < end; ++step)
    visit_slots(program.steps[step], [&](int slot) { need(slot, step); });
  for (int slot : program.output_slots) need(slot, end);
}

/// What an If makes is kept: the next run writes into the same memory. Loops keep buffers of their
/// own, and host functions make new memory anyway.
void Layout::find_releases(const Program& program) {
  const int end = static_cast<int>(program.steps.size());
  std::vector<bool> kept(program.slots.size(), false);
  for (const Step& step : program.steps) {
    if (const auto* branch = std::get_if<IfStep>(&step))
      for (int slot : branch->outputs)
        if (slot >= 0) kept[slot] = true;
  }
  releases.resize(end);
  for (size_t slot = 0; slot < program.slots.size(); ++slot) {
    if (program.slots[slot].storage == Storage::host && !kept[slot] && last[slot] >= 0 &&
        last[slot] < end)
      releases[last[slot]].push_back(static_cast<int>(slot));
  }
}

void Layout::find_epochs(const Program& program) {
  size_t count = 1;
  for (const Step& step : program.steps) count += std::holds_alternative<BindStep>(step);
  epochs.resize(count);
  for (size_t dim = 0; dim < program.dims.size(); ++dim)
    epochs.at(program.dim_epoch[dim]).dims.push_back(static_cast<int>(dim));
  for (size_t k = 0; k < program.checks.size(); ++k) {
    const int epoch = epoch_of(program, {program.checks[k].a, program.checks[k].b});
    epochs.at(epoch).checks.push_back(static_cast<int>(k));
  }
  for (size_t slot = 0; slot < program.slots.size(); ++slot) {
    if (program.slots[slot].storage != Storage::arena) continue;
    epochs.at(epoch_of(program, program.slots[slot].shape)).arena.push_back(static_cast<int>(slot));
  }
  for (const Step& step : program.steps) {
    const auto* kernel = std::get_if<KernelStep>(&step);
    if (kernel && kernel->scratch_bytes >= 0)
      epochs.at(program.dim_epoch[kernel->scratch_bytes]).scratch.push_back(kernel->scratch_bytes);
  }
  std::vector<bool> taken(program.slots.size(), false);
  for (size_t output = 0; output < program.output_slots.size(); ++output) {
    const int slot = program.output_slots[output], base = root[slot];
    const int epoch = epoch_of(program, program.slots[base].shape);
    if (program.slots[base].storage != Storage::arena || taken[base] ||
        epoch_of(program, program.slots[slot].shape) != epoch)
      continue;
    taken[base] = true;
    epochs[epoch].in_place.push_back({static_cast<int>(output), slot, base});
  }
}

}  // namespace dlc
