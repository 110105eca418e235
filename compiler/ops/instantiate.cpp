// Formulas as nodes: substitutes names and makes constants of literals.
#include "compiler/ops/instantiate.h"

#include "runtime/numeric.h"

namespace dlc {
namespace {

Attr list_value(const Formula& list, const FormulaScope& scope) {
  Ints ints;
  Reals reals;
  Strings strings;
  for (const Formula& element : list.arguments) {
    const std::optional<Attr> value = attribute_value(element, scope);
    if (!value) continue;
    if (const auto* text = std::get_if<std::string>(&*value)) {
      strings.push_back(*text);
    } else if (const auto* integer = std::get_if<int64_t>(&*value)) {
      ints.push_back(*integer);
      reals.push_back(static_cast<double>(*integer));
    } else if (const auto* real = std::get_if<double>(&*value)) {
      reals.push_back(*real);
    } else if (const auto* all = std::get_if<Ints>(&*value); all && list.arguments.size() == 1) {
      return *all;  // [$axes] with axes a list already
    } else {
      fail("a list in a formula holds numbers or texts");
    }
  }
  if (!strings.empty()) return strings;
  if (reals.size() > ints.size()) return reals;
  return ints;
}

Value constant_of(const Attr& value, DType dtype, Builder& build) {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    Tensor scalar = Tensor::allocate(dtype, {});
    if (is_integer(dtype)) {
      store_integer(dtype, scalar.mutable_data(), 0, *integer);
    } else {
      store_real(dtype, scalar.mutable_data(), 0, static_cast<double>(*integer));
    }
    return build.constant(std::move(scalar));
  }
  if (const auto* real = std::get_if<double>(&value)) return build.scalar(dtype, *real);
  if (const auto* ints = std::get_if<Ints>(&value)) return build.ints(*ints);
  if (const auto* tensor = std::get_if<Tensor>(&value)) return build.constant(*tensor);
  if (const auto* reals = std::get_if<Reals>(&value)) {
    return build.constant(Tensor::of(DType::f32, {static_cast<int64_t>(reals->size())}, *reals));
  }
  fail("a formula has an input that is no tensor");
}

/// The element type that numbers among the inputs take.
DType type_beside(const std::vector<Value>& inputs, const Builder& build) {
  for (const Value input : inputs) {
    if (input.valid()) return build.type(input).dtype;
  }
  return DType::f32;
}

std::vector<Value> apply(const Formula& formula, const FormulaScope& scope, Builder& build,
                         size_t results) {
  std::vector<Value> inputs;
  std::vector<size_t> literals;
  for (const Formula& argument : formula.arguments) {
    const bool made = argument.kind == Formula::Kind::value ||
                      argument.kind == Formula::Kind::absent ||
                      argument.kind == Formula::Kind::apply;
    if (!made) literals.push_back(inputs.size());
    inputs.push_back(made ? instantiate(argument, scope, build)[0] : Value());
  }
  const DType dtype = type_beside(inputs, build);
  for (const size_t k : literals) {
    const std::optional<Attr> value = attribute_value(formula.arguments[k], scope);
    if (value) inputs[k] = constant_of(*value, dtype, build);
  }
  AttrMap attrs;
  for (const auto& [name, attribute] : formula.attributes) {
    if (std::optional<Attr> value = attribute_value(attribute, scope)) {
      attrs.emplace(name, std::move(*value));
    }
  }
  return build.node(formula.name, std::move(inputs), std::move(attrs), results);
}

}  // namespace

std::optional<Attr> attribute_or_default(const OpDef& def, const AttrMap& attrs,
                                         std::string_view name) {
  if (const auto given = attrs.find(name); given != attrs.end()) return given->second;
  for (const AttrSpec& spec : def.attrs) {
    if (spec.name != name) continue;
    if (const auto* integer = std::get_if<int64_t>(&spec.value)) return *integer;
    if (const auto* real = std::get_if<double>(&spec.value)) return *real;
    if (const auto* text = std::get_if<std::string_view>(&spec.value)) return std::string(*text);
    if (const auto* ints = std::get_if<Ints>(&spec.value)) return *ints;
  }
  return std::nullopt;
}

std::optional<Attr> attribute_value(const Formula& formula, const FormulaScope& scope) {
  switch (formula.kind) {
    case Formula::Kind::literal:
      return formula.literal;
    case Formula::Kind::attribute:
      return scope.attribute(formula.name);
    case Formula::Kind::list:
      return list_value(formula, scope);
    default:
      fail("a formula has an attribute that is no literal");
  }
}

std::vector<Value> instantiate(const Formula& formula, const FormulaScope& scope, Builder& build,
                               size_t results) {
  switch (formula.kind) {
    case Formula::Kind::absent:
      return {Value()};
    case Formula::Kind::apply:
      return apply(formula, scope, build, results);
    case Formula::Kind::value: {
      const auto found = scope.values.find(formula.name);
      if (found == scope.values.end())
        fail("a formula uses %{}, which it does not have", formula.name);
      return {found->second};
    }
    default: {
      const std::optional<Attr> value = attribute_value(formula, scope);
      return {value ? constant_of(*value, DType::f32, build) : Value()};
    }
  }
}

}  // namespace dlc
