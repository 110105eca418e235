// Programs by hand, for tests: kernels are lambdas over buffers.
#pragma once

#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/program.h"

namespace dlc {

/// Adds dims, slots and steps to a program, giving their numbers.
class ProgramBuilder {
 public:
  std::shared_ptr<Program> program = std::make_shared<Program>();

  int symbol(const std::string& name) {
    program->symbols.push_back(name);
    return static_cast<int>(program->symbols.size()) - 1;
  }
  int dim(DimCode code, int epoch = 0) {
    program->dims.push_back(std::move(code));
    program->dim_epoch.push_back(epoch);
    return static_cast<int>(program->dims.size()) - 1;
  }
  int number(int64_t value) { return dim({{{DimCode::Op::constant, value}}}); }
  int of_symbol(int symbol, int epoch = 0) { return dim({{{DimCode::Op::symbol, symbol}}}, epoch); }

  int input(const std::string& name, DType dtype, std::vector<int> shape) {
    Parameter parameter{name, dtype, {}, shape, {}};
    for (int d : shape) parameter.dims.push_back(text(d));
    parameter.type = type_text(dtype, parameter.dims);
    program->inputs.push_back(parameter);
    const int index = static_cast<int>(program->inputs.size()) - 1;
    program->input_slots.push_back(slot(name, Storage::input, dtype, std::move(shape), index));
    return program->input_slots.back();
  }
  int untyped_input(const std::string& name, const std::string& type) {
    program->inputs.push_back({name, DType::undefined, {}, {}, type});
    const int index = static_cast<int>(program->inputs.size()) - 1;
    program->input_slots.push_back(slot(name, Storage::input, DType::undefined, {}, index));
    return program->input_slots.back();
  }
  int constant(Tensor value) {
    std::vector<int> shape;
    for (int64_t size : value.shape()) shape.push_back(number(size));
    const DType dtype = value.dtype();
    program->constants.push_back(std::move(value));
    return slot("constant", Storage::constant, dtype, shape,
                static_cast<int>(program->constants.size()) - 1);
  }
  int slot(const std::string& name, Storage storage, DType dtype, std::vector<int> shape,
           int index = -1) {
    program->slots.push_back({name, storage, index, dtype, std::move(shape)});
    return static_cast<int>(program->slots.size()) - 1;
  }
  int arena(DType dtype, std::vector<int> shape) {
    return slot("v" + std::to_string(program->slots.size()), Storage::arena, dtype, shape);
  }
  int host(DType dtype) {
    return slot("v" + std::to_string(program->slots.size()), Storage::host, dtype, {});
  }

  void kernel(KernelFunction function, std::vector<int> buffers, std::vector<int> params, int items,
              int item_cost = -1, int scratch_bytes = -1) {
    KernelStep step;
    step.name = "kernel";
    step.function = function;
    step.buffers = std::move(buffers);
    step.params = std::move(params);
    step.items = items;
    step.item_cost = item_cost;
    step.scratch_bytes = scratch_bytes;
    program->steps.emplace_back(std::move(step));
  }
  void host_step(HostFunction function, std::vector<int> inputs, std::vector<int> outputs) {
    program->steps.emplace_back(
        HostStep{"Host", {"node"}, function, {}, std::move(inputs), std::move(outputs)});
  }

  /// `dims`: for outputs of storage host, whose slots have no shape.
  void output(const std::string& name, int slot, std::vector<std::string> dims = {}) {
    const Slot& from = program->slots[slot];
    if (dims.empty())
      for (int d : from.shape) dims.push_back(text(d));
    program->outputs.push_back({name, from.dtype, dims, {}, type_text(from.dtype, dims)});
    program->output_slots.push_back(slot);
  }

 private:
  std::string text(int dim) const {
    const auto& code = program->dims[dim].code;
    if (code.size() > 1) return "expression";
    return code[0].op == DimCode::Op::symbol ? program->symbols[code[0].value]
                                             : std::to_string(code[0].value);
  }
  static std::string type_text(DType dtype, const std::vector<std::string>& dims) {
    return fmt::format("{}[{}]", dlc::name(dtype), fmt::join(dims, ","));
  }
};

/// f32 element kernels: buffers {inputs..., output}.
inline void add_kernel(void* const* buffers, const int64_t*, void*, int64_t begin, int64_t end) {
  const auto *a = static_cast<const float*>(buffers[0]), *b = static_cast<const float*>(buffers[1]);
  for (int64_t i = begin; i < end; ++i) static_cast<float*>(buffers[2])[i] = a[i] + b[i];
}
inline void double_kernel(void* const* buffers, const int64_t*, void*, int64_t begin, int64_t end) {
  const auto* a = static_cast<const float*>(buffers[0]);
  for (int64_t i = begin; i < end; ++i) static_cast<float*>(buffers[1])[i] = 2 * a[i];
}

}  // namespace dlc
