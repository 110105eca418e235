// The verifier: what every graph keeps, whatever its ops mean.
// Next: compiler/ops/infer.h, where types are checked against ops.
#include "compiler/ir/verify.h"

#include <algorithm>
#include <map>
#include <set>

#include "runtime/error.h"

namespace dlc {
namespace {

/// How the inputs and outputs of an op's nested graphs follow from its node's.
struct Nesting {
  std::string_view op, attr;
  size_t own_inputs;     ///< leading inputs of the node that its graph does not get
  size_t extra_outputs;  ///< leading outputs of the graph that are not the node's
};
constexpr Nesting nestings[] = {
    {"If", "then_branch", 1, 0},
    {"If", "else_branch", 1, 0},
    {"Loop", "body", 0, 1},
    {"Scan", "body", 0, 0},
};

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph) {}

  void run() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const Value input = graph_.inputs()[i];
      expect(input.valid() && in_range(input), "input {} is no value of the graph", i);
      expect(!graph_.producer(input).valid(), "input {} is the result of a node", i);
      define(input);
    }
    for (const NodeId node : graph_.nodes()) {
      with_context([&] { return graph_.describe(node); }, [&] { check_node(node); });
    }
    for (const Value output : graph_.outputs()) {
      expect(output.valid() && in_range(output), "a graph output is no value of the graph");
      expect(defined_.contains(output), "graph output {} is not defined", text(output));
    }
    check_users();
  }

 private:
  template <typename... Args>
  static void expect(bool holds, fmt::format_string<Args...> format, Args&&... args) {
    if (!holds) fail_as(ErrorCode::failed, format, std::forward<Args>(args)...);
  }

  bool in_range(Value value) const { return static_cast<size_t>(value.id) < graph_.value_count(); }

  std::string text(Value value) const {
    const std::string& name = graph_.name(value);
    return name.empty() ? fmt::format("value {}", value.id) : "'" + name + "'";
  }

  void define(Value value) {
    expect(defined_.insert(value).second, "{} is defined twice", text(value));
    const std::string& name = graph_.name(value);
    expect(name.empty() || names_.insert(name).second, "two values are named '{}'", name);
  }

  void check_node(NodeId id) {
    expect(!graph_.erased(id), "an erased node is in the list");
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value input = node.inputs[i];
      if (!input.valid()) continue;
      expect(in_range(input), "input {} is no value of the graph", i);
      const NodeId producer = graph_.producer(input);
      expect(!producer.valid() || !graph_.erased(producer), "input {} comes from an erased node",
             i);
      expect(defined_.contains(input), "input {}, {}, is used before its definition", i,
             text(input));
      uses_[input].push_back({id, static_cast<int>(i)});
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Value output = node.outputs[i];
      if (!output.valid()) continue;
      expect(in_range(output), "output {} is no value of the graph", i);
      expect(graph_.producer(output) == id && graph_.output_index(output) == static_cast<int>(i),
             "output {} does not know its node", i);
      expect(graph_.type(output).kind != Type::Kind::none, "output {} has no type", i);
      define(output);
    }
    for (const auto& [name, attr] : node.attrs) check_attr(node, name, attr);
  }

  void check_attr(const Node& node, const std::string& name, const Attr& attr) {
    const auto* held = std::get_if<std::shared_ptr<const Graph>>(&attr);
    if (held == nullptr) return;
    expect(*held != nullptr, "attribute '{}' is an empty graph", name);
    with_context([&] { return "graph '" + name + "'"; }, [&] { verify(**held); });
    const auto* row = std::find_if(std::begin(nestings), std::end(nestings), [&](const Nesting& n) {
      return n.op == node.op && n.attr == name;
    });
    if (row == std::end(nestings)) return;
    const Graph& inner = **held;
    expect(inner.inputs().size() + row->own_inputs == node.inputs.size(),
           "graph '{}' takes {} inputs, but the node passes {}", name, inner.inputs().size(),
           node.inputs.size() - std::min(row->own_inputs, node.inputs.size()));
    expect(inner.outputs().size() == node.outputs.size() + row->extra_outputs,
           "graph '{}' returns {} values, but the node has {} outputs", name,
           inner.outputs().size(), node.outputs.size());
  }

  void check_users() {
    for (const Value value : defined_) {
      std::vector<Use> listed = graph_.users(value);
      std::sort(listed.begin(), listed.end());
      std::vector<Use> found = uses_[value];
      std::sort(found.begin(), found.end());
      expect(listed == found, "the use list of {} is out of step", text(value));
    }
  }

  const Graph& graph_;
  std::set<Value> defined_;
  std::set<std::string> names_;
  std::map<Value, std::vector<Use>> uses_;
};

}  // namespace

void verify(const Graph& graph) {
  with_context([&] { return "graph '" + graph.name() + "'"; }, [&] { Verifier(graph).run(); });
}

}  // namespace dlc
