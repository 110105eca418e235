// Making plans, and keeping the last few.
// Next: runtime/frame.cpp.
#include "runtime/epoch_plan.h"

#include <algorithm>
#include <cassert>

#include "runtime/error.h"
#include "runtime/memory_plan.h"

namespace dlc {
namespace {

int64_t bytes_of(const Slot& slot, std::span<const int64_t> dims, std::vector<int64_t>& shape) {
  assert(bits(slot.dtype) > 0 && "the arena holds plain tensors only");
  shape_of(slot, dims, shape);
  return with_context([&] { return fmt::format("value '{}'", slot.name); },
                      [&] { return byte_size(slot.dtype, element_count(shape)); });
}

void plan_arena(const Program& program, const Layout& layout, const Layout::Epoch& epoch,
                std::span<const int64_t> dims, EpochPlan& plan) {
  std::vector<int64_t> shape;
  std::vector<bool> elsewhere(program.slots.size(), false);
  for (const Layout::InPlace& output : epoch.in_place) {
    // An alias may show the first bytes only; the output has room for no more than these.
    const bool fits = bytes_of(program.slots[output.slot], dims, shape) ==
                      bytes_of(program.slots[output.root], dims, shape);
    plan.in_place.push_back(fits);
    elsewhere[output.root] = fits;
  }
  std::vector<Block> blocks;
  for (int slot : epoch.arena) {
    const bool placed = !elsewhere[slot] && layout.last[slot] >= 0;
    const int64_t bytes = bytes_of(program.slots[slot], dims, shape);
    blocks.push_back({placed ? bytes : 0, layout.first[slot], layout.last[slot]});
  }
  MemoryPlan memory = plan_memory(blocks);
  plan.bytes = memory.bytes;
  plan.lower_bound = memory.lower_bound;
  plan.offsets = std::move(memory.offsets);
  for (size_t i = 0; i < epoch.arena.size(); ++i)
    if (elsewhere[epoch.arena[i]]) plan.offsets[i] = -1;
}

void run_check(const SizeCheck& check, std::span<const int64_t> dims) {
  with_context([&] { return check.node; },
               [&] { check_sizes(check.rule, dims[check.a], dims[check.b], check.what); });
}

}  // namespace

void shape_of(const Slot& slot, std::span<const int64_t> dims, std::vector<int64_t>& shape) {
  shape.clear();
  for (int dim : slot.shape) shape.push_back(dims[dim]);
}

const EpochPlan& EpochPlans::find(const Program& program, const Layout& layout, size_t epoch,
                                  std::span<const int64_t> symbols, std::span<int64_t> dims) {
  const Layout::Epoch& facts = layout.epochs[epoch];
  const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const auto& plan) {
    return std::equal(plan->symbols.begin(), plan->symbols.end(), symbols.begin(), symbols.end());
  });
  if (found != plans_.end()) {
    std::rotate(plans_.begin(), found, found + 1);
    for (size_t i = 0; i < facts.dims.size(); ++i) dims[facts.dims[i]] = plans_[0]->dims[i];
    return *plans_[0];
  }
  auto plan = std::make_unique<EpochPlan>();
  plan->symbols.assign(symbols.begin(), symbols.end());
  for (int dim : facts.dims) {
    dims[dim] = evaluate(program.dims[dim], symbols);
    plan->dims.push_back(dims[dim]);
  }
  for (int check : facts.checks) run_check(program.checks[check], dims);
  for (int dim : facts.scratch) plan->scratch_bytes = std::max(plan->scratch_bytes, dims[dim]);
  plan_arena(program, layout, facts, dims, *plan);
  if (plans_.size() == most) plans_.pop_back();
  plans_.insert(plans_.begin(), std::move(plan));
  return *plans_[0];
}

}  // namespace dlc
