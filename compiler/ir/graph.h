// Graph: SSA over tensors. Nodes apply ops to values; nested graphs are attributes.
// Text form: compiler/ir/text.h. Making nodes with inferred types: compiler/ops/builder.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/type.h"
#include "runtime/attributes.h"

namespace dlc {

class Graph;

/// Index of a value in its graph. A default one is absent (an optional input that is not given).
struct Value {
  int32_t id = -1;
  bool valid() const { return id >= 0; }
  auto operator<=>(const Value&) const = default;
};
struct NodeId {
  int32_t id = -1;
  bool valid() const { return id >= 0; }
  auto operator<=>(const NodeId&) const = default;
};

/// Nested graphs are closed: whatever they use from outside comes in as trailing inputs, for which
/// the owning node has trailing inputs too (If: all inputs after the condition, the same for both
/// branches; Loop and Scan: as many as the attribute `captures` says).
using Attr = std::variant<int64_t, double, std::string, Ints, Reals, Strings, Tensor, Type,
                          std::shared_ptr<const Graph>>;
using AttrMap = std::map<std::string, Attr, std::less<>>;

/// Names of the nodes of the imported model that something came from.
using Origins = std::set<std::string>;

struct Node {
  std::string
      op;  ///< ONNX's name; other domains as prefix: "dlc.StopGradient", "ai.onnx.ml.Scaler"
  std::vector<Value> inputs;   ///< absent optional ones are invalid Values
  std::vector<Value> outputs;  ///< absent: nobody wants it
  AttrMap attrs;               ///< only what was given: defaults stand in the op's row
  Origins origins;
};

struct Use {
  NodeId node;
  int input;
  auto operator<=>(const Use&) const = default;
};

/// A list of nodes in an order in which producers come before users. Copies are deep (constants and
/// nested graphs are shared, being immutable). Ids stay valid until the node is erased; they are
/// never used again for something else. Not thread-safe for writing.
class Graph {
 public:
  explicit Graph(std::string name = "main") : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // --- values
  Value add_input(Type type, std::string name = "");
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  void set_outputs(std::vector<Value> outputs) { outputs_ = std::move(outputs); }
  /// Drops an input that has no user.
  void erase_input(size_t index);

  const Type& type(Value value) const { return values_[value.id].type; }
  void set_type(Value value, Type type) { values_[value.id].type = std::move(type); }
  /// The value's name in the model; may be empty. Unique if not empty.
  const std::string& name(Value value) const { return values_[value.id].name; }
  void set_name(Value value, std::string name);
  /// The node that makes it; invalid for an input of the graph.
  NodeId producer(Value value) const { return values_[value.id].producer; }
  /// Which of the producer's outputs it is.
  int output_index(Value value) const { return values_[value.id].index; }
  const std::vector<Use>& users(Value value) const { return values_[value.id].users; }
  bool is_output(Value value) const;
  bool has_users(NodeId node) const;  ///< any output is used by a node or the graph's outputs
  /// Users, and once for each time it is an output of the graph.
  int use_count(Value value) const;
  size_t value_count() const { return values_.size(); }

  // --- nodes
  /// Adds a node before `before` (default: at the end) with new output values of the given types; a
  /// type of kind `none` makes an absent output.
  NodeId add_node(std::string op, std::vector<Value> inputs, AttrMap attrs,
                  std::vector<Type> output_types, Origins origins = {}, NodeId before = {});
  const Node& node(NodeId node) const { return nodes_[node.id].node; }
  /// In order. Take a copy (`nodes()`) when the loop adds or erases nodes.
  std::vector<NodeId> nodes() const;
  std::vector<NodeId> nodes_backward() const;
  size_t node_count() const { return node_count_; }
  NodeId next(NodeId node) const { return nodes_[node.id].next; }
  bool erased(NodeId node) const { return nodes_[node.id].erased; }

  void set_input(NodeId node, size_t index, Value value);
  void set_inputs(NodeId node, std::vector<Value> inputs);
  void set_attr(NodeId node, std::string name, Attr value);
  void add_origins(NodeId node, const Origins& origins);
  /// Makes every user of `from`, the graph's outputs included, use `to`.
  void replace_uses(Value from, Value to);
  /// The outputs must have no users.
  void erase(NodeId node);

  // --- constants: nodes of op "Constant" with the tensor attribute "value"
  Value add_constant(Tensor value, NodeId before = {}, std::string name = "");
  const Tensor* constant(Value value) const;  ///< null: not a constant

  /// Lets the node that computes `output` take over `name` in errors: "node 'x' (Conv)".
  std::string describe(NodeId node) const;

 private:
  struct ValueInfo {
    Type type;
    std::string name;
    NodeId producer;
    int index = 0;
    std::vector<Use> users;
  };
  struct NodeInfo {
    Node node;
    NodeId previous, next;
    bool erased = false;
  };
  void drop_uses(NodeId node);

  std::string name_;
  // Deques: references to nodes and types stay valid while nodes are added.
  std::deque<ValueInfo> values_;
  std::deque<NodeInfo> nodes_;
  NodeId first_, last_;
  size_t node_count_ = 0;
  std::vector<Value> inputs_, outputs_;
};

}  // namespace dlc
