// Formulas: what each value of a graph is, over the values that are kept in memory.
// Fusion is decided here: a value without memory of its own is substituted into its users.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "compiler/expr/expr.h"
#include "compiler/lower/obstacle.h"
#include "compiler/lower/storage.h"
#include "compiler/ops/infer.h"

namespace dlc {

struct FusionOptions {
  bool fuse = true;              ///< false: every node keeps its result in memory
  bool winograd = true;          ///< convolutions may be computed by Winograd's algorithm
  FusionNotes* notes = nullptr;  ///< gets what was fused and what nearly was
};

/// A node that blocked kernels compute, and the pointwise chain that follows it.
struct Anchor {
  NodeId node;
  Contraction contraction;
  Value result;               ///< the last value of the chain, which is what is stored
  std::vector<NodeId> chain;  ///< the nodes after the anchor that became its epilogue
};

/// In formulas, load(id, ...) reads the value with that id, indexed in its order in memory. Built
/// once per graph, in node order.
class Formulas {
 public:
  Formulas(const Graph& graph, const FusionOptions& options);

  const FusionOptions& options() const { return options_; }
  /// Whether the value is computed where it is used instead of being stored.
  bool inlined(Value value) const { return inlined_.at(value.id); }
  /// Why it is not, if a formula makes it.
  Obstacle obstacle(Value value) const { return obstacles_[value.id]; }
  /// The formula of a value that an elementwise or loops node makes, inlined values substituted.
  const TensorExpr& formula(Value value) const { return *formulas_.at(value.id); }
  bool has_formula(Value value) const { return formulas_.at(value.id).has_value(); }
  /// How memory has the value, if it is stored.
  const AxisOrder& order(Value value) const { return orders_.at(value.id); }
  Type stored_type(Value value) const;
  /// The formula with its axes in the order in memory.
  TensorExpr stored_formula(Value value) const;
  /// The anchor whose chain ends in `value`, if any.
  const Anchor* anchor(Value value) const;
  /// What the sizes around an elementwise or loops node must fulfil.
  const std::vector<Requirement>& requirements(NodeId id) const {
    return raw(id).requirements.rules;
  }
  /// The nodes whose work is in the value's formula or chain.
  std::vector<NodeId> nodes_in(Value value) const;

  /// The result of an anchor's chain, where `sum` is the anchor's own value.
  TensorExpr epilogue(const Anchor& anchor, const TensorExpr& sum) const;

  /// `e` over the node's inputs (load(k) is input k) as a formula over stored values.
  Expr resolve(const Expr& e, const std::vector<Value>& inputs) const;
  /// Element `indices` of a value: its formula there, or a load.
  Expr element(Value value, const Indices& indices) const;

 private:
  void add_node(NodeId id);
  void add_formulas(NodeId id);
  bool add_anchor(NodeId id);
  bool has_kernel(const Node& node, const Contraction& convolution) const;
  void extend_chain(Anchor& anchor);
  std::optional<NodeId> next_in_chain(const std::set<Value>& inside,
                                      const std::vector<NodeId>& chain, const Dims& shape) const;
  bool is_pointwise(NodeId id, const std::set<Value>& inside) const;
  bool only_leaves_by(const std::set<Value>& inside, Value exit) const;
  Obstacle obstacle_to_inline(Value value) const;
  bool may_reorder(Value value) const;
  AxisOrder order_of_result(const Anchor& anchor) const;
  Obstacle obstacle_of_user(const Use& use, Value value, double cost, bool reduces) const;
  const Computation& raw(NodeId id) const;

  const Graph& graph_;
  FusionOptions options_;
  std::vector<int> position_;  ///< of each node in the graph's order
  int next_position_ = 0;
  std::vector<std::optional<TensorExpr>> formulas_;
  std::vector<bool> inlined_;
  std::vector<Obstacle> obstacles_;
  std::vector<AxisOrder> orders_;
  std::map<Value, Anchor> anchors_;
  std::map<NodeId, Value> in_chain_;  ///< node of a chain -> the anchor's result
  mutable std::map<NodeId, Computation> raw_;
};

/// About how many scalar operations the body takes per element; transcendentals count 10.
double scalar_cost(const Expr& e);
/// Different expressions within it.
size_t expression_count(const Expr& e);
/// Formulas do not grow beyond this by taking others in: long chains of nodes would become
/// expressions too deep to walk, and functions that take the code generator minutes.
constexpr size_t most_expressions = 512;
/// The ids of all inputs that an expression loads.
std::vector<int> loaded_inputs(const Expr& e);
bool loads(const Expr& e, int input);
/// Rewrites loads; `replace` gets the load (its indices already rewritten).
Expr replace_loads(const Expr& e, const std::function<Expr(const ExprNode& load)>& replace);

}  // namespace dlc
