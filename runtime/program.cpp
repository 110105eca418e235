// Evaluating size expressions.
// Next: runtime/layout.cpp, runtime/frame.cpp.
#include "runtime/program.h"

#include <algorithm>
#include <cassert>

#include "runtime/error.h"

namespace dlc {
namespace {

[[noreturn]] void overflow() {
  fail_as(ErrorCode::limit,
          "a size computed from the shapes of the inputs does not fit in 63 bits");
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail("a size computed from the shapes of the inputs divides by zero");
  if (b == -1) {  // the one quotient that overflows
    int64_t negated;
    if (__builtin_sub_overflow(int64_t{0}, a, &negated)) overflow();
    return negated;
  }
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == 0) fail("a size computed from the shapes of the inputs divides by zero");
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t apply(DimCode::Op op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case DimCode::Op::add:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return result;
    case DimCode::Op::multiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return result;
    case DimCode::Op::floor_div:
      return floor_divide(a, b);
    case DimCode::Op::modulo:
      return floor_modulo(a, b);
    case DimCode::Op::minimum:
      return std::min(a, b);
    case DimCode::Op::maximum:
      return std::max(a, b);
    case DimCode::Op::constant:
    case DimCode::Op::symbol:
      break;
  }
  assert(false && "not an operation on two numbers");
  return 0;
}

}  // namespace

int64_t evaluate(const DimCode& code, std::span<const int64_t> symbols) {
  constexpr size_t usual = 32;
  int64_t few[usual] = {};
  std::vector<int64_t> many(code.code.size() > usual ? code.code.size() : 0);
  int64_t* const stack = many.empty() ? few : many.data();
  size_t depth = 0;
  for (const DimCode::Instruction& instruction : code.code) {
    switch (instruction.op) {
      case DimCode::Op::constant:
        stack[depth++] = instruction.value;
        break;
      case DimCode::Op::symbol:
        assert(instruction.value >= 0 && instruction.value < std::ssize(symbols) && "a symbol");
        stack[depth++] = symbols[instruction.value];
        break;
      default:
        assert(depth >= 2 && "postfix order");
        --depth;
        stack[depth - 1] = apply(instruction.op, stack[depth - 1], stack[depth]);
    }
  }
  assert(depth == 1 && "one result");
  return stack[0];
}

}  // namespace dlc
