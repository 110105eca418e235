// Follows a graph through its passes: see verify.h.
#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "compiler/driver/agreement.h"
#include "compiler/driver/verify.h"

namespace dlc {

struct GraphState {
  explicit GraphState(Graph g) : graph(std::move(g)), values(graph) {}
  GraphState(const GraphState&) = delete;  // `values` refers to `graph`
  Graph graph;
  Evaluation values;
  /// Of values that are not just what the nodes make of the inputs (they, or what they are computed
  /// from, were taken over from before a pass that rounds otherwise): the tolerance of that pass.
  std::map<Value, double> rounded;
};

namespace {

bool same_attr(const Attr& a, const Attr& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        const T& other = std::get<T>(b);
        if constexpr (std::is_same_v<T, Tensor>) {
          return value.data() == other.data() && value.dtype() == other.dtype() &&
                 value.shape() == other.shape();
        } else {
          return value == other;
        }
      },
      a);
}

bool same_attrs(const AttrMap& a, const AttrMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && same_attr(x.second, y.second);
  });
}

/// Compares the values of a graph with those that it had before a pass.
class Comparison {
 public:
  Comparison(const GraphState& was, GraphState& is, const Pass& pass)
      : before_(was.values), after_(is.values), was_(was), is_(is), pass_(pass) {
    const Evaluation &before = before_, &after = after_;
    for (NodeId id : before.graph().nodes()) {
      nodes_.insert(id);
      for (Value value : before.graph().node(id).outputs) note_name(value);
    }
    for (Value value : before.graph().inputs()) note_name(value);
    const auto &old_outputs = before.graph().outputs(), &outputs = after.graph().outputs();
    assert(old_outputs.size() == outputs.size() && "the signature stays");
    for (size_t k = 0; k < outputs.size(); ++k) by_place_.emplace(outputs[k], old_outputs[k]);
  }

  std::optional<Alteration> run() {
    for (Value input : after_.graph().inputs()) keep(input);
    for (NodeId id : after_.graph().nodes()) {
      is_unchanged(id) ? keep_results(id) : evaluate(id);
      if (found_) return found_;
    }
    for (size_t k = 0; k < after_.graph().outputs().size() && !found_; ++k)
      check_output(after_.graph().outputs()[k], before_.graph().outputs()[k]);
    return found_;
  }

 private:
  void note_name(Value value) {
    if (!value.valid() || before_.graph().name(value).empty()) return;
    by_name_.emplace(before_.graph().name(value), value);
  }

  void keep(Value value) { take(value, value); }

  void take(Value value, Value old) {
    after_.set(value, before_.value(old));
    same_[value] = old;
    if (const auto rounded = was_.rounded.find(old); rounded != was_.rounded.end())
      is_.rounded.insert({value, rounded->second});
  }

  bool is_unchanged(NodeId id) const {
    if (!nodes_.contains(id)) return false;
    const Node &now = after_.graph().node(id), &was = before_.graph().node(id);
    if (now.op != was.op || now.outputs != was.outputs || now.inputs.size() != was.inputs.size() ||
        !same_attrs(now.attrs, was.attrs))
      return false;
    for (size_t k = 0; k < now.inputs.size(); ++k) {
      const auto same = same_.find(now.inputs[k]);
      const Value stands_for = same == same_.end() ? Value() : same->second;
      if (now.inputs[k].valid() != was.inputs[k].valid() || stands_for != was.inputs[k])
        return false;
    }
    return true;
  }

  void keep_results(NodeId id) {
    for (Value value : after_.graph().node(id).outputs)
      if (value.valid()) keep(value);
    pass_on_rounding(id);
  }

  /// What is computed from such a value differs too once that is computed otherwise.
  void pass_on_rounding(NodeId id) {
    const Node& node = after_.graph().node(id);
    for (Value input : node.inputs) {
      const auto rounded = is_.rounded.find(input);
      if (rounded == is_.rounded.end()) continue;
      for (Value value : node.outputs) {
        double& own = is_.rounded[value];
        own = std::max(own, rounded->second);
      }
    }
  }

  void evaluate(NodeId id) {
    const Node& node = after_.graph().node(id);
    const std::vector<Datum> results = after_.apply(id, after_.arguments(id));
    for (size_t k = 0; k < node.outputs.size() && !found_; ++k) {
      const Value value = node.outputs[k];
      if (!value.valid()) continue;
      const Value old = counterpart(value);
      if (old.valid() && !is_random(node)) compare(value, results[k], old);
      old.valid() ? take(value, old) : after_.set(value, results[k]);
    }
    pass_on_rounding(id);
  }

  /// What the value stands for in the graph before.
  Value counterpart(Value value) const {
    if (before_.has(value)) return value;
    const auto named = by_name_.find(after_.graph().name(value));
    if (named != by_name_.end()) return named->second;
    const auto placed = by_place_.find(value);
    return placed == by_place_.end() ? Value() : placed->second;
  }

