// Planning sweeps: each piece of work goes into the first pass in which all that it reads is there.
// Next: compiler/backends/llvm/stage_emitter.cpp.
#include "compiler/lower/sweeps.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/lower/formulas.h"
#include "compiler/lower/linear.h"
#include "compiler/lower/schedule.h"

namespace dlc {
namespace {

/// Reductions that a sweep can do for the body: those that are computed in any case.
std::vector<Expr> outer_reductions(const Expr& e) {
  if (e->kind == ExprKind::reduce) {
    const bool position = e->reduce >= ReduceOp::argmin_first && e->reduce <= ReduceOp::argmax_last;
    if (position || has_reduction(e->args[0]) || e->axes.empty()) return {};
    return {e};
  }
  std::vector<Expr> result;
  const size_t certain = e->kind == ExprKind::select ? 1 : e->args.size();
  if (!has_reduction(e)) return result;
  for (size_t k = 0; k < certain; ++k) {
    const std::vector<Expr> inner = outer_reductions(e->args[k]);
    result.insert(result.end(), inner.begin(), inner.end());
  }
  return result;
}

bool is_repeatable(ReduceOp op) { return op == ReduceOp::minimum || op == ReduceOp::maximum; }

class Planner {
 public:
  Planner(const StagedKernel& kernel, int vector_bits, std::optional<Across> across)
      : kernel_(kernel), vector_bits_(vector_bits), done_(kernel.stages.size(), 0) {
    plan_.across = across;
    plan_.buffers = kernel.operands;
    plan_.buffers.insert(plan_.buffers.end(), kernel.outputs.begin(), kernel.outputs.end());
    plan_.first_stage = static_cast<int>(plan_.buffers.size());
    for (const StagedKernel::Stage& stage : kernel.stages) {
      Dim length = 1;
      for (const Axis& axis : stage.row) length = length * axis.extent;
      plan_.buffers.push_back(row_type(stage.body.dtype(), length));
      visit(stage.body, [&](const Expr& e) {
        if (is_accumulated(e)) accumulated_ = row_type(e.dtype(), length);
      });
    }
    if (!accumulated_) return;
    plan_.accumulated = static_cast<int>(plan_.buffers.size());
    plan_.buffers.push_back(*accumulated_);
  }

  SweepPlan run() {
    for (size_t s = 0; s < kernel_.stages.size(); ++s)
      kernel_.stages[s].row.empty() ? add_scalar(static_cast<int>(s))
                                    : add_row(static_cast<int>(s));
    find_kept();
    for (Sweep& sweep : plan_.sweeps) choose_lanes_of(sweep);
    for (const Axis& axis : kernel_.outer) plan_.items = plan_.items * axis.extent;
    describe();
    return std::move(plan_);
  }

 private:
  static bool is_accumulated(const Expr& e) {
    return e->kind == ExprKind::load && e->input == MatmulKernel::accumulated;
  }
  Type row_type(DType type, const Dim& length) const {
    return Type::tensor(type, {length, plan_.across ? plan_.across->lanes : 1});
  }

  /// The stage's loops, merged, with its body and (if it is written to memory) its place there.
  LoopNest nest_of(int s) const {
    const StagedKernel::Stage& stage = kernel_.stages[s];
    LoopKernel loops;
    loops.operands = plan_.buffers;
    const Expr body = replace_loads(stage.body, [&](const ExprNode& load) {
      if (load.input >= 0) return Expr();
      const int stage = StagedKernel::stage_load(0) - load.input;
      const int number =
          load.input == MatmulKernel::accumulated ? plan_.accumulated : plan_.first_stage + stage;
      const Expr lane = plan_.across ? variable(plan_.across->variable) : index(0);
      return dlc::load(number, load.dtype, {load.args[0], lane});
    });
    loops.outputs.push_back({stage.row, body});
    if (stage.output >= 0) {
      const int number = static_cast<int>(kernel_.operands.size()) + stage.output;
      const Type& type = plan_.buffers[number];
      const Expr place = flatten_index(stage.at, type.shape);
      loops.outputs.push_back({stage.row, load_flat(number, type.dtype, place)});
    }
    return make_loop_nest(loops);
  }

