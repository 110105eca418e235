// Programs from partitions: slots for values, numbers for symbols and sizes, steps for items.
#include "compiler/lower/assemble.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "compiler/ir/attr.h"
#include "compiler/lower/in_place.h"
#include "compiler/ops/evaluate.h"

namespace dlc {
namespace {

/// Writes a Dim as postfix code.
class DimCoder : public Dim::Visitor {
 public:
  explicit DimCoder(const std::function<int(const std::string&)>& symbol) : symbol_(symbol) {}
  DimCode code;
  int epoch = 0;

  void number(int64_t value) override { code.code.push_back({DimCode::Op::constant, value}); }
  void symbol(const std::string& name) override {
    code.code.push_back({DimCode::Op::symbol, symbol_(name)});
  }
  void add() override { code.code.push_back({DimCode::Op::add}); }
  void multiply() override { code.code.push_back({DimCode::Op::multiply}); }
  void floor_div() override { code.code.push_back({DimCode::Op::floor_div}); }
  void modulo() override { code.code.push_back({DimCode::Op::modulo}); }
  void minimum() override { code.code.push_back({DimCode::Op::minimum}); }
  void maximum() override { code.code.push_back({DimCode::Op::maximum}); }

 private:
  const std::function<int(const std::string&)>& symbol_;
};

class Assembler {
 public:
  Assembler(const Partition& partition, std::span<const Kernel> kernels,
            std::span<const CompiledKernel> compiled, const KeepWeights& keep, Assembler* parent)
      : partition_(partition),
        graph_(partition.graph),
        kernels_(kernels),
        compiled_(compiled),
        keep_(keep),
        parent_(parent) {}

  /// `wanted`: requirements to be checked as far as all of their symbols are known.
  std::shared_ptr<Program> run(std::span<const NodeRequirement> wanted) {
    for (Value input : graph_.inputs()) bind_new_symbols(graph_.type(input), 0);
    for (Value input : graph_.inputs()) add_input(input);
    for (const auto& item : partition_.items) {
      std::visit([&](const auto& i) { add(i); }, item);
    }
    for (const NodeRequirement& rule : wanted) {
      if (knows(rule.rule.a) && knows(rule.rule.b)) add_check(rule);
    }
    for (const NodeRequirement& rule : partition_.requirements) add_check(rule);
    for (Value output : graph_.outputs()) {
      program_->outputs.push_back(parameter(output));
      program_->output_slots.push_back(slot(output));
    }
    write_in_place(*program_, in_place_);
    return program_;
  }

  std::vector<ProgramValues::SlotValue> slot_values() const {
    std::vector<ProgramValues::SlotValue> result(program_->slots.size());
    for (const auto& [value, slot] : slots_) {
      const auto order = partition_.orders.find(value);
      result[slot] = {value, order == partition_.orders.end() ? AxisOrder() : order->second};
    }
    return result;
  }

 private:
  // --- symbols and sizes
  /// The symbol's number here; one of the programs around is inherited.
  std::optional<int> find_symbol(const std::string& name) {
    const auto found = symbols_.find(name);
    if (found != symbols_.end()) return found->second;
    const std::optional<int> outer = parent_ ? parent_->find_symbol(name) : std::nullopt;
    if (!outer) return {};
    const int own = bind_symbol(name, 0);
    program_->inherited.emplace_back(*outer, own);
    return own;
  }

  int symbol(const std::string& name) {
    if (const std::optional<int> found = find_symbol(name)) return *found;
    fail_as(ErrorCode::unsupported,
            "size {} is not the size of any input; give the inputs' shapes with --shape or --dim",
            name);
  }

  /// Bare symbols of a type that nothing has bound yet are bound by this value.
  void bind_new_symbols(const Type& type, int epoch) {
    if (!type.is_tensor() || !type.ranked) return;
    for (const Dim& dim : type.shape) {
      const auto name = dim.as_symbol();
      if (name && !find_symbol(*name)) bind_symbol(*name, epoch);
    }
  }

  int bind_symbol(const std::string& name, int epoch) {
    const int number = static_cast<int>(program_->symbols.size());
    symbols_[name] = number;
    program_->symbols.push_back(name);
    symbol_epoch_.push_back(epoch);
    return number;
  }

  int size(const Dim& dim) {
    const auto found = sizes_.find(dim);
    if (found != sizes_.end()) return found->second;
    const std::function<int(const std::string&)> lookup = [&](const std::string& name) {
      return symbol(name);
    };
    DimCoder coder(lookup);
    dim.visit(coder);
    int epoch = 0;
    dim.visit_symbols(
        [&](const std::string& name) { epoch = std::max(epoch, symbol_epoch_[symbol(name)]); });
    const int number = static_cast<int>(program_->dims.size());
    program_->dims.push_back(std::move(coder.code));
    program_->dim_epoch.push_back(epoch);
    return sizes_[dim] = number;
  }

