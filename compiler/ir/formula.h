// Formulas: the text in which bodies of composites, rewrite patterns and samples are written.
//   %m = dlc.StopGradient(ReduceMax(%input, [$axis]))   # nested ops, lists, attributes
//   %a, %b = Split(%m, axis=-1, num_outputs=2)
// Users: compiler/ops/expand.cpp, passes/rewrite.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace dlc {

/// A formula as it was written; what it means is up to who reads it.
struct Formula {
  enum class Kind : uint8_t {
    value,      ///< %name, or %name? (may be absent)
    absent,     ///< _
    apply,      ///< name(arguments, attributes)
    literal,    ///< a number, text, type or tensor
    attribute,  ///< $name
    list,       ///< [arguments], each a literal or an attribute
  };
  Kind kind = Kind::absent;
  std::string name;
  bool optional = false;  ///< value: with a question mark
  Attr literal;
  std::vector<Formula> arguments;
  struct Attribute;
  std::vector<Attribute> attributes;
};

struct Formula::Attribute {
  std::string name;
  Formula value;
};

/// `results = formula`; without results, the formula alone.
struct FormulaLine {
  std::vector<std::string> results;  ///< empty name: `_`
  Formula formula;
};

/// Both throw Error(invalid) with line and column.
Formula parse_formula(std::string_view text);
std::vector<FormulaLine> parse_formula_lines(std::string_view text);

}  // namespace dlc
