// The text form of expressions, for people and tests.
// Next: rewrite.cpp.
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <unordered_map>

#include "compiler/expr/expr.h"

namespace dlc {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 29> unary_names = {
    "negate", "abs",     "sign",        "floor",  "ceil",  "round", "trunc", "sqrt",
    "exp",    "expm1",   "log",         "log1p",  "sin",   "cos",   "tan",   "asin",
    "acos",   "atan",    "sinh",        "cosh",   "tanh",  "asinh", "acosh", "atanh",
    "erf",    "bit_not", "logical_not", "is_nan", "is_inf"};
constexpr std::array<std::string_view, 10> reduce_names = {
    "sum",         "product",      "minimum",     "maximum", "argmin_first",
    "argmin_last", "argmax_first", "argmax_last", "any",     "all"};

/// Infix operators bind by `level` (0: written as a function), the tightest highest.
struct BinaryName {
  std::string_view text;
  int level;
};
constexpr std::array<BinaryName, 25> binary_names = {{
    {"+", 6},      {"-", 6},       {"*", 7},          {"/", 7},           {"//", 7},
    {"%", 7},      {"fmod", 0},    {"pow", 0},        {"min", 0},         {"max", 0},
    {"atan2", 0},  {"&&", 2},      {"||", 1},         {"xor", 0},         {"bit_and", 0},
    {"bit_or", 0}, {"bit_xor", 0}, {"shift_left", 0}, {"shift_right", 0}, {"==", 3},
    {"!=", 3},     {"<", 4},       {"<=", 4},         {">", 4},           {">=", 4},
}};
constexpr int unary_level = 8, atom_level = 9;

/// 0 = a, ..., 25 = z, 26 = a1, ...
std::string operand_name(int input) {
  if (input < 0) return fmt::format("result{}", -input);
  std::string text(1, static_cast<char>('a' + input % 26));
  return input < 26 ? text : text + std::to_string(input / 26);
}

std::string constant_text(const ExprNode& e) {
  if (e.dtype == DType::boolean) return e.integer ? "true" : "false";
  if (!is_float(e.dtype)) {
    if (e.dtype == DType::u64) return fmt::format("{}", static_cast<uint64_t>(e.integer));
    return fmt::format("{}", e.integer);
  }
  if (e.dtype == DType::f64) return fmt::format("{}", e.real);
  return fmt::format("{}", static_cast<float>(e.real));
}

class Printer {
 public:
  std::string operator()(const Expr& e) {
    visit(e, [&](const Expr& node) {
      for (const Expr& arg : node->args) ++users_[arg.identity()];
    });
    std::string text = at_level(e, 0);
    for (size_t i = 0; i < shared_.size(); ++i)
      text += fmt::format("{} t{} = {}", i == 0 ? " where" : ",", i, shared_[i]);
    return text;
  }

 private:
  struct Text {
    std::string text;
    int level;
  };

  /// The text, in parentheses if it binds less than `level`.
  std::string at_level(const Expr& e, int level) {
    const Text& printed = print(e);
    return printed.level < level ? fmt::format("({})", printed.text) : printed.text;
  }

  const Text& print(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    Text text = node_text(e.node());
    // Large shared terms get a name: without, the text could be exponentially long.
    if (users_[e.identity()] > 1 && text.text.size() > 40) {
      shared_.push_back(std::move(text.text));
      text = {fmt::format("t{}", shared_.size() - 1), atom_level};
    }
    return done_.emplace(e.identity(), std::move(text)).first->second;
  }

  Text node_text(const ExprNode& e) {
    switch (e.kind) {
      case ExprKind::constant:
        return {constant_text(e), atom_level};
      case ExprKind::dim: {
        std::string text = e.dim.to_string();
        const bool plain = text.find_first_of("+-*") == std::string::npos;
        return {std::move(text), plain ? atom_level : 5};
      }
      case ExprKind::variable:
        return {variable_name(e.variable), atom_level};
      case ExprKind::load:
        return {operand_name(e.input) + (e.flat ? ".flat[" : "[") + list(e.args) + "]", atom_level};
      case ExprKind::unary:
        return unary_text(e);
      case ExprKind::binary:
        return binary_text(e);
      case ExprKind::select:
        return {fmt::format("select({})", list(e.args)), atom_level};
      case ExprKind::cast:
        return {fmt::format("{}({})", name(e.dtype), list(e.args)), atom_level};
      case ExprKind::reduce:
        return reduce_text(e);
    }
    return {};
  }

  std::string list(const std::vector<Expr>& args) {
    std::string text;
    for (const Expr& arg : args) {
      if (!text.empty()) text += ", ";
      text += at_level(arg, 0);
    }
    return text;
  }

  Text unary_text(const ExprNode& e) {
    if (e.unary == UnaryOp::negate)
      return {fmt::format("-{}", at_level(e.args[0], unary_level)), unary_level};
    if (e.unary == UnaryOp::logical_not)
      return {fmt::format("!{}", at_level(e.args[0], unary_level)), unary_level};
    return {fmt::format("{}({})", unary_names[static_cast<size_t>(e.unary)], list(e.args)),
            atom_level};
  }

  Text binary_text(const ExprNode& e) {
    const auto [op, level] = binary_names[static_cast<size_t>(e.binary)];
    if (level == 0) return {fmt::format("{}({})", op, list(e.args)), atom_level};
    std::string left = at_level(e.args[0], level);
    const ExprNode& right = e.args[1].node();
    const bool minus = e.binary == BinaryOp::add && right.kind == ExprKind::constant &&
                       right.integer < 0 && right.integer != INT64_MIN;
    if (minus) return {fmt::format("{} - {}", left, -right.integer), level};
    return {fmt::format("{} {} {}", left, op, at_level(e.args[1], level + 1)), level};
  }

  Text reduce_text(const ExprNode& e) {
    std::string axes;
    for (const Axis& axis : e.axes) {
      if (!axes.empty()) axes += ", ";
      axes += fmt::format("{} < {}", variable_name(axis.variable), axis.extent.to_string());
    }
    return {fmt::format("{}({}: {})", reduce_names[static_cast<size_t>(e.reduce)], axes,
                        at_level(e.args[0], 0)),
            atom_level};
  }

  std::string variable_name(Variable variable) {
    const auto found = numbers_.emplace(variable.id, numbers_.size()).first;
    return fmt::format("i{}", found->second);
  }

  std::unordered_map<const void*, int> users_;
  std::unordered_map<const void*, Text> done_;
  std::unordered_map<int64_t, size_t> numbers_;
  std::vector<std::string> shared_;
};

}  // namespace

std::string to_string(const Expr& e) { return Printer()(e); }

}  // namespace dlc
