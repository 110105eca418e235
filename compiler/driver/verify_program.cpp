// Compares what a program stores with the interpreter: see verify.h.
#include <algorithm>

#include "compiler/driver/agreement.h"
#include "compiler/driver/verify.h"
#include "runtime/frame.h"
#include "runtime/session.h"

namespace dlc {
namespace {

/// A tensor whose elements lie in memory in another order of the axes.
Tensor row_major(const Tensor& tensor, const AxisOrder& order) {
  Tensor result = Tensor::allocate(tensor.dtype(), tensor.shape());
  const Shape& shape = tensor.shape();
  std::vector<int64_t> stride(shape.size());
  int64_t step = 1;
  for (size_t k = order.size(); k-- > 0;) {
    stride[order[k]] = step;
    step *= shape[order[k]];
  }
  Shape at(shape.size(), 0);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    int64_t from = 0;
    for (size_t k = 0; k < at.size(); ++k) from += at[k] * stride[k];
    copy_elements(tensor, from, result, i, 1);
    for (size_t k = at.size(); k-- > 0 && ++at[k] == shape[k];) at[k] = 0;
  }
  return result;
}

std::vector<int> written_slots(const Step& step) {
  if (const auto* kernel = std::get_if<KernelStep>(&step)) return kernel->buffers;
  if (const auto* host = std::get_if<HostStep>(&step)) return host->outputs;
  if (const auto* branch = std::get_if<IfStep>(&step)) return branch->outputs;
  if (const auto* loop = std::get_if<LoopStep>(&step)) return loop->outputs;
  if (const auto* scan = std::get_if<ScanStep>(&step)) return scan->outputs;
  return {};
}

class StepChecker : public StepObserver {
 public:
  StepChecker(const Program& program, const ProgramValues& values, std::span<const Datum> inputs)
      : program_(program), slots_(values.slots), graph_(values.graph), stored_(graph_) {
    stored_.set_inputs(inputs);
  }

  /// Steps of nested programs are seen by what If, Loop or Scan make of them.
  void after_step(const Step& step, int64_t, Frame& frame) override {
    if (found || &frame.program() != &program_) return;
    for (int slot : written_slots(step)) {
      if (slot < 0 || !slots_[slot].value.valid()) continue;
      const Value value = slots_[slot].value;
      // A kernel's buffers are its operands, too.
      if (stored_.has(value) || program_.slots[slot].storage == Storage::constant ||
          (program_.slots[slot].storage == Storage::alias && !is_in_place(slot, step)))
        continue;
      check(value, stored(slot, frame), step);
    }
  }

  void check_outputs(std::span<const Datum> outputs) {
    for (size_t k = 0; k < outputs.size() && !found; ++k)
      check(graph_.outputs()[k], outputs[k], Step());
  }

  std::optional<Alteration> found;

 private:
  /// Whether the step makes the value of an alias, in an operand's memory.
  bool is_in_place(int slot, const Step& step) const {
    const std::vector<int> slots = written_slots(step);
    return std::find(slots.begin(), slots.end(), program_.slots[slot].index) != slots.end();
  }

  Datum stored(int slot, Frame& frame) const {
    Datum datum;
    frame.view(slot, datum);
    if (datum.kind != Datum::Kind::tensor) return datum;
    const AxisOrder& order = slots_[slot].order;
    return order.empty() ? datum.tensor.clone() : row_major(datum.tensor, order);
  }

  void check(Value value, const Datum& got, const Step& step) {
    const auto known = [&](Value v) { return stored_.has(v); };
    const std::vector<NodeId> region = nodes_between(graph_, known, value);
    const bool random = std::any_of(region.begin(), region.end(),
                                    [&](NodeId id) { return is_random(graph_.node(id)); });
    if (!random && !found) {
      const Datum want = evaluate_region(stored_, region, value);
      const std::string text = disagreement(got, want, 0, [&](Jitter& jitter) {
        return evaluate_region(stored_, region, value, &jitter);
      });
      if (!text.empty()) blame(value, step, region, text);
    }
    stored_.set(value, got);
  }

  void blame(Value value, const Step& step, std::span<const NodeId> region,
             const std::string& text) {
    found.emplace();
    found->value = graph_.name(value);
    found->difference = text;
    for (NodeId id : region) {
      const Node& node = graph_.node(id);
      found->nodes.insert(node.origins.begin(), node.origins.end());
      found->op = node.op;
    }
    found->kernel = found->op;
    if (const auto* kernel = std::get_if<KernelStep>(&step)) found->kernel = kernel->name;
  }

  const Program& program_;
  const std::vector<ProgramValues::SlotValue>& slots_;
  const Graph& graph_;
  Evaluation stored_;
};

}  // namespace

std::optional<Alteration> verify_program(std::shared_ptr<const Program> program,
                                         const ProgramValues& values, std::span<const Datum> inputs,
                                         ThreadPool& pool) {
  StepChecker checker(*program, values, inputs);
  Session session(program, pool);
  session.observe(&checker);
  const std::vector<Datum> outputs = session.run(inputs);
  checker.check_outputs(outputs);
  return checker.found;
}

}  // namespace dlc