  bool knows(const Dim& dim) {
    bool known = true;
    dim.visit_symbols([&](const std::string& name) { known = known && find_symbol(name); });
    return known;
  }

  /// The first node that needs a rule is the one to be named.
  void add_check(const NodeRequirement& requirement) {
    const auto& [rule, a, b, what] = requirement.rule;
    const SizeCheck check{rule, size(a), size(b), what, requirement.node};
    const auto same = [&](const SizeCheck& other) {
      return other.rule == check.rule && other.a == check.a && other.b == check.b;
    };
    const auto& checks = program_->checks;
    if (std::none_of(checks.begin(), checks.end(), same)) program_->checks.push_back(check);
  }

  std::vector<int> sizes(const Dims& dims) {
    std::vector<int> numbers;
    for (const Dim& dim : dims) numbers.push_back(size(dim));
    return numbers;
  }

  // --- slots
  int add_slot(Value value, Storage storage, int index) {
    const Type& type = graph_.type(value);
    Slot slot{graph_.name(value), storage, index, DType::undefined, {}};
    if (type.is_tensor()) {
      slot.dtype = type.dtype;
      if (type.ranked && storage != Storage::host) slot.shape = sizes(type.shape);
    }
    const int number = static_cast<int>(program_->slots.size());
    program_->slots.push_back(std::move(slot));
    return slots_[value] = number;
  }

  int slot(Value value) {
    const auto found = slots_.find(value);
    if (found != slots_.end()) return found->second;
    const Tensor* constant = graph_.constant(value);
    assert(constant && "a value is read before it is computed");
    program_->constants.push_back(keep_ ? keep_(*constant) : *constant);
    return add_slot(value, Storage::constant, static_cast<int>(program_->constants.size()) - 1);
  }

  int packed_slot(Value value, const Packing& packing) {
    const Tensor* constant = graph_.constant(value);
    assert(constant && "only constants are packed ahead");
    Tensor packed = packing.pack(*constant);
    Slot slot{graph_.name(value) + " (packed)",
              Storage::constant,
              static_cast<int>(program_->constants.size()),
              packed.dtype(),
              {}};
    for (int64_t extent : packed.shape()) slot.shape.push_back(size(extent));
    program_->constants.push_back(keep_ ? keep_(std::move(packed)) : std::move(packed));
    program_->slots.push_back(std::move(slot));
    return static_cast<int>(program_->slots.size()) - 1;
  }

  Parameter parameter(Value value) {
    const Type& type = graph_.type(value);
    Parameter p{graph_.name(value), DType::undefined, {}, {}, to_string(type)};
    if (type.is_tensor()) p.dtype = type.dtype;
    if (type.is_tensor() && type.ranked) {
      for (const Dim& dim : type.shape) p.dims.push_back(dim.to_string());
    }
    return p;
  }

  void add_input(Value value) {
    const Type& type = graph_.type(value);
    Parameter p = parameter(value);
    if (type.is_tensor() && type.ranked) p.shape = sizes(type.shape);
    program_->input_slots.push_back(
        add_slot(value, Storage::input, static_cast<int>(program_->inputs.size())));
    program_->inputs.push_back(std::move(p));
  }

  // --- steps
  void add(const KernelItem& item) {
    const CompiledKernel& code = compiled_[item.kernel];
    const KernelBase& kernel = base(kernels_[item.kernel]);
    KernelStep step;
    step.name = kernel.name;
    step.origins.assign(kernel.origins.begin(), kernel.origins.end());
    step.function = code.function;
    for (size_t k = 0; k < item.operands.size(); ++k) {
      const Packing* packing = nullptr;
      for (const Packing& p : code.packings) {
        if (p.operand == static_cast<int>(k)) packing = &p;
      }
      step.buffers.push_back(packing ? packed_slot(item.operands[k], *packing)
                                     : slot(item.operands[k]));
    }
    for (Value output : item.outputs) step.buffers.push_back(add_slot(output, Storage::arena, -1));
    step.params = sizes(code.params);
    step.items = size(code.items);
    step.item_cost = size(code.item_cost);
    if (code.scratch_bytes) step.scratch_bytes = size(*code.scratch_bytes);
    if (!code.in_place.empty()) in_place_[static_cast<int>(program_->steps.size())] = code.in_place;
    program_->steps.emplace_back(std::move(step));
  }

  void add(const AliasItem& item) { add_slot(item.value, Storage::alias, slot(item.source)); }

