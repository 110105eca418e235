// Stages: stored values that one kernel computes together, outer point by outer point, so that what
// they hand each other stays in scratch: softmax, normalizations and what is around them. Also
// pointwise values that read each other element by element, as the states of an LSTM do: they are
// the outputs of one loop kernel.
// Next: stages.cpp, pointwise_groups.cpp; compiler/backends/llvm/staged_kernel.cpp runs stages.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "compiler/expr/simplify.h"
#include "compiler/lower/formulas.h"
#include "compiler/lower/kernel.h"

namespace dlc {

/// Finds groups among stored values. A group begins with a reduction, whose result's axes are the
/// outer ones. A value joins if every element that it has of a member, or a member of it, belongs
/// to the outer point at which it is used.
class StagePlan {
 public:
  /// `stored`: what loops compute, in an order in which they can be; `read_elsewhere`: what
  /// anything but their formulas reads.
  StagePlan(const Graph& graph, const Formulas& formulas, const std::vector<Value>& stored,
            const std::set<Value>& read_elsewhere);

  /// The number of the group that computes `value`, if it is in one with others.
  std::optional<int> group(Value value) const;
  const std::vector<Value>& members(int group) const { return groups_[group].order; }
  /// Whether loops along its rows compute it element by element.
  bool may_be_pointwise(Value value) const;
  bool is_pointwise(int group) const { return groups_[group].pointwise; }
  /// Why a stored value is not in a group that reads it or that it reads; empty if there is none.
  std::string_view refusal(Value value) const;
  /// Values from outside that members read.
  std::vector<Value> operands(int group) const { return operands(groups_[group]); }
  /// Whether `value`, of the group or not, is read by anything but the group's members.
  bool is_read_outside(Value value, int group) const {
    return is_read_outside(value, groups_[group]);
  }
  bool is_read_by_loops_outside(Value value, int group) const {
    return is_read_by_loops_outside(value, groups_[group]);
  }
  /// Whether one of `values` depends on one of `targets`. A group counts as one: whoever needs one
  /// of its values waits for all that it reads.
  bool needs(std::vector<Value> values, const std::set<Value>& targets) const;
  /// All but the name and the operands: loads read values by id, and stages. `outputs`: the values
  /// that are to be written to memory.
  StagedKernel kernel(int group, std::vector<Value>& outputs) const;
  /// The same of a pointwise group: the formulas of the outputs, without loads of members.
  std::vector<TensorExpr> loops(int group, std::vector<Value>& outputs) const;

  struct Read {
    Value value;
    Indices at;
  };
  /// What the formula of a stored value reads, by axes.
  const std::vector<Read>& reads(Value value) const;
  /// Stored values whose formulas read it.
  std::vector<Value> readers(Value value) const;

 private:
  /// What an axis of a member is: an outer axis, a row axis, or both: outer * inner + row.
  struct Split {
    int outer = -1;
    bool row = false;
    Dim inner = 1;
  };
  using Splits = std::vector<Split>;
  struct Group {
    Dims outer;
    std::map<Value, Splits> members;
    std::vector<Value> order;
    bool pointwise = false;  ///< each element is a point
  };

  void add(Value value);
  void dissolve_singles();
  void add_pointwise(Value value);
  bool is_too_large(const Group& group) const;
  bool reads_own_elements(Value reader, const Group& group) const;
  bool join(Value value, int group);
  void seed(Value value);
  void absorb_producers(int group);
  bool absorb(Value value, int group);
  /// Takes the value in, unless the result is a condition that does not hold.
  std::string_view admit(Value value, Splits splits, int group);
  bool refused(Value value, std::string_view condition);
  std::optional<Splits> splits_of_user(Value value, const Group& group) const;
  std::optional<Splits> splits_of_producer(Value value, const Group& group) const;
  bool complete(Value value, Splits& splits, const Group& group) const;
  std::vector<Expr> outer_of(const Splits& splits, const Indices& at, const Ranges& ranges) const;
  std::vector<Expr> own_outer(Value value, const Splits& splits) const;
  bool reads_match(Value reader, const Group& group) const;
  bool makes_cycle(const Group& group) const;
  std::vector<Value> operands(const Group& group) const;
  bool is_read_outside(Value value, const Group& group) const;
  bool is_read_by_loops_outside(Value value, const Group& group) const;
  StagedKernel::Stage make_stage(Value value, const Group& group,
                                 const std::vector<Axis>& outer) const;
  Expr stage_read(const ExprNode& read, const Group& group, const std::vector<Axis>& outer) const;
  bool suits_rows(Value value, const Splits& splits) const;
  bool fits(const Group& group) const;

  Ranges ranges(Value value) const;
  Dim row_length(Value value, const Splits& splits) const;
  static bool is_row(const Splits& splits);
  static Dim row_extent(const Split& split, const Dim& extent);

  const Graph& graph_;
  const Formulas& formulas_;
  std::set<Value> stored_, read_elsewhere_;
  std::map<Value, std::vector<Value>> readers_;
  std::vector<Group> groups_;
  std::map<Value, int> group_of_;
  std::map<Value, std::string_view> refusals_;
  mutable std::map<Value, std::vector<Read>> reads_;
};

}  // namespace dlc
