// Finds the places that patterns fit, and rewrites them.
// Next: passes/rules_algebra.cpp for rows.
#include "passes/rewrite.h"

#include <algorithm>
#include <cassert>

#include "compiler/ops/instantiate.h"
#include "compiler/ops/size_givers.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

bool is_commutative(std::string_view op) {
  static constexpr std::string_view ops[] = {"Add",        "And",   "BitwiseAnd", "BitwiseOr",
                                             "BitwiseXor", "Equal", "Max",        "Min",
                                             "Mul",        "Or",    "Sum",        "Xor"};
  return std::find(std::begin(ops), std::end(ops), op) != std::end(ops);
}

/// Whether all elements of the constant are `wanted`.
bool is_filled_with(const Tensor& constant, double wanted) {
  if (constant.dtype() == DType::string || is_complex(constant.dtype())) return false;
  for (int64_t i = 0; i < constant.size(); ++i) {
    if (load_real(constant.dtype(), constant.data(), i) != wanted) return false;
  }
  return constant.size() > 0;
}

std::optional<double> number_of(const Attr& attr) {
  if (const auto* integer = std::get_if<int64_t>(&attr)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&attr)) return *real;
  return std::nullopt;
}

bool same_attr(const Attr& a, const Attr& b) {
  if (const auto left = number_of(a), right = number_of(b); left && right) return *left == *right;
  if (a.index() != b.index()) return false;
  if (const auto* text = std::get_if<std::string>(&a)) return *text == std::get<std::string>(b);
  if (const auto* ints = std::get_if<Ints>(&a)) return *ints == std::get<Ints>(b);
  return false;
}

}  // namespace

/// One attempt to fit a pattern to the graph.
class Matcher {
 public:
  explicit Matcher(Match& match) : match_(match), graph_(match.graph()) {}

  bool fits(const Formula& pattern, NodeId root) { return fits_node(pattern, root); }

  /// Matched values but the root's that something else uses too.
  bool inner_is_shared() const {
    for (const NodeId id : match_.nodes_) {
      if (id == match_.root_) continue;
      int uses = 0;
      for (const Value output : graph_.node(id).outputs) {
        if (output.valid()) uses += graph_.use_count(output);
      }
      if (uses > inner_uses(id)) return true;
    }
    return false;
  }

  Origins origins() const {
    Origins all;
    for (const NodeId id : match_.nodes_) {
      const Origins& some = graph_.node(id).origins;
      all.insert(some.begin(), some.end());
    }
    return all;
  }

 private:
  /// Uses of the node's results by matched nodes.
  int inner_uses(NodeId id) const {
    int uses = 0;
    for (const Value output : graph_.node(id).outputs) {
      if (!output.valid()) continue;
      for (const Use& use : graph_.users(output)) {
        uses += static_cast<int>(std::count(match_.nodes_.begin(), match_.nodes_.end(), use.node));
      }
    }
    return uses;
  }

  bool fits_value(const Formula& pattern, Value value) {
    switch (pattern.kind) {
      case Formula::Kind::absent:
        return !value.valid();
      case Formula::Kind::value: {
        if (!value.valid() && !pattern.optional) return false;
        const auto [bound, fresh] = match_.values_.emplace(pattern.name, value);
        return fresh || bound->second == value;
      }
      case Formula::Kind::literal: {
        const Tensor* constant = graph_.constant(value);
        const std::optional<double> wanted = number_of(pattern.literal);
        return constant != nullptr && wanted && is_filled_with(*constant, *wanted);
      }
      case Formula::Kind::apply: {
        if (!value.valid() || !graph_.producer(value).valid()) return false;
        return graph_.output_index(value) == 0 && fits_node(pattern, graph_.producer(value));
      }
      default:
        return false;
    }
  }

  bool fits_node(const Formula& pattern, NodeId id) {
    const Node& node = graph_.node(id);
    if (node.op != pattern.name || !only_first_output(node)) return false;
    // A node fits in one place of the pattern only.
    if (std::count(match_.nodes_.begin(), match_.nodes_.end(), id) > 0) return false;
    const Match before = match_;
    match_.nodes_.push_back(id);
    if (fits_attributes(pattern, node)) {
      const Match with_attributes = match_;
      if (fits_inputs(pattern, node.inputs)) return true;
      match_ = with_attributes;
      if (is_commutative(node.op) && node.inputs.size() == 2) {
        if (fits_inputs(pattern, {node.inputs[1], node.inputs[0]})) return true;
      }
    }
    match_ = before;
    return false;
  }

  bool only_first_output(const Node& node) const {
    for (size_t k = 1; k < node.outputs.size(); ++k) {
      if (node.outputs[k].valid() && graph_.use_count(node.outputs[k]) > 0) return false;
    }
    return !node.outputs.empty() && node.outputs[0].valid();
  }

