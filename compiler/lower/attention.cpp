// Finding attention among anchors and groups of stages: see attention.h.
// Next: compiler/lower/partition.cpp.
#include "compiler/lower/attention.h"

#include <algorithm>

#include "compiler/expr/simplify.h"
#include "compiler/lower/contraction.h"
#include "compiler/lower/linear.h"

namespace dlc {
namespace {

constexpr int64_t most_columns = 512;  ///< the tiles of a row of the result are written out

std::optional<MatmulKernel> matmul_of(const Graph& graph, const Formulas& formulas, Value value) {
  const Anchor* anchor = formulas.anchor(value);
  if (!anchor || anchor->contraction.kind != Contraction::Kind::matmul) return std::nullopt;
  auto kernel = std::get<MatmulKernel>(make_contraction(formulas, graph, *anchor));
  if (!outputs_without_sums(kernel).empty()) return std::nullopt;
  const size_t rank = graph.type(value).shape.size();
  const bool plain = kernel.accumulator == DType::f32 && kernel.a.dtype() == DType::f32 &&
                     kernel.b.dtype() == DType::f32 && rank >= 2 &&
                     kernel.outputs[0].axes.size() == rank && kernel.a.axes.size() == rank &&
                     kernel.b.axes.size() == rank;
  return plain ? std::optional(std::move(kernel)) : std::nullopt;
}

/// The value that `t` is, element by element.
Value plain_source(const TensorExpr& t, const Graph& graph) {
  if (t.body->kind != ExprKind::load || t.body->input < 0) return {};
  const Value source{t.body->input};
  if (!(graph.type(source).shape == t.shape())) return {};
  Linear offset = load_offset(t.body.node(), t.shape());
  Dim stride = 1;
  for (size_t k = t.axes.size(); k-- > 0;) {
    if (t.axes[k].extent != Dim(1)) offset.add_term(variable(t.axes[k].variable), Dim(0) - stride);
    stride = stride * t.axes[k].extent;
  }
  return offset.terms.empty() && offset.constant == Dim(0) ? source : Value();
}

bool depends(const Expr& e, Variable v) { return FreeVariables().depends(e, v); }

class Finder {
 public:
  Finder(const Graph& graph, const Formulas& formulas, const StagePlan& stages)
      : graph_(graph), formulas_(formulas), stages_(stages) {}

  bool find(Value result, const std::map<Value, std::set<Value>>& readers) {
    const std::optional<MatmulKernel> second = matmul_of(graph_, formulas_, result);
    if (!second) return false;
    const Value weights = plain_source(second->a, graph_);
    const std::optional<int> group = weights.valid() ? stages_.group(weights) : std::nullopt;
    if (!group || stages_.is_pointwise(*group) || graph_.is_output(weights)) return false;
    const auto readers_of_weights = readers.find(weights);
    if (readers_of_weights == readers.end() ||
        readers_of_weights->second != std::set<Value>{result} ||
        stages_.is_read_by_loops_outside(weights, *group))
      return refuse("nothing else reads the weights");
    std::vector<Value> outputs;
    kernel.stages = stages_.kernel(*group, outputs);
    if (outputs != std::vector{weights})
      return refuse("the weights are all that their group of stages gives");
    if (!find_axes(weights, *group))
      return refuse("the stages go along the keys, for several queries each, in f32");
    found.group = *group;
    found.result = result;
    if (!find_scores(weights))
      return refuse("the stages begin with a product of f32 that nothing else reads");
    if (!take_second(*second, result))
      return refuse("there is more than one key, and the columns are known, 2 to 512");
    return is_free_of_cycles(*second) ||
           refuse("what else the products read does not wait for them");
  }

  std::string_view refusal;  ///< the condition that did not hold of what else is attention
  Attention found;
  AttentionKernel kernel;

 private:
  bool refuse(std::string_view condition) {
    refusal = condition;
    return false;
  }