  void check_output(Value output, Value old) {
    const auto same = same_.find(output);
    if (same == same_.end() || same->second != old) compare(output, after_.value(output), old);
  }

  void compare(Value value, const Datum& datum, Value old) {
    const auto known = [&](Value v) { return same_.contains(v); };
    const auto again = [&](Jitter& jitter) {
      return evaluate_region(after_, nodes_between(after_.graph(), known, value), value, &jitter);
    };
    const auto rounded = was_.rounded.find(old);
    const bool exact = pass_.keeps == Keeps::exactly && rounded == was_.rounded.end();
    const double tolerance =
        std::max(pass_.tolerance, rounded == was_.rounded.end() ? 0 : rounded->second);
    const std::string text = disagreement(datum, before_.value(old), tolerance,
                                          exact ? std::function<Datum(Jitter&)>() : again);
    if (!exact) is_.rounded[value] = tolerance;
    if (text.empty()) return;
    found_ = Alteration{.pass = std::string(pass_.name),
                        .nodes = {},
                        .value = before_.graph().name(old),
                        .difference = text};
    blame(value, old, nodes_between(after_.graph(), known, value));
  }

  /// What is new on the way to the value; if nothing is, what makes it.
  void blame(Value value, Value old, std::span<const NodeId> region) {
    const auto add = [&](const Graph& graph, NodeId id) {
      if (!id.valid()) return;
      const Node& node = graph.node(id);
      found_->nodes.insert(node.origins.begin(), node.origins.end());
      if (found_->op.empty()) found_->op = node.op;
    };
    for (NodeId id : region)
      if (!nodes_.contains(id) && after_.graph().node(id).op != "Constant") add(after_.graph(), id);
    if (found_->nodes.empty()) add(after_.graph(), after_.graph().producer(value));
    if (found_->nodes.empty()) add(before_.graph(), before_.graph().producer(old));
  }

  const Evaluation& before_;
  Evaluation& after_;
  const GraphState& was_;
  GraphState& is_;
  const Pass& pass_;
  std::set<NodeId> nodes_;
  std::map<std::string, Value> by_name_;
  std::map<Value, Value> by_place_;  ///< outputs, by what they are now
  std::map<Value, Value> same_;      ///< now -> before: compared, or computed in the same way
  std::optional<Alteration> found_;
};

}  // namespace

PassVerifier::PassVerifier(Graph graph, std::span<const Datum> inputs)
    : state_(std::make_unique<GraphState>(std::move(graph))) {
  state_->values.set_inputs(inputs);
  for (NodeId id : state_->graph.nodes()) state_->values.run(id);
}

PassVerifier::~PassVerifier() = default;

std::optional<Alteration> PassVerifier::run(const Pass& pass) {
  ++passes_;
  if (pass.keeps == Keeps::not_signature)
    fail_as(ErrorCode::unsupported, "pass '{}' changes the signature: there is nothing to compare",
            pass.name);
  auto after = std::make_unique<GraphState>(state_->graph);
  PassContext context;
  std::optional<Alteration> found;
  with_context([&] { return fmt::format("pass '{}'", pass.name); },
               [&] {
                 run_pass(pass, after->graph, context);
                 found = Comparison(*state_, *after, pass).run();
               });
  if (found) found->position = passes_;
  state_ = std::move(after);
  return found;
}

const Graph& PassVerifier::graph() const { return state_->graph; }

std::vector<Datum> PassVerifier::outputs() const {
  std::vector<Datum> result;
  for (Value output : state_->graph.outputs()) result.push_back(state_->values.value(output));
  return result;
}

std::string Alteration::text() const {
  const std::string where =
      fmt::format("{}{}", value.empty() ? "" : fmt::format("value '{}': ", value), difference);
  std::string list;
  for (const std::string& node : nodes)
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", node);
  if (!pass.empty())
    return fmt::format("pass '{}' (number {}) alters the answer at node {} (now {}): {}", pass,
                       position, list, op, where);
  return fmt::format("kernel '{}' of node {} does not compute what the interpreter does: {}",
                     kernel, list, where);
}

Verification verify(const Graph& graph, std::span<const Datum> inputs,
                    const CompileOptions& options, ThreadPool& pool) {
  Verification result;
  {
    PassVerifier passes(graph, inputs);
    for (const Pass* pass : passes_of(options)) {
      result.alteration = passes.run(*pass);
      if (result.alteration) return result;
      ++result.passes;
    }
  }
  ProgramValues values;
  CompileHooks hooks;
  hooks.values = &values;
  const auto program = compile(graph, options, nullptr, hooks);
  result.alteration = verify_program(program, values, inputs, pool);
  if (!result.alteration) result.steps = program->steps.size();
  return result;
}

}  // namespace dlc