  void add_row(int s) {
    const LoopNest nest = nest_of(s);
    Sweep& sweep = sweep_for(nest.axes, nest.bodies[0], true);
    Sweep::Row row{s, on_axes(nest.bodies[0], nest.axes, sweep.axes), false, {}};
    if (nest.bodies.size() > 1)
      row.offset = on_axes(nest.bodies[1]->args[0], nest.axes, sweep.axes);
    sweep.rows.push_back(std::move(row));
    done_[s] = number_of(sweep);
  }

  void add_scalar(int s) {
    const LoopNest nest = nest_of(s);
    size_t after = 0;
    for (const Expr& node : outer_reductions(nest.bodies[0])) {
      Sweep& sweep = sweep_for(node->axes, node->args[0], is_repeatable(node->reduce));
      sweep.sums.push_back({node, on_axes(node->args[0], node->axes, sweep.axes)});
      after = std::max(after, number_of(sweep) + 1);
    }
    visit(nest.bodies[0], [&](const Expr& e) {
      if (const std::optional<int> t = stage_of(e))
        after = std::max(after, is_row(*t) ? done_[*t] + 1 : done_[*t]);
    });
    plan_.scalars.push_back({s, nest.bodies[0], after});
    done_[s] = after;
  }

  std::optional<int> stage_of(const Expr& e) const {
    if (e->kind != ExprKind::load || e->input < plan_.first_stage || e->input == plan_.accumulated)
      return std::nullopt;
    return e->input - plan_.first_stage;
  }
  bool is_row(int stage) const { return !kernel_.stages[stage].row.empty(); }
  size_t number_of(const Sweep& sweep) const {
    return static_cast<size_t>(&sweep - plan_.sweeps.data());
  }

  static Expr on_axes(const Expr& e, const std::vector<Axis>& own, const std::vector<Axis>& axes) {
    std::map<Variable, Expr> names;
    for (size_t k = 0; k < own.size(); ++k)
      names.emplace(own[k].variable, variable(axes[k].variable));
    return substitute(e, names);
  }

  /// The first sweep over such rows in which what `body` reads is at hand, or a new one. A sweep of
  /// sums from a contraction may do an element twice.
  Sweep& sweep_for(const std::vector<Axis>& axes, const Expr& body, bool repeatable) {
    size_t first = 0;
    visit(body, [&](const Expr& e) {
      if (const std::optional<int> t = stage_of(e)) first = std::max(first, done_[*t]);
    });
    for (size_t k = first; k < plan_.sweeps.size(); ++k)
      if (fits(plan_.sweeps[k], axes, body) && (repeatable || !accumulates(plan_.sweeps[k])))
        return plan_.sweeps[k];
    Sweep sweep;
    for (const Axis& axis : axes) sweep.axes.push_back({fresh_variable(), axis.extent});
    plan_.sweeps.push_back(std::move(sweep));
    return plan_.sweeps.back();
  }

  bool fits(const Sweep& sweep, const std::vector<Axis>& axes, const Expr& body) const {
    const bool alike =
        std::equal(axes.begin(), axes.end(), sweep.axes.begin(), sweep.axes.end(),
                   [](const Axis& a, const Axis& b) { return a.extent == b.extent; });
    if (!alike) return false;
    bool result = true;
    visit(body, [&](const Expr& e) {
      const std::optional<int> t = stage_of(e);
      if (t && is_row(*t) && done_[*t] == number_of(sweep))
        result = result && equal(linear(e->args[0]), plan_.place(axes));
    });
    return result;
  }

  bool accumulates(const Sweep& sweep) const {
    return std::any_of(sweep.rows.begin(), sweep.rows.end(),
                       [&](const Sweep::Row& row) { return loads(row.body, plan_.accumulated); });
  }

