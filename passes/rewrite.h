// Rewrites: rows {match, where, replace}, and the driver that applies them.
//   {.name = "relu-of-relu", .match = "Relu(Relu(%x))", .replace = "Relu(%x)"}
// Rows: rules_algebra.cpp, rules_movement.cpp, fold_batch_norm.cpp.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ops/term.h"
#include "passes/pass.h"

namespace dlc {

/// A place in the graph that a pattern fits: what its names stand for. `build` adds nodes there,
/// with the origins of the matched ones.
class Match {
 public:
  Match(Builder& build, NodeId root) : build_(&build), root_(root) {}

  Builder& build() const { return *build_; }
  void build_with(Builder& build) { build_ = &build; }
  const Graph& graph() const { return build_->graph(); }
  /// The type of the value that is replaced.
  const Type& type() const { return graph().type(graph().node(root_).outputs[0]); }

  // Values, %name in the pattern.
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }
  /// False: `%name?` is absent, or the pattern has no such name.
  bool has(std::string_view name) const {
    const auto found = values_.find(name);
    return found != values_.end() && found->second.valid();
  }
  Value value(std::string_view name) const;
  Term operator[](std::string_view name) const { return Term(*build_, value(name)); }
  const Type& type(std::string_view name) const { return graph().type(value(name)); }
  const Dims& shape(std::string_view name) const { return type(name).shape; }
  int64_t rank(std::string_view name) const { return type(name).rank(); }
  const Tensor* constant(std::string_view name) const { return graph().constant(value(name)); }
  /// All of them are constants; absent ones count as such.
  bool constants(std::initializer_list<std::string_view> names) const;

  // Attributes, $name in the pattern, with the defaults of the op's row.
  const Attr* attr(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  Ints ints(std::string_view name) const;  ///< empty if not given

  /// The outermost matched node of that op.
  const Node& node(std::string_view op) const;
  /// That node with new inputs and some other attributes.
  Value again(std::string_view op, std::vector<Value> inputs, AttrMap changes = {}) const;

 private:
  friend class Matcher;
  Builder* build_;
  NodeId root_;
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, Attr, std::less<>> attrs_;
  std::vector<NodeId> nodes_;  ///< the matched ones, outermost first
};

/// What must hold besides the pattern; the name says what, for near misses.
struct Condition {
  std::string_view name;
  bool (*holds)(const Match& match);
};

/// One rewrite. The pattern is a formula (compiler/ir/formula.h): %x is any value, the same
/// everywhere; %x? may be absent; a number is a constant with only that number; attributes must be
/// as given, or are captured by $name; those that are not mentioned can be anything. Either
/// `replace`, a formula over what was captured, or `build` says what stands instead.
struct Rewrite {
  std::string_view name;
  std::string_view match;
  std::vector<Condition> where;
  std::string_view replace;
  Value (*build)(const Match& match) = nullptr;
  /// Inner values may have other users: what is computed for them stays.
  bool keeps_inner = false;
};

/// Applies the rewrites until none fits, and erases what they left without users. The driver sees
/// to it that inner values have no other user, that the type stays, and that new nodes carry the
/// origins of the old. Counts each rewrite by its name in `context`, and reports near misses there:
/// places where the pattern fits but a condition fails.
void apply_rewrites(Graph& graph, std::span<const Rewrite> rewrites, PassContext& context);

/// Makes users of `from` use `to`, which takes over the name if it has none.
void replace_value(Graph& graph, Value from, Value to);
/// Erases all nodes without users, but those with effects. Returns how many.
int erase_dead(Graph& graph);

}  // namespace dlc
