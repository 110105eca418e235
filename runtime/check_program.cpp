// Whether a program that was read from a file makes sense.
#include <algorithm>

#include "runtime/artifact.h"
#include "runtime/error.h"
#include "runtime/layout.h"

namespace dlc {
namespace {

[[noreturn]] void refuse(const char* what) { fail("the program is damaged: {}", what); }

class Checker {
 public:
  Checker(const Program& program, size_t outer_symbols)
      : p_(program), outer_symbols_(outer_symbols) {}

  void run() {
    for (const DimCode& dim : p_.dims) check(dim);
    if (p_.dim_epoch.size() != p_.dims.size()) refuse("epochs of sizes");
    const auto binds = std::ranges::count_if(
        p_.steps, [](const Step& step) { return std::holds_alternative<BindStep>(step); });
    for (int epoch : p_.dim_epoch)
      if (epoch < 0 || epoch > binds) refuse("an epoch");
    for (const auto& [outer, own] : p_.inherited) {
      index(outer, outer_symbols_, "a symbol");
      index(own, p_.symbols.size(), "a symbol");
    }
    for (const SizeCheck& size : p_.checks) {
      index(size.a, p_.dims.size(), "a size");
      index(size.b, p_.dims.size(), "a size");
      if (size.rule > SizeRule::differ) refuse("a rule of sizes");
    }
    for (size_t k = 0; k < p_.slots.size(); ++k) check(p_.slots[k], k);
    parameters(p_.inputs, p_.input_slots);
    parameters(p_.outputs, p_.output_slots);
    for (size_t k = 0; k < p_.input_slots.size(); ++k) {
      const Slot& slot = p_.slots[p_.input_slots[k]];
      if (slot.storage != Storage::input || slot.index != static_cast<int>(k) ||
          slot.dtype != p_.inputs[k].dtype)
        refuse("an input");
    }
    for (const Step& step : p_.steps) {
      visit_slots(step, [&](int slot) {
        if (slot != -1) index(slot, p_.slots.size(), "a slot");
      });
      std::visit([&](const auto& s) { check(s); }, step);
    }
  }

 private:
  static void index(int64_t number, size_t size, const char* what) {
    if (number < 0 || static_cast<uint64_t>(number) >= size) refuse(what);
  }
  void dims(const std::vector<int>& numbers) const {
    for (int number : numbers) index(number, p_.dims.size(), "a size");
  }
  void optional_dim(int number) const {
    if (number != -1) index(number, p_.dims.size(), "a size");
  }

  void check(const DimCode& dim) const {
    size_t depth = 0;
    for (const DimCode::Instruction& instruction : dim.code) {
      if (instruction.op > DimCode::Op::maximum) refuse("a size's expression");
      const bool leaf =
          instruction.op == DimCode::Op::constant || instruction.op == DimCode::Op::symbol;
      if (instruction.op == DimCode::Op::symbol)
        index(instruction.value, p_.symbols.size(), "a symbol");
      if (!leaf && depth < 2) refuse("a size's expression");
      depth += leaf ? 1 : static_cast<size_t>(-1);
    }
    if (depth != 1) refuse("a size's expression");
  }

  void check(const Slot& slot, size_t number) const {
    dims(slot.shape);
    if (static_cast<int>(slot.dtype) >= dtype_count) refuse("an element type");
    switch (slot.storage) {
      case Storage::input:
        return index(slot.index, p_.inputs.size(), "an input");
      case Storage::constant:
        return constant(slot);
      case Storage::alias:
        return index(slot.index, number, "an alias");  // of an earlier slot: there are no cycles
      case Storage::arena:
        if (bits(slot.dtype) == 0) refuse("a value in the arena");
        return;
      case Storage::host:
        return;
    }
    refuse("a slot's storage");
  }
  /// A constant has the type of its slot.
  void constant(const Slot& slot) const {
    index(slot.index, p_.constants.size(), "a constant");
    const Tensor& tensor = p_.constants[slot.index];
    bool same = tensor.dtype() == slot.dtype && tensor.rank() == std::ssize(slot.shape);
    for (size_t axis = 0; same && axis < slot.shape.size(); ++axis) {
      const std::vector<DimCode::Instruction>& code = p_.dims[slot.shape[axis]].code;
      same = code.size() == 1 && code[0].op == DimCode::Op::constant &&
             code[0].value == tensor.shape()[axis];
    }
    if (!same || tensor.empty()) refuse("a constant");
  }
  /// What is not computed by kernels has memory of its own.
  void made_by_host(const std::vector<int>& slots) const {
    for (int slot : slots)
      if (slot != -1 && p_.slots[slot].storage != Storage::host) refuse("where a result goes");
  }

  void parameters(const std::vector<Parameter>& parameters, const std::vector<int>& slots) const {
    if (parameters.size() != slots.size()) refuse("the signature");
    for (const Parameter& parameter : parameters) {
      dims(parameter.shape);
      if (static_cast<int>(parameter.dtype) >= dtype_count) refuse("an element type");
      const bool ranked = parameter.dtype != DType::undefined && !parameter.type.ends_with("[*]");
      if (!ranked && !parameter.shape.empty()) refuse("a parameter's rank");
    }
    for (int slot : slots) index(slot, p_.slots.size(), "a slot");
  }

  void check(const KernelStep& step) const {
    for (int slot : step.buffers) index(slot, p_.slots.size(), "a slot");
    dims(step.params);
    optional_dim(step.items);
    optional_dim(step.item_cost);
    optional_dim(step.scratch_bytes);
  }
  void check(const HostStep& step) const { made_by_host(step.outputs); }
  void check(const BindStep& step) const {
    for (const BindStep::FromShape& from : step.shapes) {
      index(from.slot, p_.slots.size(), "a slot");
      index(from.dim, p_.dims.size(), "a size");
      if (from.axis < 0) refuse("an axis");
    }
    for (const BindStep::FromElement& from : step.elements) {
      index(from.slot, p_.slots.size(), "a slot");
      index(from.symbol, p_.symbols.size(), "a symbol");
      if (from.element < 0 || !is_integer(p_.slots[from.slot].dtype)) refuse("an element");
    }
  }
  void nested(const Program& program, size_t inputs, size_t outputs) const {
    if (program.inputs.size() != inputs || program.outputs.size() != outputs)
      refuse("a nested program's signature");
    Checker(program, p_.symbols.size()).run();
  }
  void check(const IfStep& step) const {
    index(step.condition, p_.slots.size(), "a slot");
    made_by_host(step.outputs);
    nested(*step.then_branch, step.inputs.size(), step.outputs.size());
    nested(*step.else_branch, step.inputs.size(), step.outputs.size());
  }
  void check(const LoopStep& step) const {
    if (step.outputs.size() < step.states.size()) refuse("a loop's results");
    made_by_host(step.outputs);
    nested(*step.body, 2 + step.states.size() + step.captures.size(), 1 + step.outputs.size());
  }
  void check(const ScanStep& step) const {
    if (step.input_axes.size() != step.sequences.size() ||
        step.input_reversed.size() != step.sequences.size())
      refuse("a scan's axes");
    if (step.outputs.size() < step.states.size()) refuse("a scan's results");
    made_by_host(step.outputs);
    nested(*step.body, step.states.size() + step.sequences.size() + step.captures.size(),
           step.outputs.size());
  }

  const Program& p_;
  size_t outer_symbols_;
};

}  // namespace

void check_program(const Program& program) { Checker(program, 0).run(); }

}  // namespace dlc
