// Formulas as nodes of a graph.
// Users: expand.cpp (bodies), passes/rewrite.cpp (what replaces a match).
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "compiler/ir/formula.h"
#include "compiler/ops/builder.h"

namespace dlc {

/// What the names in a formula stand for.
struct FormulaScope {
  std::map<std::string, Value, std::less<>> values;  ///< of %name
  /// Of $name; nullopt: not given, and a node's attribute that says $name is then left out.
  std::function<std::optional<Attr>(std::string_view name)> attribute;
};

/// The nodes that a formula says. As inputs, numbers become scalars of the element type of the
/// first tensor beside them, and lists i64 vectors (f32 if they hold a real). `results`: how many
/// outputs the outermost node has.
std::vector<Value> instantiate(const Formula& formula, const FormulaScope& scope, Builder& build,
                               size_t results = 1);

/// An attribute of a node, or its row's default for it; nullopt: neither.
std::optional<Attr> attribute_or_default(const OpDef& def, const AttrMap& attrs,
                                         std::string_view name);

/// The attribute that a literal, attribute or list is; nullopt: a $name that is not given.
std::optional<Attr> attribute_value(const Formula& formula, const FormulaScope& scope);

}  // namespace dlc
