// Pointwise groups: values that are stored, because others read them too, and whose readers element
// by element are computed with them. See stages.h.
// Next: compiler/lower/partition.cpp.
#include <algorithm>

#include "compiler/lower/stages.h"

namespace dlc {
namespace {

constexpr size_t most_pointwise = 8;  ///< values that are in registers at once

}  // namespace

/// Joins the group of a value that it reads, or begins one with it.
void StagePlan::add_pointwise(Value value) {
  if (group(value) || !may_be_pointwise(value)) return;
  for (const Read& read : reads(value)) {
    const std::optional<int> known = group(read.value);
    if (known ? !is_pointwise(*known)
              : !stored_.contains(read.value) || !may_be_pointwise(read.value))
      continue;
    Group changed = known ? groups_[*known] : Group{{}, {{read.value, {}}}, {}, true};
    changed.members[value] = {};
    if (changed.members.size() > most_pointwise || !reads_own_elements(value, changed) ||
        is_too_large(changed) || makes_cycle(changed))
      continue;
    const int number = known.value_or(static_cast<int>(groups_.size()));
    if (!known) groups_.emplace_back();
    for (const auto& [member, splits] : changed.members) group_of_[member] = number;
    groups_[number] = std::move(changed);
    return;
  }
}

/// Loops along the last axis suit it: then those of others in the kernel lose nothing.
bool StagePlan::may_be_pointwise(Value value) const {
  const TensorExpr& formula = formulas_.formula(value);
  Splits splits;
  for (const Axis& axis : formula.axes) splits.push_back({-1, axis.extent != Dim(1), 1});
  return !has_reduction(formula.body) && suits_rows(value, splits);
}

/// One member's formula may stand within another's.
bool StagePlan::is_too_large(const Group& group) const {
  size_t count = 0;
  for (const auto& [member, splits] : group.members)
    count += expression_count(formulas_.formula(member).body);
  return count > most_expressions;
}

bool StagePlan::reads_own_elements(Value reader, const Group& group) const {
  const TensorExpr& formula = formulas_.formula(reader);
  const Dims shape = formula.shape();
  for (const Read& read : reads(reader)) {
    if (!group.members.contains(read.value)) continue;
    if (formulas_.formula(read.value).shape() != shape) return false;
    for (size_t k = 0; k < shape.size(); ++k)
      if (shape[k] != Dim(1) && !same(read.at[k], variable(formula.axes[k].variable))) return false;
  }
  return true;
}

std::vector<TensorExpr> StagePlan::loops(int number, std::vector<Value>& outputs) const {
  const Group& group = groups_[number];
  std::vector<TensorExpr> result;
  std::map<Value, Expr> bodies;  // over the axes of the first
  const std::vector<Axis>& axes = formulas_.formula(group.order.front()).axes;
  const Indices at = own_indices(axes);
  for (Value value : group.order) {
    const Expr body = replace_loads(formulas_.formula(value).at(at), [&](const ExprNode& load) {
      const auto member = bodies.find(Value{load.input});
      return member == bodies.end() ? Expr() : member->second;
    });
    bodies.emplace(value, body);
    if (!is_read_outside(value, group)) continue;
    outputs.push_back(value);
    result.push_back({axes, body});
  }
  return result;
}

}  // namespace dlc
