// Groups of stages: see stages.h. All decisions are by index maps: no op is known by name here.
// Next: compiler/lower/partition.cpp.
#include "compiler/lower/stages.h"

#include <algorithm>
#include <cassert>

#include "compiler/expr/simplify.h"
#include "compiler/lower/linear.h"

namespace dlc {
namespace {

constexpr size_t most_members = 24;
constexpr int64_t most_row_bytes = 512 << 10;  ///< of all rows kept: they should stay in L2
/// With fewer outer points than these, long rows are better cut among threads.
constexpr int64_t few_points = 4, long_row = 32768;

std::optional<Variable> as_variable(const Expr& e) {
  if (e->kind != ExprKind::variable) return std::nullopt;
  return e->variable;
}

std::optional<Dim> as_size(const Expr& e) {
  if (e->kind == ExprKind::constant) return Dim(e->integer);
  if (e->kind == ExprKind::dim) return e->dim;
  return std::nullopt;
}

/// What `e` divides by, if it is variable // size.
std::optional<Dim> divisor_of(const Expr& e) {
  if (e->kind != ExprKind::binary || e->binary != BinaryOp::floor_div) return std::nullopt;
  return as_variable(e->args[0]) ? as_size(e->args[1]) : std::nullopt;
}

size_t axis_of(const TensorExpr& t, Variable v) {
  size_t k = 0;
  while (k < t.axes.size() && t.axes[k].variable != v) ++k;
  return k;
}

void add_reductions(const Expr& body, Ranges& ranges) {
  visit(body, [&](const Expr& e) {
    if (e->kind != ExprKind::reduce) return;
    for (const Axis& axis : e->axes) ranges[axis.variable] = axis.extent;
  });
}

}  // namespace

StagePlan::StagePlan(const Graph& graph, const Formulas& formulas, const std::vector<Value>& stored,
                     const std::set<Value>& read_elsewhere)
    : graph_(graph),
      formulas_(formulas),
      stored_(stored.begin(), stored.end()),
      read_elsewhere_(read_elsewhere) {
  for (Value value : stored) {
    for (int input : loaded_inputs(formulas.formula(value).body))
      readers_[Value{input}].push_back(value);
  }
  for (Value value : stored) add(value);
  dissolve_singles();
  for (Value value : stored) add_pointwise(value);
  for (Value value : stored)
    if (const std::optional<int> g = group(value)) groups_[*g].order.push_back(value);
}

void StagePlan::dissolve_singles() {
  for (const Group& group : groups_)
    if (group.members.size() < 2)
      for (const auto& [value, splits] : group.members) group_of_.erase(value);
}

std::optional<int> StagePlan::group(Value value) const {
  const auto found = group_of_.find(value);
  return found == group_of_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Value> StagePlan::operands(const Group& group) const {
  std::vector<Value> result;
  for (const auto& [member, splits] : group.members)
    for (int input : loaded_inputs(formulas_.formula(member).body))
      if (!group.members.contains(Value{input})) result.push_back(Value{input});
  return result;
}

// --- growing groups

void StagePlan::add(Value value) {
  std::optional<int> latest;
  for (const Read& read : reads(value)) {
    const std::optional<int> g = group(read.value);
    if (g && (!latest || *g > *latest)) latest = g;
  }
  if (latest && join(value, *latest)) {
    absorb_producers(*latest);
  } else if (has_reduction(formulas_.formula(value).body)) {
    seed(value);
  }
}

bool StagePlan::join(Value value, int group) {
  const std::optional<Splits> splits = splits_of_user(value, groups_[group]);
  return !refused(value, splits ? admit(value, *splits, group)
                                : "it reads the stages' values along its own axes");
}

/// Remembers why, for people.
bool StagePlan::refused(Value value, std::string_view condition) {
  refusals_[value] = condition;
  return !condition.empty();
}

std::string_view StagePlan::refusal(Value value) const {
  const auto found = refusals_.find(value);
  return found == refusals_.end() || group(value) ? "" : found->second;
}

/// The reduction's result has one value for each outer point.
void StagePlan::seed(Value value) {
  Group group;
  Splits splits;
  for (const Axis& axis : formulas_.formula(value).axes) {
    Split split;
    if (axis.extent != Dim(1)) {
      split.outer = static_cast<int>(group.outer.size());
      group.outer.push_back(axis.extent);
    }
    splits.push_back(split);
  }
  groups_.push_back(std::move(group));
  const int number = static_cast<int>(groups_.size()) - 1;
  if (admit(value, splits, number).empty()) absorb_producers(number);
}

void StagePlan::absorb_producers(int group) {
  bool again = true;
  while (again) {
    again = false;
    for (Value value : operands(groups_[group])) {
      if (!stored_.contains(value) || group_of_.contains(value)) continue;
      again = absorb(value, group) || again;
    }
  }
}

bool StagePlan::absorb(Value value, int group) {
  const std::optional<Splits> splits = splits_of_producer(value, groups_[group]);
  return !refused(
      value, splits ? admit(value, *splits, group) : "the stages read it along their own axes");
}

/// Must leave the group right and worth it.
std::string_view StagePlan::admit(Value value, Splits splits, int group) {
  Group changed = groups_[group];
  if (changed.members.size() >= most_members) return "a kernel has at most 24 stages";
  if (!complete(value, splits, changed)) return "each outer axis of the stages is one of its axes";
  if (!suits_rows(value, splits)) return "what lies along its rows is adjacent in memory";
  changed.members[value] = std::move(splits);
  for (const auto& [member, own] : changed.members)
    if (!reads_match(member, changed)) return "stages read each other at the same outer point only";
  if (!fits(changed))
    return "the rows of a point fit into 512 kB and points are enough for threads";
  if (makes_cycle(changed)) return "nothing else waits for one stage and is read by another";
  groups_[group] = std::move(changed);
  group_of_[value] = group;
  return "";
}

// --- index maps

/// From where it reads members.
std::optional<StagePlan::Splits> StagePlan::splits_of_user(Value value, const Group& group) const {
  const TensorExpr& formula = formulas_.formula(value);
  Splits splits(formula.axes.size());
  for (const Read& read : reads(value)) {
    const auto member = group.members.find(read.value);
    if (member == group.members.end()) continue;
    const std::vector<Expr> outer = outer_of(member->second, read.at, ranges(value));
    for (size_t k = 0; k < outer.size(); ++k) {
      const std::optional<Dim> inner = divisor_of(outer[k]);
      const std::optional<Variable> v = as_variable(inner ? outer[k]->args[0] : outer[k]);
      const size_t axis = v ? axis_of(formula, *v) : formula.axes.size();
      if (axis == formula.axes.size()) return std::nullopt;
      splits[axis] = {static_cast<int>(k), inner.has_value(), inner.value_or(Dim(1))};
    }
  }
  return splits;
}

/// From where members read it, or like a member of the same shape.
std::optional<StagePlan::Splits> StagePlan::splits_of_producer(Value value,
                                                               const Group& group) const {
  const Dims shape = formulas_.formula(value).shape();
  for (const auto& [member, own] : group.members) {
    const TensorExpr& formula = formulas_.formula(member);
    for (const Read& read : reads(member)) {
      if (read.value != value) continue;
      Splits splits(shape.size());
      bool known = true;
      for (size_t k = 0; k < shape.size() && known; ++k) {
        if (shape[k] == Dim(1)) continue;
        const std::optional<Variable> v = as_variable(read.at[k]);
        const size_t axis = v ? axis_of(formula, *v) : formula.axes.size();
        if (axis < formula.axes.size()) splits[k] = own[axis];
        known = v.has_value();
      }
      if (known) return splits;
    }
  }
  for (const auto& [member, own] : group.members)
    if (formulas_.formula(member).shape() == shape) return own;
  return std::nullopt;
}

/// Axes that are nothing else are row axes. False unless each outer axis is in just one axis.
bool StagePlan::complete(Value value, Splits& splits, const Group& group) const {
  const TensorExpr& formula = formulas_.formula(value);
  std::vector<int> count(group.outer.size(), 0);
  for (size_t k = 0; k < splits.size(); ++k) {
    Split& split = splits[k];
    if (split.outer < 0) {
      split.row = formula.axes[k].extent != Dim(1);
      continue;
    }
    ++count[split.outer];
    if (formula.axes[k].extent != group.outer[split.outer] * split.inner) return false;
  }
  return std::all_of(count.begin(), count.end(), [](int n) { return n == 1; });
}

/// The outer point that element `at` of a member belongs to.
std::vector<Expr> StagePlan::outer_of(const Splits& splits, const Indices& at,
                                      const Ranges& ranges) const {
  std::map<int, Expr> found;
  for (size_t k = 0; k < splits.size(); ++k) {
    const Split& split = splits[k];
    if (split.outer < 0) continue;
    found[split.outer] = split.row ? simplify(floor_div(at[k], dim(split.inner)), ranges) : at[k];
  }
  std::vector<Expr> result;
  for (const auto& [axis, e] : found) result.push_back(e);
  return result;
}

std::vector<Expr> StagePlan::own_outer(Value value, const Splits& splits) const {
  return outer_of(splits, own_indices(formulas_.formula(value).axes), ranges(value));
}

/// Whether all that `reader` reads of members is of its own outer point.
bool StagePlan::reads_match(Value reader, const Group& group) const {
  const std::vector<Expr> own = own_outer(reader, group.members.at(reader));
  for (const Read& read : reads(reader)) {
    const auto member = group.members.find(read.value);
    if (member == group.members.end()) continue;
    const std::vector<Expr> other = outer_of(member->second, read.at, ranges(reader));
    for (size_t k = 0; k < own.size(); ++k)
      if (!same(own[k], other[k])) return false;
  }
  return true;
}

/// Whether something outside the group needs one of its values and is needed by another.
bool StagePlan::makes_cycle(const Group& group) const {
  std::set<Value> inside;
  for (const auto& [member, splits] : group.members) inside.insert(member);
  return needs(operands(group), inside);
}

bool StagePlan::needs(std::vector<Value> values, const std::set<Value>& targets) const {
  std::set<NodeId> seen;
  std::set<int> groups_seen;
  while (!values.empty()) {
    const Value value = values.back();
    values.pop_back();
    if (targets.contains(value)) return true;
    if (const auto other = group_of_.find(value); other != group_of_.end()) {
      if (!groups_seen.insert(other->second).second) continue;
      for (Value operand : operands(groups_[other->second])) values.push_back(operand);
      continue;
    }
    const NodeId producer = graph_.producer(value);
    if (!producer.valid() || !seen.insert(producer).second) continue;
    for (Value input : graph_.node(producer).inputs)
      if (input.valid()) values.push_back(input);
  }
  return false;
}

// --- worth

/// Rows run by vectors along their last axis: loads must be adjacent along it, or not move.
bool StagePlan::suits_rows(Value value, const Splits& splits) const {
  const TensorExpr& formula = formulas_.formula(value);
  size_t last = splits.size();
  while (last > 0 && formula.axes[last - 1].extent == Dim(1)) --last;
  std::optional<Variable> along;
  if (is_row(splits)) {
    if (!splits[last - 1].row) return false;
    along = formula.axes[last - 1].variable;
  }
  FreeVariables free;
  bool good = true;
  const auto check = [&](const Expr& e, Variable v) {
    if (!free.depends(e, v)) return;
    const Linear offset = load_offset(e.node(), formulas_.stored_type(Value{e->input}).shape);
    good = good && offset.coefficient(v) == Dim(1);
  };
  visit(formula.body, [&](const Expr& e) {
    if (e->kind == ExprKind::load && along) check(e, *along);
    if (e->kind != ExprKind::reduce) return;
    visit(e->args[0], [&](const Expr& inner) {
      if (inner->kind == ExprKind::load) check(inner, e->axes.back().variable);
    });
  });
  return good;
}

bool StagePlan::fits(const Group& group) const {
  Dim bytes = 0, longest = 0;
  for (const auto& [member, splits] : group.members) {
    if (!is_row(splits)) continue;
    const Dim length = row_length(member, splits);
    bytes = bytes + length * ((bits(graph_.type(member).dtype) + 7) / 8);
    longest = maximum(longest, length);
  }
  if (bytes.is_number() && bytes.number() > most_row_bytes) return false;
  const Dim points = product(group.outer);
  return !(points.is_number() && points.number() < few_points && longest.is_number() &&
           longest.number() > long_row);
}

// --- the kernel

StagedKernel StagePlan::kernel(int number, std::vector<Value>& outputs) const {
  const Group& group = groups_[number];
  StagedKernel kernel;
  for (const Dim& extent : group.outer) kernel.outer.push_back({fresh_variable(), extent});
  for (Value value : group.order) {
    StagedKernel::Stage stage = make_stage(value, group, kernel.outer);
    if (is_read_outside(value, group)) {
      stage.output = static_cast<int>(outputs.size());
      outputs.push_back(value);
      kernel.outputs.push_back(graph_.type(value));
    }
    kernel.stages.push_back(std::move(stage));
  }
  return kernel;
}

StagedKernel::Stage StagePlan::make_stage(Value value, const Group& group,
                                          const std::vector<Axis>& outer) const {
  const Splits& splits = group.members.at(value);
  const TensorExpr& formula = formulas_.formula(value);
  StagedKernel::Stage stage;
  Ranges ranges;
  for (const Axis& axis : outer) ranges[axis.variable] = axis.extent;
  for (size_t k = 0; k < splits.size(); ++k) {
    const Split& split = splits[k];
    Expr at = index(0);
    if (split.outer >= 0) at = variable(outer[split.outer].variable) * dim(split.inner);
    if (split.row) {
      const Axis row{fresh_variable(), row_extent(split, formula.axes[k].extent)};
      stage.row.push_back(row);
      ranges[row.variable] = row.extent;
      at = at + variable(row.variable);
    }
    stage.at.push_back(at);
  }
  stage.body = simplify(formula.at(stage.at), ranges);
  add_reductions(stage.body, ranges);
  stage.body = replace_loads(stage.body, [&](const ExprNode& load) {
    return group.members.contains(Value{load.input}) ? stage_read(load, group, outer) : Expr();
  });
  stage.body = simplify(stage.body, ranges);
  return stage;
}

/// The load of a member's element by its place within the row: what is left of an index once its
/// outer point is taken away.
Expr StagePlan::stage_read(const ExprNode& read, const Group& group,
                           const std::vector<Axis>& outer) const {
  const Value source{read.input};
  const Splits& splits = group.members.at(source);
  const Dims& shape = graph_.type(source).shape;
  const Indices at = read.flat ? unflatten_index(read.args[0], shape) : read.args;
  Expr place = index(0);
  for (size_t k = 0; k < splits.size(); ++k) {
    const Split& split = splits[k];
    if (!split.row) continue;
    Expr own = at[k];
    if (split.outer >= 0) own = own - variable(outer[split.outer].variable) * dim(split.inner);
    place = place * dim(row_extent(split, shape[k])) + own;
  }
  const auto stage = std::find(group.order.begin(), group.order.end(), source);
  const int number = static_cast<int>(stage - group.order.begin());
  return load_flat(StagedKernel::stage_load(number), read.dtype, place);
}

bool StagePlan::is_read_outside(Value value, const Group& group) const {
  return graph_.is_output(value) || read_elsewhere_.contains(value) ||
         is_read_by_loops_outside(value, group);
}

bool StagePlan::is_read_by_loops_outside(Value value, const Group& group) const {
  const auto readers = readers_.find(value);
  return readers != readers_.end() &&
         std::any_of(readers->second.begin(), readers->second.end(),
                     [&](Value reader) { return !group.members.contains(reader); });
}

// --- facts

std::vector<Value> StagePlan::readers(Value value) const {
  const auto found = readers_.find(value);
  return found == readers_.end() ? std::vector<Value>() : found->second;
}

const std::vector<StagePlan::Read>& StagePlan::reads(Value value) const {
  const auto found = reads_.find(value);
  if (found != reads_.end()) return found->second;
  std::vector<Read>& result = reads_[value];
  const Ranges in_scope = ranges(value);
  visit(formulas_.formula(value).body, [&](const Expr& e) {
    if (e->kind != ExprKind::load) return;
    const Dims shape = formulas_.stored_type(Value{e->input}).shape;
    Indices at = e->flat ? unflatten_index(e->args[0], shape) : e->args;
    for (Expr& i : at) i = simplify(i, in_scope);
    result.push_back({Value{e->input}, std::move(at)});
  });
  return result;
}

Ranges StagePlan::ranges(Value value) const {
  const TensorExpr& formula = formulas_.formula(value);
  Ranges result;
  for (const Axis& axis : formula.axes) result[axis.variable] = axis.extent;
  add_reductions(formula.body, result);
  return result;
}

bool StagePlan::is_row(const Splits& splits) {
  return std::any_of(splits.begin(), splits.end(), [](const Split& split) { return split.row; });
}

Dim StagePlan::row_extent(const Split& split, const Dim& extent) {
  return split.outer >= 0 ? split.inner : extent;
}

Dim StagePlan::row_length(Value value, const Splits& splits) const {
  Dim length = 1;
  for (size_t k = 0; k < splits.size(); ++k)
    if (splits[k].row)
      length = length * row_extent(splits[k], formulas_.formula(value).axes[k].extent);
  return length;
}

}  // namespace dlc