  /// The weights must have the outer axes in order, queries last, and keys as row.
  bool find_axes(Value weights, int group) {
    const std::vector<Value>& members = stages_.members(group);
    kernel.weights =
        static_cast<int>(std::find(members.begin(), members.end(), weights) - members.begin());
    StagedKernel::Stage& stage = kernel.stages.stages[kernel.weights];
    stage.output = -1;
    const Dims& shape = graph_.type(weights).shape;
    size_t next = 0;
    if (stage.row.size() != 1 || stage.body.dtype() != DType::f32) return false;
    for (size_t k = 0; k + 1 < shape.size(); ++k) {
      if (shape[k] == Dim(1)) {
        outer_.push_back(index(0));
        continue;
      }
      if (next == kernel.stages.outer.size()) return false;
      outer_.push_back(variable(kernel.stages.outer[next++].variable));
      if (!same(stage.at[k], outer_.back())) return false;
    }
    keys_ = stage.row[0].extent;
    return next > 0 && next == kernel.stages.outer.size() && shape[shape.size() - 2] != Dim(1) &&
           shape.back() == keys_;
  }

  /// The product that the stages begin with: of the weights' shape, read by the group only.
  bool find_scores(Value weights) {
    for (Value operand : stages_.operands(found.group)) {
      if (!(graph_.type(operand).shape == graph_.type(weights).shape)) continue;
      if (stages_.is_read_outside(operand, found.group) || !formulas_.order(operand).empty())
        continue;
      const std::optional<MatmulKernel> first = matmul_of(graph_, formulas_, operand);
      if (!first || first->outputs[0].dtype() != DType::f32) continue;
      found.scores = operand;
      return take_first(*first);
    }
    return false;
  }

  Indices at(std::initializer_list<Expr> last) const {
    Indices result(outer_.begin(), outer_.end() - 1);
    result.insert(result.end(), last.begin(), last.end());
    return result;
  }

  bool take_first(const MatmulKernel& first) {
    const Expr query = outer_.back();
    kernel.depth = {fresh_variable(), first.a.axes.back().extent};
    kernel.keys = {fresh_variable(), keys_};
    const Expr depth = variable(kernel.depth.variable), key = variable(kernel.keys.variable);
    kernel.query = simplify(first.a.at(at({query, depth})), ranges());
    kernel.key = simplify(first.b.at(at({depth, key})), ranges());
    StagedKernel::Stage scores;
    scores.row = {{fresh_variable(), keys_}};
    const Expr place = variable(scores.row[0].variable);
    Ranges in_scope = ranges();
    in_scope[scores.row[0].variable] = keys_;
    const Expr body =
        replace_loads(first.outputs[0].at(at({query, place})), [&](const ExprNode& load) {
          return load.input == MatmulKernel::accumulated
                     ? load_flat(MatmulKernel::accumulated, load.dtype, place)
                     : Expr();
        });
    scores.body = simplify(body, in_scope);
    return put_first(std::move(scores));
  }

  /// The scores become stage 0; the others count on from there.
  bool put_first(StagedKernel::Stage scores) {
    bool fits = true;
    const Dims& shape = graph_.type(found.scores).shape;
    for (StagedKernel::Stage& stage : kernel.stages.stages) {
      stage.body = replace_loads(stage.body, [&](const ExprNode& load) {
        if (load.input <= StagedKernel::stage_load(0))
          return load_flat(load.input - 1, load.dtype, load.args[0]);
        if (load.input != found.scores.id) return Expr();
        const Indices own = load.flat ? unflatten_index(load.args[0], shape) : load.args;
        for (size_t k = 0; k < outer_.size(); ++k)
          fits = fits && (shape[k] == Dim(1) || same(simplify(own[k], ranges()), outer_[k]));
        return load_flat(StagedKernel::stage_load(0), load.dtype, own.back());
      });
    }
    kernel.stages.stages.insert(kernel.stages.stages.begin(), std::move(scores));
    ++kernel.weights;
    return fits;
  }

  bool take_second(const MatmulKernel& second, Value result) {
    const Dim& columns = second.b.axes.back().extent;
    // (Axes of one element are none, so that there would be no row to go along.)
    if (!columns.is_number() || columns.number() > most_columns || columns.number() < 2 ||
        keys_ == Dim(1))
      return false;
    kernel.columns = {fresh_variable(), columns};
    const Expr column = variable(kernel.columns.variable), query = outer_.back();
    kernel.value = simplify(second.b.at(at({variable(kernel.keys.variable), column})), ranges());
    const AxisOrder& order = formulas_.order(result);
    kernel.at = to_memory(at({query, column}), order);
    Expr body = replace_loads(second.outputs[0].at(kernel.at), [&](const ExprNode& load) {
      return load.input == MatmulKernel::accumulated
                 ? dlc::load(MatmulKernel::accumulated, load.dtype, {query, column})
                 : Expr();
    });
    kernel.output = simplify(divide_later(body), ranges());
    kernel.stages.outputs = {formulas_.stored_type(result)};
    return true;
  }

