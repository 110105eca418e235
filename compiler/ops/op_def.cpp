// OpArgs and Operand: how a row's functions see a node.
#include "compiler/ops/op_def.h"

#include <cassert>
#include <cctype>

#include "compiler/ops/infer.h"

namespace dlc {

OpKind OpDef::kind() const {
  if (scalar) return OpKind::elementwise;
  if (!body.empty() || expand) return OpKind::composite;
  if (compute) return OpKind::loops;
  if (host) return OpKind::host;
  return OpKind::structural;
}

OpArgs::OpArgs(const OpDef& def, const Graph& graph, std::span<const Value> inputs,
               const AttrMap& attrs, size_t outputs, Requirements* requirements)
    : def_(def),
      graph_(graph),
      inputs_(inputs),
      attrs_(attrs),
      outputs_(outputs),
      requirements_(requirements) {}

size_t OpArgs::position(std::string_view input) const {
  for (size_t k = 0; k < def_.inputs.size(); ++k) {
    if (def_.inputs[k].name == input) return k;
  }
  assert(false && "the row has no input of that name");
  return 0;
}

bool OpArgs::has(std::string_view input) const {
  const size_t k = position(input);
  return k < inputs_.size() && inputs_[k].valid();
}

const Type& OpArgs::type(size_t position) const {
  assert(position < inputs_.size() && inputs_[position].valid() && "ask has() first");
  return graph_.type(inputs_[position]);
}

const Dims& OpArgs::shape(size_t position) const {
  const Type& t = type(position);
  if (!t.is_tensor()) fail("input {} is {}, but a tensor is expected", position, to_string(t));
  if (!t.ranked) {
    fail_as(ErrorCode::unsupported,
            "the rank of input {} is not known; give its shape with --shape", position);
  }
  return t.shape;
}

int64_t OpArgs::normalize_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    fail("axis {} is outside [-{}, {}), the rank of the tensor", axis, rank, rank);
  }
  return axis < 0 ? axis + rank : axis;
}

int64_t OpArgs::axis(std::string_view attr, int64_t rank) const {
  return normalize_axis(integer(attr), rank);
}

void OpArgs::require(SizeRule rule, const Dim& a, const Dim& b, std::string what) const {
  if (a == b && rule != SizeRule::differ) return;
  if (a.is_number() && b.is_number()) return check_sizes(rule, a.number(), b.number(), what);
  if (requirements_) requirements_->rules.push_back({rule, a, b, std::move(what)});
}

void OpArgs::expect_rank(std::string_view input, int64_t expected) const {
  if (rank(input) != expected) fail("{} must have rank {}, not {}", input, expected, rank(input));
}

void OpArgs::expect_shape(std::string_view input, const Dims& expected) const {
  expect_rank(input, static_cast<int64_t>(expected.size()));
  for (size_t k = 0; k < expected.size(); ++k)
    require(SizeRule::equal, shape(input)[k], expected[k],
            fmt::format("size of {} along axis {}", input, k));
}

namespace {

const AttrDefault* default_of(const OpDef& def, std::string_view name) {
  for (const AttrSpec& spec : def.attrs) {
    if (spec.name == name) return &spec.value;
  }
  assert(false && "the row has no attribute of that name");
  return nullptr;
}

template <typename T>
const T& as(const Attr& attr, std::string_view name, const char* kind) {
  if (const T* value = std::get_if<T>(&attr)) return *value;
  fail("attribute {} must be {}", name, kind);
}

}  // namespace

const Attr* OpArgs::attr(std::string_view name) const {
  const auto found = attrs_.find(name);
  return found == attrs_.end() ? nullptr : &found->second;
}

bool OpArgs::has_attr(std::string_view name) const {
  if (attr(name)) return true;
  const AttrDefault* standard = default_of(def_, name);
  return standard && !std::holds_alternative<std::monostate>(*standard) &&
         !std::holds_alternative<RequiredAttr>(*standard);
}

int64_t OpArgs::integer(std::string_view name) const {
  if (const Attr* given = attr(name)) return as<int64_t>(*given, name, "an integer");
  const auto* value = std::get_if<int64_t>(default_of(def_, name));
  if (!value) fail("attribute {} is missing", name);
  return *value;
}

