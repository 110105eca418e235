// Checking inputs and binding symbols.
// Next: runtime/frame.cpp.
#include "runtime/symbols.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "runtime/error.h"

namespace dlc {
namespace {

std::string describe(const Datum& datum) {
  switch (datum.kind) {
    case Datum::Kind::none:
      return "nothing";
    case Datum::Kind::sequence:
      return "a sequence";
    case Datum::Kind::map:
      return "a map";
    case Datum::Kind::tensor:
      break;
  }
  return fmt::format("{}[{}]", name(datum.tensor.dtype()), fmt::join(datum.tensor.shape(), ","));
}

bool kind_fits(const Parameter& parameter, const Datum& datum) {
  if (parameter.dtype != DType::undefined)
    return datum.kind == Datum::Kind::tensor && datum.tensor.dtype() == parameter.dtype;
  if (parameter.type.starts_with("seq(")) return datum.kind == Datum::Kind::sequence;
  if (parameter.type.starts_with("map(")) return datum.kind == Datum::Kind::map;
  return true;
}

}  // namespace

Symbols::Symbols(const Program& program)
    : program_(program), values_(program.symbols.size()), bound_(program.symbols.size()) {
  for (size_t input = 0; input < program.inputs.size(); ++input) {
    const Parameter& parameter = program.inputs[input];
    ranked_.push_back(parameter.dtype != DType::undefined && !parameter.type.ends_with("[*]"));
    for (size_t axis = 0; axis < parameter.shape.size(); ++axis) {
      const auto& code = program.dims[parameter.shape[axis]].code;
      Check check{Check::Kind::expression, static_cast<int>(input), static_cast<int>(axis),
                  parameter.shape[axis]};
      if (code.size() == 1) {
        check.kind = code[0].op == DimCode::Op::symbol ? Check::Kind::symbol : Check::Kind::number;
        check.value = code[0].value;
      }
      checks_.push_back(check);
    }
  }
  std::stable_partition(checks_.begin(), checks_.end(),
                        [](const Check& check) { return check.kind != Check::Kind::expression; });
}

void Symbols::check_type(std::span<const Datum> inputs, size_t input) const {
  const Parameter& parameter = program_.inputs[input];
  const Datum& datum = inputs[input];
  if (!kind_fits(parameter, datum)) report(input, datum);
  if (ranked_[input] && datum.tensor.shape().size() != parameter.shape.size()) report(input, datum);
}

bool Symbols::check_dim(const Check& check, int64_t size) {
  switch (check.kind) {
    case Check::Kind::number:
      return size == check.value;
    case Check::Kind::expression:
      return size == evaluate(program_.dims[check.value], values_);
    case Check::Kind::symbol:
      break;
  }
  if (bound_[check.value]) return values_[check.value] == size;
  bound_[check.value] = true;
  values_[check.value] = size;
  return true;
}

void Symbols::report(size_t input, const Datum& got) const {
  const Parameter& parameter = program_.inputs[input];
  std::string known;
  for (const std::string& dim : parameter.dims)
    if (const auto value = find(dim))
      known += fmt::format("{}{} = {}", known.empty() ? " with " : ", ", dim, *value);
  fail("input '{}': expected {}{}, got {}", parameter.name, parameter.type, known, describe(got));
}

void Symbols::bind_inputs(std::span<const Datum> inputs, std::span<const int64_t> parent) {
  if (inputs.size() != program_.inputs.size())
    fail("{} inputs expected, got {}", program_.inputs.size(), inputs.size());
  std::fill(values_.begin(), values_.end(), 0);
  std::fill(bound_.begin(), bound_.end(), uint8_t{0});
  for (const auto& [outer, own] : program_.inherited) {
    values_[own] = parent[outer];
    bound_[own] = true;
  }
  for (size_t input = 0; input < inputs.size(); ++input) check_type(inputs, input);
  for (const Check& check : checks_)
    if (!check_dim(check, inputs[check.input].tensor.shape()[check.axis]))
      report(check.input, inputs[check.input]);
}

bool Symbols::is_unbound_symbol(const DimCode& code) const {
  return code.code.size() == 1 && code.code[0].op == DimCode::Op::symbol &&
         !bound_[code.code[0].value];
}

std::optional<int64_t> Symbols::bind(const DimCode& code, int64_t value) {
  if (is_unbound_symbol(code)) return bind_symbol(static_cast<int>(code.code[0].value), value);
  const int64_t expected = evaluate(code, values_);
  return expected == value ? std::nullopt : std::optional(expected);
}

std::optional<int64_t> Symbols::bind_symbol(int symbol, int64_t value) {
  if (bound_[symbol] && values_[symbol] != value) return values_[symbol];
  bound_[symbol] = true;
  values_[symbol] = value;
  return std::nullopt;
}

std::optional<int64_t> Symbols::find(std::string_view name) const {
  for (size_t i = 0; i < program_.symbols.size(); ++i)
    if (program_.symbols[i] == name && bound_[i]) return values_[i];
  return std::nullopt;
}

}  // namespace dlc
