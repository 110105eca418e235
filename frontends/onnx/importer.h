// The importer: one model on its way into a Graph.
// import.cpp: the model; nodes.cpp: a node; control_flow.cpp: nested graphs; functions.cpp: calls
// of local functions; upgrade.h: older forms of ops.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/ops/builder.h"
#include "frontends/onnx/import.h"
#include "frontends/onnx/scope.h"
#include "frontends/onnx/tensors.h"
#include "frontends/onnx/types.h"

namespace dlc::onnx {

struct Frame;

/// An attribute with the place that its names and references belong to.
struct BoundAttr {
  const proto::AttributeProto* attr = nullptr;
  const Frame* frame = nullptr;
  Scope* scope = nullptr;
};

/// What nodes are read in: the model itself, or one call of a local function.
struct Frame {
  std::map<std::string, int64_t> opsets;  ///< by domain; ai.onnx is ""
  std::map<std::string, BoundAttr> attrs;
  std::string origin;  ///< name of the call in the model; empty: nodes have names of their own
  int depth = 0;
  const proto::FunctionProto* function = nullptr;  ///< null: the model itself
  const Frame* caller = nullptr;
};

/// A node while it is brought to its newest form.
struct OnnxNode {
  std::string op;
  int64_t opset;
  std::vector<Value> inputs = {};
  size_t outputs;  ///< the last one that is wanted, plus 1
  AttrMap attrs = {};
  Origins origins;
  Builder build;
  std::vector<Value> results = {};  ///< set by who replaces the node: its outputs

  Graph& graph() { return build.graph(); }
  const Type& type(size_t input) const { return build.type(inputs[input]); }
  bool has(size_t input) const { return input < inputs.size() && inputs[input].valid(); }
};

/// Far above any model; a small file can ask for any number by functions that call each other.
inline constexpr int64_t most_nodes = int64_t{1} << 20;

/// What happens on the first error.
enum class OnError { stop, collect };

class Importer {
 public:
  Importer(const ModelMessage& model, std::filesystem::path folder, const ImportOptions& options,
           OnError on_error);

  Graph import();
  const std::vector<Finding>& findings() const { return findings_; }
  const std::set<std::string>& needed_inputs() const { return needed_inputs_; }
  std::vector<std::string> external_files() const { return tensors_.external_files(); }

 private:
  /// How the nodes at one place are read.
  struct Place {
    Scope& scope;
    const Frame& frame;
  };
  struct Body {
    std::shared_ptr<Graph> graph;
    std::vector<Value> captures;
  };
  using FunctionKey = std::tuple<std::string, std::string, std::string>;

  // import.cpp
  void add_inputs(Scope& scope);
  void add_initializers(const proto::GraphProto& graph, Scope& scope);
  void read_opsets();
  /// Whether the exporter here made the name up.
  bool is_generated(const std::string& name) const;
  void import_contents(const proto::GraphProto& graph, Place place);
  std::vector<Value> find_outputs(const proto::GraphProto& graph, Place place);

  // nodes.cpp
  void import_node(const proto::NodeProto& node, int index, Place place);
  void import_or_collect(const proto::NodeProto& node, const std::string& label, Place place);
  void apply(const proto::NodeProto& node, const std::string& label, Place place);
  void apply_op(OnnxNode& node, const proto::NodeProto& from, Place place);
  void add_needed_inputs(const OnnxNode& node, Place place);
  void import_constant(const proto::NodeProto& node, const Origins& origins, Place place);
  std::optional<BoundAttr> resolve(const proto::AttributeProto& attr, Place place) const;
  AttrMap plain_attrs(const proto::NodeProto& node, Place place);
  std::vector<Type> types_of_results(OnnxNode& node, Place place);
  void add_to_graph(OnnxNode& node, const proto::NodeProto& from, Place place, size_t first_symbol);
  void define(const std::string& name, Value value, const Origins& origins, Place place);
  void define_unknown(const proto::NodeProto& node, Place place);
  void collect(Finding finding);
  [[noreturn]] void refuse_size() const;

  // results.cpp
  void settle_types(std::vector<Type>& types, const OnnxNode& node, const proto::NodeProto& from,
                    const Scope& scope, size_t first_symbol);
  void settle_shape(Type& type, const std::set<std::string>& given, bool nested,
                    const proto::TypeProto* declared, size_t first_symbol);
  void check_declared(const std::string& name, const Type& type, const Scope& scope) const;

  // control_flow.cpp
  bool import_control(OnnxNode& node, const proto::NodeProto& from, Place place);
  void import_if(OnnxNode& node, const proto::NodeProto& from, Place place);
  void import_branches(OnnxNode& node, const BoundAttr& then_attr, const BoundAttr& else_attr,
                       Place place);
  std::vector<Value> import_branch(const BoundAttr& attr, Place place);
  void import_loop(OnnxNode& node, const proto::NodeProto& from, Place place);
  void import_scan(OnnxNode& node, const proto::NodeProto& from, Place place);
  void import_scan_8(OnnxNode& node, const proto::NodeProto& from, Place place);
  BoundAttr graph_attr(const proto::NodeProto& node, std::string_view name, Place place) const;
  Body import_body(const BoundAttr& attr, Place place, std::span<const Type> inputs,
                   std::span<const Value> sources, std::span<const Value> captures);
  Body import_iterated(const BoundAttr& attr, Place place, std::vector<Type> inputs,
                       std::span<const Value> sources, size_t first_state, size_t states,
                       size_t first_result);
  bool widen(Type& state, const Type& next);

  // mapped_graphs.cpp
  void import_sequence_map(OnnxNode& node, const proto::NodeProto& from, Place place);
  void import_flex_attention(OnnxNode& node, const proto::NodeProto& from, Place place);

  // functions.cpp
  void read_functions();
  int64_t expanded_size(const proto::FunctionProto& function, int depth);
  const proto::FunctionProto* find_function(const proto::NodeProto& node) const;
  void call_function(const proto::FunctionProto& function, const proto::NodeProto& node,
                     const std::string& label, Place place);

  std::shared_ptr<const proto::ModelProto> model_;
  const ImportOptions& options_;
  OnError on_error_;
  TensorReader tensors_;
  Symbols symbols_;
  Frame main_;
  std::map<FunctionKey, const proto::FunctionProto*> functions_;
  std::map<const proto::FunctionProto*, int64_t> expanded_sizes_;  ///< never iterated
  int64_t nodes_ = 0;
  std::vector<Finding> findings_;
  std::set<std::string> needed_inputs_;
  std::set<std::string> loop_sizes_;  ///< symbols for what differs between iterations
};

/// "" for the standard domain, under both of its names.
std::string normal_domain(const std::string& domain);
/// Indices of `nodes` in an order in which producers come first, the given one where it is one.
/// Throws Error(invalid) for a cycle.
std::vector<int> sorted(const proto::GraphProto& graph);
std::vector<int> sorted(const proto::FunctionProto& function);

}  // namespace dlc::onnx
