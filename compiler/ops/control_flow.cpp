// Rows of If, Loop and Scan: the types of their outputs, from those of their nested graphs. They
// are run by compiler/ops/evaluate_control.cpp and runtime/session.cpp.
#include <algorithm>
#include <set>

#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"

namespace dlc {
namespace {

using Symbols = std::set<std::string>;

void add_symbols(const Type& type, Symbols& symbols) {
  if (type.element) add_symbols(*type.element, symbols);
  for (const Dim& dim : type.shape)
    dim.visit_symbols([&](const std::string& name) { symbols.insert(name); });
}

/// The symbols that mean something outside of nested graphs.
Symbols outer_symbols(const OpArgs& args) {
  Symbols symbols;
  const Graph& graph = args.owner();
  for (size_t k = 0; k < graph.value_count(); ++k)
    add_symbols(graph.type(Value{static_cast<int32_t>(k)}), symbols);
  return symbols;
}

/// Joins types of what can be one value at run time.
class Merger {
 public:
  explicit Merger(const OpArgs& args) : args_(args), outer_(outer_symbols(args)) {}

  /// A type for values of both types. Sizes that differ, or that mean nothing outside of a nested
  /// graph, become fresh symbols.
  Type merge(const Type& a, const Type& b) {
    if (a.kind != b.kind) return merge_optional(a, b);
    if (a.kind == Type::Kind::none) return a;
    if (a.dtype != b.dtype)
      fail("an output is {} in one place and {} in another", to_string(a), to_string(b));
    if (!a.is_tensor()) {
      Type result = a;
      result.element = std::make_shared<Type>(merge(*a.element, *b.element));
      return result;
    }
    if (!a.ranked || !b.ranked || a.rank() != b.rank()) return Type::unranked(a.dtype);
    Dims shape;
    for (size_t k = 0; k < a.shape.size(); ++k)
      shape.push_back(a.shape[k] == b.shape[k] && is_outer(a.shape[k]) ? a.shape[k] : fresh());
    return Type::tensor(a.dtype, std::move(shape));
  }

  /// `type` as seen from outside.
  Type outside(const Type& type) { return merge(type, type); }

  Dim fresh() { return fresh_dim(args_, fmt::format("{}{}", hint(), count_++)); }

 private:
  /// An optional and its element: the value may be absent.
  Type merge_optional(const Type& a, const Type& b) {
    if (a.kind == Type::Kind::optional) return Type::optional(merge(*a.element, b));
    if (b.kind == Type::Kind::optional) return Type::optional(merge(a, *b.element));
    fail("an output is {} in one place and {} in another", to_string(a), to_string(b));
  }

  bool is_outer(const Dim& dim) const {
    bool known = true;
    dim.visit_symbols([&](const std::string& name) { known = known && outer_.contains(name); });
    return known;
  }

  std::string hint() const {
    std::string name(args_.def().name);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return name;
  }