  /// Rows that are read in other sweeps than their own.
  void find_kept() {
    std::vector<bool> kept(kernel_.stages.size(), false);
    const auto look = [&](const Expr& body, size_t sweep) {
      visit(body, [&](const Expr& e) {
        const std::optional<int> t = stage_of(e);
        if (t && is_row(*t) && done_[*t] != sweep) kept[*t] = true;
      });
    };
    for (const Sweep& sweep : plan_.sweeps) {
      for (const Sweep::Row& row : sweep.rows) look(row.body, number_of(sweep));
      for (const Sweep::Sum& sum : sweep.sums) look(sum.body, number_of(sweep));
    }
    for (const SweepPlan::Scalar& scalar : plan_.scalars) {
      std::vector<Expr> own;
      const std::vector<Expr> swept = outer_reductions(scalar.body);
      look(rewrite(scalar.body,
                   [&](const Expr& e) {
                     const bool is_swept =
                         std::any_of(swept.begin(), swept.end(),
                                     [&](const Expr& node) { return same(node, e); });
                     return is_swept ? zero_like(e) : Expr();
                   }),
           plan_.sweeps.size());
    }
    for (Sweep& sweep : plan_.sweeps)
      for (Sweep::Row& row : sweep.rows) row.kept = kept[row.stage];
  }

  static Expr zero_like(const Expr& e) {
    return is_float(e.dtype()) ? constant(e.dtype(), 0) : constant_integer(e.dtype(), 0);
  }

  void choose_lanes_of(Sweep& sweep) {
    std::vector<Expr> bodies;
    for (const Sweep::Row& row : sweep.rows) bodies.push_back(row.body);
    for (const Sweep::Sum& sum : sweep.sums) bodies.push_back(sum.body);
    std::vector<Dims> shapes;
    for (const Type& type : plan_.buffers) shapes.push_back(type.shape);
    if (!plan_.across) sweep.lanes = row_lanes(bodies, sweep.axes.back(), shapes, vector_bits_);
    Dim cost = 1;
    for (const Axis& axis : sweep.axes) cost = cost * axis.extent;
    int64_t each = 0;
    for (const Expr& body : bodies) each += 1 + static_cast<int64_t>(scalar_cost(body));
    plan_.item_cost = plan_.item_cost + cost * Dim(each);
  }

  void describe() {
    std::string points;
    for (const Axis& axis : kernel_.outer)
      points += (points.empty() ? "" : " x ") + axis.extent.to_string();
    plan_.summary = points.empty() ? "one item" : "parallel " + points;
    plan_.text = plan_.summary + "\n";
    const auto scalars_after = [&](size_t sweeps) {
      for (const SweepPlan::Scalar& scalar : plan_.scalars)
        if (scalar.after == sweeps)
          plan_.text += fmt::format("  stage{} = {}\n", scalar.stage, to_string(scalar.body));
    };
    scalars_after(0);
    for (const Sweep& sweep : plan_.sweeps) {
      std::string extent;
      for (const Axis& axis : sweep.axes)
        extent += (extent.empty() ? "" : " x ") + axis.extent.to_string();
      const int lanes = plan_.across ? plan_.across->lanes : sweep.lanes;
      plan_.summary += fmt::format("; sweep {} by x{}", extent, lanes);
      plan_.text += fmt::format("  sweep {} by x{}\n", extent, lanes);
      for (const Sweep::Row& row : sweep.rows)
        plan_.text += fmt::format("    stage{}[]{}{} = {}\n", row.stage, row.kept ? " kept" : "",
                                  row.offset ? " stored" : "", to_string(row.body));
      for (const Sweep::Sum& sum : sweep.sums)
        plan_.text += fmt::format("    {}\n", to_string(sum.node));
      scalars_after(number_of(sweep) + 1);
    }
  }

  const StagedKernel& kernel_;
  int vector_bits_;
  SweepPlan plan_;
  std::optional<Type> accumulated_;
  /// Rows: their sweep; values: how many sweeps must be done.
  std::vector<size_t> done_;
};

}  // namespace

Linear SweepPlan::place(const std::vector<Axis>& axes) const {
  Linear place;
  Dim stride = across ? across->lanes : 1;
  for (size_t k = axes.size(); k-- > 0;) {
    place.add_term(variable(axes[k].variable), stride);
    stride = stride * axes[k].extent;
  }
  if (across) place.add_term(variable(across->variable), 1);
  return place;
}

SweepPlan plan_sweeps(const StagedKernel& kernel, int vector_bits, std::optional<Across> across) {
  return Planner(kernel, vector_bits, across).run();
}

}  // namespace dlc
