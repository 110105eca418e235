// Names and what they stand for, in graphs inside graphs.
// Next: importer.h.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "frontends/onnx/proto.h"

namespace dlc::onnx {

/// A graph that is being built. Nested graphs are closed: what they use from outside becomes an
/// input (or, where its elements are known already, a constant of their own).
struct Level {
  explicit Level(Graph& graph, Level* outer = nullptr) : graph(graph), outer(outer) {}

  Graph& graph;
  Level* outer;
  std::vector<Value> sources;       ///< by input: the outer value it comes from, if there is one
  std::map<Value, Value> captured;  ///< outer values to values here
  std::vector<Value> captures;      ///< outer values that became inputs, in order
  std::set<std::string> names;      ///< of values of the graph

  /// The value here that stands for an outer one.
  Value capture(Value outer_value);
  /// The same for a value of any level around this one.
  Value capture_from(const Level& level, Value value);
  /// Adds an input for an outer value whether or not it is known.
  Value add_capture(Value outer_value);
  /// Names a value, unless the graph has the name already.
  void set_name(Value value, const std::string& name);
};

/// Thrown for a name whose node could not be imported: only where errors are collected.
struct Unknown {};

/// The names that can be used at one place of the model.
class Scope {
 public:
  /// `parent`: the names around a nested graph; none for a model or a function's body.
  explicit Scope(Level& level, const Scope* parent = nullptr) : level_(level), parent_(parent) {}

  Level& level() const { return level_; }
  Graph& graph() const { return level_.graph; }

  /// Throws Error(invalid) for a name that is there already. An invalid value: it exists, but
  /// nothing is known about it.
  void define(const std::string& name, Value value);
  /// Throws Error(invalid) when nobody defines the name, Unknown for an invalid value.
  Value find(const std::string& name);
  /// The same; invalid for "" and for a function's input that the call leaves out.
  Value find_or_absent(const std::string& name);
  void leave_out(const std::string& name) { absent_.insert(name); }
  /// Whether the name is defined right here.
  bool has(const std::string& name) const { return names_.contains(name); }

  /// Types that the model declares for names of this scope.
  std::map<std::string, const proto::TypeProto*> declared;

 private:
  const Value* look_up(const std::string& name, const Scope** where) const;

  Level& level_;
  const Scope* parent_;
  std::map<std::string, Value> names_;
  std::set<std::string> absent_;
};

/// The names of the model's inputs that decide `value`.
std::set<std::string> inputs_behind(const Level& level, Value value);

}  // namespace dlc::onnx