  const OpArgs& args_;
  Symbols outer_;
  int count_ = 0;
};

const Type& output_type(const Graph& graph, size_t k) { return graph.type(graph.outputs()[k]); }

void expect_inputs(const Graph& graph, std::string_view what, size_t count) {
  if (graph.inputs().size() != count)
    fail("{} has {} inputs, but {} values come in", what, graph.inputs().size(), count);
}

std::vector<Type> infer_if(const OpArgs& args) {
  const Graph &then = args.graph("then_branch"), &otherwise = args.graph("else_branch");
  expect_inputs(then, "then_branch", args.input_count() - 1);
  expect_inputs(otherwise, "else_branch", args.input_count() - 1);
  if (then.outputs().size() != otherwise.outputs().size())
    fail("then_branch has {} outputs, else_branch {}", then.outputs().size(),
         otherwise.outputs().size());
  Merger merger(args);
  std::vector<Type> types;
  for (size_t k = 0; k < then.outputs().size(); ++k)
    types.push_back(merger.merge(output_type(then, k), output_type(otherwise, k)));
  return types;
}

/// How often a loop runs, where the trip count alone decides it.
std::optional<Dim> trip_count(const OpArgs& args, const Graph& body) {
  const auto is_true = [](const Tensor* value) {
    return value && value->size() == 1 && value->to_ints()[0] != 0;
  };
  const Value next = body.outputs()[0];
  const bool passed_on = next == body.inputs()[1];
  if (!passed_on && !is_true(body.constant(next))) return {};
  if (args.has("cond") && !is_true(args.constant("cond"))) return {};
  if (!args.has("M")) return {};
  const std::optional<Dims> trips = args.values_if_known("M");
  if (!trips || trips->size() != 1) return {};
  return at_least((*trips)[0], 0);
}

/// An attribute that says how many of the inputs are something.
size_t count(const OpArgs& args, std::string_view attr) {
  const int64_t given = args.integer(attr);
  if (given < 0 || given > static_cast<int64_t>(args.input_count()))
    fail("attribute {} is {}, but there are {} inputs", attr, given, args.input_count());
  return static_cast<size_t>(given);
}

std::vector<Type> infer_loop(const OpArgs& args) {
  const Graph& body = args.graph("body");
  const size_t captures = count(args, "captures");
  const size_t inputs = std::max<size_t>(args.input_count(), 2);
  if (captures + 2 > inputs) fail("{} captures, but only {} inputs", captures, inputs);
  const size_t states = inputs - 2 - captures;
  expect_inputs(body, "body", inputs);
  if (body.outputs().size() < 1 + states)
    fail("body has {} outputs for a condition and {} states", body.outputs().size(), states);
  Merger merger(args);
  std::vector<Type> types;
  for (size_t k = 0; k < states; ++k) {
    const Type once = merger.merge(body.type(body.inputs()[2 + k]), output_type(body, 1 + k));
    types.push_back(args.input(2 + k).valid() ? merger.merge(args.type(2 + k), once) : once);
  }
  const std::optional<Dim> trips = trip_count(args, body);
  for (size_t k = 1 + states; k < body.outputs().size(); ++k) {
    Type type = merger.outside(output_type(body, k));
    if (!type.is_tensor()) fail("a scanned output must be a tensor, not {}", to_string(type));
    if (type.ranked) type.shape.insert(type.shape.begin(), trips ? *trips : merger.fresh());
    types.push_back(std::move(type));
  }
  return types;
}

/// Entry k of an attribute that may be left out: 0 then.
int64_t entry(const Ints& values, size_t k, size_t count, std::string_view attr) {
  if (values.empty()) return 0;
  if (values.size() != count)
    fail("attribute {} must have {} entries, not {}", attr, count, values.size());
  return values[k];
}

std::vector<Type> infer_scan(const OpArgs& args) {
  const Graph& body = args.graph("body");
  const size_t captures = count(args, "captures"), sequences = count(args, "num_scan_inputs");
  if (sequences < 1 || captures + sequences > args.input_count())
    fail("{} scanned inputs and {} captures of {} inputs", sequences, captures, args.input_count());
  const size_t states = args.input_count() - sequences - captures;
  expect_inputs(body, "body", args.input_count());
  if (body.outputs().size() < states)
    fail("body has {} outputs for {} states", body.outputs().size(), states);
  Merger merger(args);
  std::vector<Type> types;
  for (size_t k = 0; k < states; ++k)
    types.push_back(merger.merge(args.type(k), output_type(body, k)));
  std::optional<Dim> length;
  const Ints input_axes = args.ints("scan_input_axes"), output_axes = args.ints("scan_output_axes");
  entry(args.ints("scan_input_directions"), 0, sequences, "scan_input_directions");
  entry(args.ints("scan_output_directions"), 0, body.outputs().size() - states,
        "scan_output_directions");
  for (size_t k = 0; k < sequences; ++k) {
    const Dims& shape = args.shape(states + k);
    const int64_t given = entry(input_axes, k, sequences, "scan_input_axes");
    const int64_t axis = OpArgs::normalize_axis(given, static_cast<int64_t>(shape.size()));
    length =
        length ? common_dim(args, *length, shape[axis], "length of a scanned input") : shape[axis];
  }
  for (size_t k = states; k < body.outputs().size(); ++k) {
    Type type = merger.outside(output_type(body, k));
    if (!type.is_tensor() || !type.ranked) fail("a scanned output must have a known rank");
    const int64_t given =
        entry(output_axes, k - states, body.outputs().size() - states, "scan_output_axes");
    type.shape.insert(type.shape.begin() + OpArgs::normalize_axis(given, type.rank() + 1), *length);
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace

const std::vector<OpDef>& control_flow_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "If",
       .doc = "Runs then_branch or else_branch, as cond says, on the captured values.",
       .source = "ONNX If-25",
       .inputs = {{"cond", types::boolean}, {"captures", types::all, Presence::any}},
       .outputs = {"outputs"},
       .attrs = {{"then_branch", required_attr}, {"else_branch", required_attr}},
       .infer = infer_if},
      {.name = "Loop",
       .doc = "Runs body(iteration, condition, states..., captures...) -> condition, states..., "
              "slices... "
              "at most M times, while the condition holds. Gives the last states and the stacked "
              "slices.",
       .source = "ONNX Loop-25",
       .inputs = {{"M", types::indices, Presence::optional},
                  {"cond", types::boolean, Presence::optional},
                  {"v_initial", types::all, Presence::any}},
       .outputs = {"outputs"},
       .attrs = {{"body", required_attr}, {"captures", int64_t{0}}},
       .infer = infer_loop},
      {.name = "Scan",
       .doc = "Runs body(states..., slices..., captures...) -> states..., slices... once for each "
              "slice "
              "of the scanned inputs. Gives the last states and the stacked slices.",
       .source = "ONNX Scan-25",
       .inputs = {{"initial_state_and_scan_inputs", types::all, Presence::any}},
       .outputs = {"outputs"},
       .attrs = {{"body", required_attr},
                 {"num_scan_inputs", required_attr},
                 {"scan_input_axes"},
                 {"scan_input_directions"},
                 {"scan_output_axes"},
                 {"scan_output_directions"},
                 {"captures", int64_t{0}}},
       .infer = infer_scan},
  };
  return rows;
}

}  // namespace dlc