  bool fits_inputs(const Formula& pattern, const std::vector<Value>& inputs) {
    const size_t count = std::max(inputs.size(), pattern.arguments.size());
    for (size_t k = 0; k < count; ++k) {
      const Value input = k < inputs.size() ? inputs[k] : Value();
      if (k >= pattern.arguments.size()) {
        if (input.valid()) return false;
      } else if (!fits_value(pattern.arguments[k], input)) {
        return false;
      }
    }
    return true;
  }

  bool fits_attributes(const Formula& pattern, const Node& node) {
    const OpDef& def = op(node.op);
    for (const auto& [name, wanted] : pattern.attributes) {
      const std::optional<Attr> value = attribute_or_default(def, node.attrs, name);
      if (wanted.kind == Formula::Kind::attribute) {
        if (value) match_.attrs_.insert_or_assign(wanted.name, *value);
      } else if (!value || !same_attr(*value, *attribute_value(wanted, {}))) {
        return false;
      }
    }
    return true;
  }

  Match& match_;
  const Graph& graph_;
};

namespace {

/// The rows of a pass with their patterns read, by the op of their root.
class Rewriter {
 public:
  Rewriter(Graph& graph, std::span<const Rewrite> rewrites, PassContext& context)
      : graph_(graph), context_(context) {
    for (const Rewrite& row : rewrites) {
      Formula pattern = parse_formula(row.match);
      assert(pattern.kind == Formula::Kind::apply && "a pattern is an op applied to something");
      const std::string root = pattern.name;
      rows_[root].push_back({&row, std::move(pattern)});
    }
  }

  void run() {
    // Rows that undo each other must not hang the compiler.
    constexpr int max_rounds = 100;
    bool changed = true;
    for (int round = 0; changed && round < max_rounds; ++round) {
      changed = false;
      misses_.clear();
      for (const NodeId node : graph_.nodes()) {
        if (graph_.has_users(node)) changed |= visit(node);
      }
      if (changed) erase_dead(graph_);
    }
    for (const NearMiss& miss : misses_) context_.report(miss);
    erase_dead(graph_);
  }

 private:
  struct Row {
    const Rewrite* rewrite;
    Formula pattern;
  };

  bool visit(NodeId node) {
    const auto rows = rows_.find(graph_.node(node).op);
    if (rows == rows_.end()) return false;
    return std::any_of(rows->second.begin(), rows->second.end(),
                       [&](const Row& row) { return attempt(row, node); });
  }

  bool attempt(const Row& row, NodeId node) {
    Builder reader(graph_, node);
    Match match(reader, node);
    Matcher matcher(match);
    if (!matcher.fits(row.pattern, node)) return false;
    const auto miss = [&](std::string_view condition) {
      if (!context_.explain()) return false;
      misses_.push_back(
          {std::string(row.rewrite->name), graph_.describe(node), std::string(condition)});
      return false;
    };
    for (const Condition& condition : row.rewrite->where) {
      if (!condition.holds(match)) return miss(condition.name);
    }
    if (!row.rewrite->keeps_inner && matcher.inner_is_shared()) {
      return miss("inner values have no other user");
    }
    Builder build(graph_, node, matcher.origins());
    match.build_with(build);
    const Value from = graph_.node(node).outputs[0];
    const Value to = result_of(*row.rewrite, match, build);
    if (!to.valid() || !(graph_.type(to) == graph_.type(from))) return miss("the type stays");
    replace_value(graph_, from, to);
    context_.count(row.rewrite->name);
    return true;
  }

  static Value result_of(const Rewrite& row, const Match& match, Builder& build) {
    if (row.build) return row.build(match);
    FormulaScope scope;
    scope.values = match.values();
    scope.attribute = [&](std::string_view name) -> std::optional<Attr> {
      const Attr* found = match.attr(name);
      return found ? std::optional(*found) : std::nullopt;
    };
    return instantiate(parse_formula(row.replace), scope, build)[0];
  }

  Graph& graph_;
  PassContext& context_;
  std::map<std::string, std::vector<Row>, std::less<>> rows_;
  std::vector<NearMiss> misses_;  ///< of the last round, in which nothing changed
};

}  // namespace

void apply_rewrites(Graph& graph, std::span<const Rewrite> rewrites, PassContext& context) {
  Rewriter(graph, rewrites, context).run();
}

void replace_value(Graph& graph, Value from, Value to) {
  const std::string name = graph.name(from);
  graph.replace_uses(from, to);
  if (name.empty() || !graph.name(to).empty()) return;
  graph.set_name(from, "");
  graph.set_name(to, name);
}

int erase_dead(Graph& graph) {
  int erased = 0;
  for (const NodeId node : graph.nodes_backward()) {
    if (graph.has_users(node)) continue;
    const OpDef* def = find_op(graph.node(node).op);
    if (def == nullptr || def->effect || gives_sizes(graph, node)) continue;
    graph.erase(node);
    ++erased;
  }
  return erased;
}

}  // namespace dlc
