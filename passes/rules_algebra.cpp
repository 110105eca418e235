// Algebra: what changes no element. x + 0 counts, though it turns -0 into 0, which equals it.
// Next: passes/rules_movement.cpp.
#include "passes/rules.h"

namespace dlc {
namespace {

/// Whether every value of `from` is one of `to`.
bool holds_all(DType to, DType from) {
  if (to == from || from == DType::boolean) return to != DType::string && !is_complex(to);
  const bool plain = bits(from) >= 8 && bits(to) >= 8 && !is_complex(from) && !is_complex(to);
  if (!plain || to == DType::boolean) return false;
  if (is_integer(from) && is_integer(to)) {
    if (is_signed(from) == is_signed(to)) return bits(to) >= bits(from);
    return is_signed(to) && bits(to) > bits(from);
  }
  const auto mantissa = [](DType type) {
    switch (type) {
      case DType::f64:
        return 53;
      case DType::f32:
        return 24;
      case DType::f16:
        return 11;
      case DType::bf16:
        return 8;
      default:
        return 0;
    }
  };
  if (is_integer(from)) {
    // f16 ends at 65504, below u16 and far below what its mantissa would allow to shift.
    return to != DType::f16 && mantissa(to) >= bits(from) - (is_signed(from) ? 1 : 0);
  }
  if (!is_float(to) || mantissa(from) == 0) return false;
  return to == DType::f64 || (to == DType::f32 && from != DType::f64);
}

bool is_real(const Match& match) { return is_float(match.type("x").dtype); }

const std::vector<Rewrite>& cast_rules() {
  static const std::vector<Rewrite> rows = {
      {.name = "cast-to-own-type",
       .match = "Cast(%x)",
       .where = {{"the type is the same",
                  [](const Match& m) { return m.type("x").dtype == m.type().dtype; }}},
       .replace = "%x"},
      {.name = "cast-of-cast",
       .match = "Cast(Cast(%x), to=$to, saturate=$saturate, round_mode=$mode)",
       .where = {{"the inner cast loses nothing",
                  [](const Match& m) {
                    const Node& outer = m.node("Cast");
                    return holds_all(m.graph().type(outer.inputs[0]).dtype, m.type("x").dtype);
                  }}},
       .replace = "Cast(%x, to=$to, saturate=$saturate, round_mode=$mode)",
       .keeps_inner = true},
  };
  return rows;
}

}  // namespace

const std::vector<Rewrite>& algebra_rules() {
  static const std::vector<Rewrite> rows = [] {
    std::vector<Rewrite> all = {
        {.name = "add-zero", .match = "Add(%x, 0)", .replace = "%x"},
        {.name = "sub-zero", .match = "Sub(%x, 0)", .replace = "%x"},
        {.name = "mul-by-one", .match = "Mul(%x, 1)", .replace = "%x"},
        {.name = "div-by-one", .match = "Div(%x, 1)", .replace = "%x"},
        {.name = "pow-one", .match = "Pow(%x, 1)", .replace = "%x"},
        {.name = "pow-two",
         .match = "Pow(%x, 2)",
         .where = {{"x is real", is_real}},
         .replace = "Mul(%x, %x)"},
        {.name = "neg-of-neg", .match = "Neg(Neg(%x))", .replace = "%x", .keeps_inner = true},
        {.name = "add-of-neg", .match = "Add(%x, Neg(%y))", .replace = "Sub(%x, %y)"},
        {.name = "sub-of-neg", .match = "Sub(%x, Neg(%y))", .replace = "Add(%x, %y)"},
        {.name = "not-of-not", .match = "Not(Not(%x))", .replace = "%x", .keeps_inner = true},
        {.name = "and-true", .match = "And(%x, 1)", .replace = "%x"},
        {.name = "or-false", .match = "Or(%x, 0)", .replace = "%x"},
        {.name = "relu-of-relu", .match = "Relu(Relu(%x))", .replace = "Relu(%x)"},
        {.name = "abs-of-abs", .match = "Abs(Abs(%x))", .replace = "Abs(%x)"},
        {.name = "abs-of-neg", .match = "Abs(Neg(%x))", .replace = "Abs(%x)"},
        {.name = "max-of-same", .match = "Max(%x, %x)", .replace = "%x"},
        {.name = "min-of-same", .match = "Min(%x, %x)", .replace = "%x"},
        {.name = "max-of-one", .match = "Max(%x)", .replace = "%x"},
        {.name = "min-of-one", .match = "Min(%x)", .replace = "%x"},
        {.name = "sum-of-one", .match = "Sum(%x)", .replace = "%x"},
        {.name = "mean-of-one", .match = "Mean(%x)", .replace = "%x"},
        {.name = "clip-without-bounds", .match = "Clip(%x, _, _)", .replace = "%x"},
        {.name = "where-true", .match = "Where(1, %x, %y)", .replace = "%x"},
        {.name = "where-false", .match = "Where(0, %y, %x)", .replace = "%x"},
        {.name = "where-of-same", .match = "Where(%c, %x, %x)", .replace = "%x"},
    };
    all.insert(all.end(), cast_rules().begin(), cast_rules().end());
    return all;
  }();
  return rows;
}

}  // namespace dlc