  void add(const BindItem& item) {
    const int epoch = ++epochs_;
    BindStep step;
    for (Value value : item.values) bind_new_symbols(graph_.type(value), epoch);
    for (Value value : item.values) {
      const Dims& shape = graph_.type(value).shape;
      for (size_t axis = 0; axis < shape.size(); ++axis) {
        step.shapes.push_back({slot(value), static_cast<int>(axis), size(shape[axis])});
      }
    }
    program_->steps.emplace_back(std::move(step));
  }

  void add(const NodeItem& item) {
    const Node& node = graph_.node(item.node);
    std::vector<int> inputs;
    for (Value input : node.inputs) inputs.push_back(input.valid() ? slot(input) : -1);
    std::map<std::string, std::shared_ptr<const Program>> nested;
    for (const auto& [name, part] : item.nested) {
      nested[name] = Assembler(*part, kernels_, compiled_, keep_, this).run({});
    }
    std::vector<int> outputs;
    for (Value output : node.outputs) {
      outputs.push_back(output.valid() ? add_slot(output, Storage::host, -1) : -1);
    }
    program_->steps.push_back(make_step(node, std::move(inputs), std::move(outputs), nested));
  }

  Step make_step(const Node& node, std::vector<int> inputs, std::vector<int> outputs,
                 const std::map<std::string, std::shared_ptr<const Program>>& nested) {
    const OpDef& def = op(node.op);
    if (def.host) {
      return HostStep{node.op,           {node.origins.begin(), node.origins.end()},
                      def.host,          host_attributes(node),
                      std::move(inputs), std::move(outputs)};
    }
    if (node.op == "If") {
      return IfStep{inputs.at(0),
                    nested.at("then_branch"),
                    nested.at("else_branch"),
                    {inputs.begin() + 1, inputs.end()},
                    std::move(outputs)};
    }
    if (node.op == "Loop") return make_loop(node, inputs, std::move(outputs), nested.at("body"));
    if (node.op == "Scan") return make_scan(node, inputs, std::move(outputs), nested.at("body"));
    fail_as(ErrorCode::unsupported, "no backend computes {}", node.op);
  }

  static LoopStep make_loop(const Node& node, const std::vector<int>& inputs,
                            std::vector<int> outputs, std::shared_ptr<const Program> body) {
    const auto captures = static_cast<long>(capture_count(node));
    return {inputs.at(0),
            inputs.at(1),
            std::move(body),
            {inputs.begin() + 2, inputs.end() - captures},
            {inputs.end() - captures, inputs.end()},
            std::move(outputs)};
  }

  static ScanStep make_scan(const Node& node, const std::vector<int>& inputs,
                            std::vector<int> outputs, std::shared_ptr<const Program> body) {
    const auto captures = static_cast<long>(capture_count(node));
    const auto sequences = static_cast<long>(integer_attr(node, "num_scan_inputs"));
    const auto states = static_cast<long>(inputs.size()) - captures - sequences;
    const size_t slices = body->output_slots.size() - static_cast<size_t>(states);
    ScanStep step;
    step.body = std::move(body);
    step.states.assign(inputs.begin(), inputs.begin() + states);
    step.sequences.assign(inputs.begin() + states, inputs.end() - captures);
    step.captures.assign(inputs.end() - captures, inputs.end());
    step.outputs = std::move(outputs);
    step.input_axes = integers_attr(node, "scan_input_axes", step.sequences.size());
    step.output_axes = integers_attr(node, "scan_output_axes", slices);
    for (int64_t d : integers_attr(node, "scan_input_directions", step.sequences.size())) {
      step.input_reversed.push_back(d != 0);
    }
    for (int64_t d : integers_attr(node, "scan_output_directions", slices)) {
      step.output_reversed.push_back(d != 0);
    }
    return step;
  }

  const Partition& partition_;
  const Graph& graph_;
  std::span<const Kernel> kernels_;
  std::span<const CompiledKernel> compiled_;
  const KeepWeights& keep_;
  Assembler* parent_;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
  std::map<Value, int> slots_;
  std::map<std::string, int> symbols_;
  std::vector<int> symbol_epoch_;
  std::map<Dim, int> sizes_;
  std::map<int, std::vector<InPlace>> in_place_;  ///< by step, what its kernel allows
  int epochs_ = 0;
};

}  // namespace

std::shared_ptr<Program> assemble(const Partition& partition, std::span<const Kernel> kernels,
                                  std::span<const CompiledKernel> compiled,
                                  std::span<const NodeRequirement> requirements,
                                  std::shared_ptr<const MachineCode> code, const KeepWeights& keep,
                                  std::vector<ProgramValues::SlotValue>* slots) {
  Assembler assembler(partition, kernels, compiled, keep, nullptr);
  std::shared_ptr<Program> program = assembler.run(requirements);
  if (slots) *slots = assembler.slot_values();
  program->code = std::move(code);
  return program;
}

}  // namespace dlc