DType OpArgs::element_type(std::string_view name) const {
  const int64_t code = integer(name);
  if (code <= 0 || code >= dtype_count)
    fail("attribute {} is {}, which is no element type", name, code);
  return static_cast<DType>(code);
}

double OpArgs::real(std::string_view name) const {
  if (const Attr* given = attr(name)) {
    if (const auto* integer = std::get_if<int64_t>(given)) return static_cast<double>(*integer);
    return as<double>(*given, name, "a number");
  }
  const auto* value = std::get_if<double>(default_of(def_, name));
  if (!value) fail("attribute {} is missing", name);
  return *value;
}

std::string OpArgs::text(std::string_view name) const {
  if (const Attr* given = attr(name)) return as<std::string>(*given, name, "a string");
  const auto* value = std::get_if<std::string_view>(default_of(def_, name));
  if (!value) fail("attribute {} is missing", name);
  return std::string(*value);
}

Reals OpArgs::reals(std::string_view name) const {
  const Attr* given = attr(name);
  if (!given) return {};
  if (const auto* ints = std::get_if<Ints>(given)) return Reals(ints->begin(), ints->end());
  return as<Reals>(*given, name, "a list of numbers");
}

Strings OpArgs::strings(std::string_view name) const {
  const Attr* given = attr(name);
  if (!given) return {};
  if (const auto* ints = std::get_if<Ints>(given); ints && ints->empty()) return {};
  return as<Strings>(*given, name, "a list of strings");
}

const Graph& OpArgs::graph(std::string_view name) const {
  const Attr* given = attr(name);
  if (!given) fail("attribute {} is missing", name);
  return *as<std::shared_ptr<const Graph>>(*given, name, "a graph");
}

Ints OpArgs::ints(std::string_view name) const {
  for (size_t k = 0; k < def_.inputs.size(); ++k) {
    if (def_.inputs[k].name != name) continue;
    if (k >= inputs_.size() || !inputs_[k].valid()) return {};
    Ints result;
    for (const Dim& value : values(name)) {
      if (!value.is_number()) {
        throw NeedsValue(fmt::format("the value of input {} must be known when the model is "
                                     "compiled, but depends on {}",
                                     name, value.to_string()),
                         inputs_[k]);
      }
      result.push_back(value.number());
    }
    return result;
  }
  if (const Attr* given = attr(name)) return as<Ints>(*given, name, "a list of integers");
  const auto* value = std::get_if<Ints>(default_of(def_, name));
  return value ? *value : Ints();
}

std::optional<Dims> OpArgs::values_if_known(std::string_view input) const {
  return known_values(graph_, inputs_[position(input)]);
}

Dims OpArgs::values(std::string_view input) const {
  if (std::optional<Dims> known = values_if_known(input)) return *known;
  throw NeedsValue(
      fmt::format("the value of input {} must be known when the model is compiled", input),
      inputs_[position(input)]);
}

const Tensor* OpArgs::constant(std::string_view input) const {
  return has(input) ? graph_.constant(inputs_[position(input)]) : nullptr;
}

Tensor OpArgs::constant_or_fail(std::string_view input) const {
  if (std::optional<Tensor> value = known_tensor(graph_, inputs_[position(input)])) return *value;
  throw NeedsValue(
      fmt::format("the value of input {} must be known when the model is compiled", input),
      inputs_[position(input)]);
}

Dim fresh_dim(const OpArgs& args, std::string_view hint) {
  std::string scope;  // nested graphs see the symbols of those around them
  if (args.owner().name() != "main") {
    scope = "_";
    for (char c : args.owner().name())
      scope += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return Dim::symbol(fmt::format("{}{}_{}", hint, scope, args.owner().value_count()));
}

Expr Operand::operator()(const Indices& indices) const {
  return cast(arithmetic_type(dtype()), raw(indices));
}
Expr Operand::raw(const Indices& indices) const { return load(number_, dtype(), indices); }
Expr Operand::raw_flat(const Expr& offset) const { return load_flat(number_, dtype(), offset); }

}  // namespace dlc