  /// Weights that are a row divided by one value: the result is divided instead.
  Expr divide_later(const Expr& output) {
    StagedKernel::Stage& stage = kernel.stages.stages[kernel.weights];
    const Expr body = stage.body;
    const Variable row = stage.row[0].variable;
    if (body->kind != ExprKind::binary || body->binary != BinaryOp::divide) return output;
    const Expr& above = body->args[0];
    if (above->kind != ExprKind::load || above->input > StagedKernel::stage_load(0)) return output;
    if (!same(above->args[0], variable(row)) || depends(body->args[1], row)) return output;
    const int divisor = kernel.weights;
    stage.row.clear();
    // Without keys there is nothing to divide: the sum of none is 0.
    stage.body = select(dim(keys_) > 0, body->args[1], constant(DType::f32, 1));
    kernel.weights = StagedKernel::stage_load(0) - above->input;
    return replace_loads(output, [&](const ExprNode& load) {
      if (load.input != MatmulKernel::accumulated) return Expr();
      return dlc::load(load.input, load.dtype, load.args) /
             load_flat(StagedKernel::stage_load(divisor), load.dtype, index(0));
    });
  }

  /// What the second product reads besides the weights must not wait for the group.
  bool is_free_of_cycles(const MatmulKernel& second) {
    const std::vector<Value>& members = stages_.members(found.group);
    std::set<Value> inside(members.begin(), members.end());
    inside.insert(found.scores);
    std::vector<Value> open;
    for (const Expr& body : {second.b.body, second.outputs[0].body})
      for (int input : loaded_inputs(body))
        if (input >= 0) open.push_back(Value{input});
    for (Value operand : stages_.operands(found.group))
      if (operand != found.scores) open.push_back(operand);
    return !stages_.needs(open, inside);
  }

  Ranges ranges() const {
    Ranges result;
    for (const Axis& axis : kernel.stages.outer) result[axis.variable] = axis.extent;
    for (const Axis& axis : {kernel.depth, kernel.keys, kernel.columns})
      if (axis.variable.id >= 0) result[axis.variable] = axis.extent;
    return result;
  }

  const Graph& graph_;
  const Formulas& formulas_;
  const StagePlan& stages_;
  Indices outer_;  ///< of batches and queries
  Dim keys_;
};

}  // namespace

std::optional<Attention> find_attention(const Graph& graph, const Formulas& formulas,
                                        const StagePlan& stages, Value result,
                                        const std::map<Value, std::set<Value>>& readers,
                                        std::string_view& refusal) {
  Finder finder(graph, formulas, stages);
  const bool fits = finder.find(result, readers);
  refusal = finder.refusal;
  if (!fits) return std::nullopt;
  finder.found.kernel = std::move(finder.kernel);
  return std::move(finder.found);
}

StagedKernel attention_as_stages(const AttentionKernel& kernel) {
  StagedKernel stages = kernel.stages;
  stages.operands = kernel.operands;
  StagedKernel::Stage& scores = stages.stages[0];
  const auto product = [&](const Axis& axis, const Expr& a, const Expr& b) {
    const Variable v = fresh_variable();
    const std::map<Variable, Expr> name = {{axis.variable, variable(v)}};
    return reduce(ReduceOp::sum, {{v, axis.extent}}, substitute(a, name) * substitute(b, name));
  };
  const std::map<Variable, Expr> key = {{kernel.keys.variable, variable(scores.row[0].variable)}};
  const Expr score = product(kernel.depth, kernel.query, substitute(kernel.key, key));
  const auto with = [](const Expr& body, const Expr& sum) {
    return replace_loads(body, [&](const ExprNode& load) {
      return load.input == MatmulKernel::accumulated ? sum : Expr();
    });
  };
  scores.body = with(scores.body, score);
  const Expr weight = load_flat(StagedKernel::stage_load(kernel.weights), DType::f32,
                                variable(kernel.keys.variable));
  StagedKernel::Stage result{{kernel.columns}, {}, 0, kernel.at};
  result.body = with(kernel.output, product(kernel.keys, weight, kernel.value));
  stages.stages.push_back(std::move(result));
  return stages;
}

}  // namespace dlc
