// The parser of formulas.
// Next: compiler/ops/expand.cpp, passes/rewrite.cpp.
#include "compiler/ir/formula.h"

#include "compiler/ir/parser.h"

namespace dlc {
namespace {

/// A lone `_`, not the beginning of a name.
bool at_absent(Cursor& in) {
  const size_t start = in.position();
  const bool found = in.take_word("_");
  in.set_position(start);
  return found;
}

Formula parse(Cursor& in);

void parse_arguments(Cursor& in, Formula& formula) {
  in.expect("(");
  bool first = true;
  while (!in.take(")")) {
    if (!first) in.expect(",");
    first = false;
    const size_t start = in.position();
    const std::string name(in.identifier());
    if (!name.empty() && in.take("=")) {
      formula.attributes.push_back({name, parse(in)});
      continue;
    }
    in.set_position(start);
    formula.arguments.push_back(parse(in));
  }
}

Formula parse(Cursor& in) {
  const Cursor::Nesting nesting(in);
  Formula formula;
  if (at_absent(in)) {
    in.take("_");
    return formula;
  }
  if (in.take("%")) {
    formula.kind = Formula::Kind::value;
    formula.name = in.name();
    formula.optional = in.take("?");
    return formula;
  }
  if (in.take("$")) {
    formula.kind = Formula::Kind::attribute;
    formula.name = in.name();
    return formula;
  }
  if (in.take("[")) {
    formula.kind = Formula::Kind::list;
    while (!in.take("]")) {
      if (!formula.arguments.empty()) in.expect(",");
      formula.arguments.push_back(parse(in));
    }
    return formula;
  }
  const size_t start = in.position();
  formula.name = in.identifier();
  if (!formula.name.empty() && in.peek() == '(' && formula.name != "seq" && formula.name != "opt" &&
      formula.name != "map") {
    formula.kind = Formula::Kind::apply;
    parse_arguments(in, formula);
    return formula;
  }
  in.set_position(start);
  formula.kind = Formula::Kind::literal;
  formula.name.clear();
  formula.literal = parse_attr(in);
  return formula;
}

FormulaLine parse_line(Cursor& in) {
  FormulaLine line;
  const size_t start = in.position();
  while (in.peek() == '%' || at_absent(in)) {
    if (in.take("%")) {
      line.results.push_back(in.name());
    } else {
      in.take("_");
      line.results.emplace_back();
    }
    if (in.take("=")) break;
    if (in.take(",")) continue;
    // Not results, but a formula that is a value.
    line.results.clear();
    in.set_position(start);
    break;
  }
  line.formula = parse(in);
  return line;
}

}  // namespace

Formula parse_formula(std::string_view text) {
  Cursor in(text);
  Formula formula = parse(in);
  if (!in.at_end()) in.fail_here("expected the end of the formula");
  return formula;
}

std::vector<FormulaLine> parse_formula_lines(std::string_view text) {
  Cursor in(text);
  std::vector<FormulaLine> lines;
  while (!in.at_end()) lines.push_back(parse_line(in));
  return lines;
}

}  // namespace dlc
