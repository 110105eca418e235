// What running a model takes, counted from the formulas of its ops.
#include "tools/dlc/cost.h"

#include <map>

#include "compiler/ops/infer.h"
#include "passes/pipeline.h"
#include "runtime/epoch_plan.h"
#include "runtime/error.h"

namespace dlc::cli {
namespace {

/// Operations of an expression, and whether it depends on elements: what does not is index
/// arithmetic. Shared parts count once for each reduction level that they are met on.
class Counter {
 public:
  struct Count {
    Dim operations;
    bool has_elements = false;
  };

  Count count(const Expr& e) {
    const auto known = counted_.find(e.identity());
    // A part that was counted is computed already: only its kind is of interest.
    if (known != counted_.end()) return {0, known->second};
    const Count result = count_new(e);
    counted_[e.identity()] = result.has_elements;
    return result;
  }

 private:
  Count count_new(const Expr& e) {
    if (e->kind == ExprKind::load) return {0, true};
    if (e->kind == ExprKind::reduce) {
      // A body of its own: what it shares with the outside is still run once per step.
      Counter inner;
      const Count body = inner.count(e->args[0]);
      Dim steps = 1;
      for (const Axis& axis : e->axes) steps = steps * axis.extent;
      return {steps * (body.operations + 1), body.has_elements};
    }
    Count all;
    for (const Expr& arg : e->args) {
      const Count one = count(arg);
      all.operations = all.operations + one.operations;
      all.has_elements = all.has_elements || one.has_elements;
    }
    const bool arithmetic = e->kind == ExprKind::unary || e->kind == ExprKind::binary;
    if (arithmetic && all.has_elements) all.operations = all.operations + 1;
    return all;
  }

  std::map<const void*, bool> counted_;
};

template <typename Visit>
void visit_nested(const Node& node, const Visit& visit) {
  for (const auto& [name, attr] : node.attrs)
    if (const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&attr)) visit(**graph);
}

bool has_formula(const Graph& graph, NodeId id) {
  const OpKind kind = op(graph.node(id).op).kind();
  if (kind != OpKind::elementwise && kind != OpKind::loops) return false;
  for (const Value output : graph.node(id).outputs)
    if (output.valid() && !graph.type(output).ranked) return false;
  return true;
}

Dim decomposed_operations(const Graph& graph) {
  Dim total = 0;
  for (const NodeId id : graph.nodes()) {
    visit_nested(graph.node(id),
                 [&](const Graph& nested) { total = total + decomposed_operations(nested); });
    if (!has_formula(graph, id)) continue;
    for (const TensorExpr& output : compute(graph, id).outputs)
      total = total + product(output.shape()) * operations_per_element(output.body);
  }
  return total;
}

}  // namespace

Dim operations_per_element(const Expr& body) { return Counter().count(body).operations; }

Dim operations(const Graph& graph) {
  Graph decomposed = graph;
  PassContext context;
  run_pass(decompose, decomposed, context);
  return decomposed_operations(decomposed);
}

Parameters parameters(const Graph& graph) {
  Parameters total;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    visit_nested(node, [&](const Graph& nested) {
      const Parameters inside = parameters(nested);
      total.count += inside.count;
      total.bytes += inside.bytes;
    });
    if (node.op != "Constant" || node.outputs.empty()) continue;
    const Tensor* value = graph.constant(node.outputs[0]);
    if (value == nullptr) continue;
    total.count += value->size();
    total.bytes += value->bytes();
  }
  return total;
}

int64_t smallest_open_size(const Program& program) {
  constexpr int64_t greatest = 1024;
  for (int64_t size = 1; size < greatest; size *= 2) {
    try {
      arena_bytes(program, size);
      return size;
    } catch (const Error&) {
      // The next one may do.
    }
  }
  arena_bytes(program, greatest);
  return greatest;
}

int64_t bytes_moved(const Program& program, int64_t open_size) {
  const std::vector<int64_t> symbols(program.symbols.size(), open_size);
  int64_t total = 0;
  for (const Step& step : program.steps) {
    const auto* kernel = std::get_if<KernelStep>(&step);
    if (kernel == nullptr) continue;
    for (const int number : kernel->buffers) {
      const Slot& slot = program.slots[static_cast<size_t>(number)];
      if (slot.dtype == DType::undefined) continue;
      Shape shape;
      for (const int dim : slot.shape)
        shape.push_back(evaluate(program.dims[static_cast<size_t>(dim)], symbols));
      total += byte_size(slot.dtype, element_count(shape));
    }
  }
  return total;
}

ArenaBytes arena_bytes(const Program& program, int64_t open_size) {
  const std::vector<int64_t> symbols(program.symbols.size(), open_size);
  const Layout layout(program);
  std::vector<int64_t> dims(program.dims.size());
  ArenaBytes total;
  for (size_t epoch = 0; epoch < layout.epochs.size(); ++epoch) {
    EpochPlans plans;
    const EpochPlan& plan = plans.find(program, layout, epoch, symbols, dims);
    total.planned += plan.bytes;
    total.least += plan.lower_bound;
  }
  return total;
}

int64_t at_open_size(const Dim& dim, int64_t open_size) {
  std::map<std::string, Dim> sizes;
  dim.visit_symbols([&](const std::string& symbol) { sizes.emplace(symbol, open_size); });
  return dim.substitute(sizes).number();
}

}  // namespace dlc::cli
