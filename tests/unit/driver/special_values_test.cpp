// Special values: what every elementwise row makes of NaN, infinities, -0, denormals, limits, zero
// divisors, ... as machine code, in vectors, in their tails and one by one, is what the interpreter
// makes of it, bit for bit; up to the stated error where functions are computed. What the
// interpreter itself must give: unit/ops/reference_test.cpp.
// Next: tests/support/special_values.h.
#include "tests/support/special_values.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "compiler/driver/backend.h"
#include "compiler/driver/compile.h"
#include "compiler/expr/interpret.h"
#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/numeric.h"
#include "runtime/session.h"
#include "tests/support/row_name.h"

namespace dlc {

namespace {

/// A node over 1-D inputs of one size.
struct NodeCase {
  const OpDef* def;
  std::vector<DType> types;  ///< of the inputs; undefined: not given
  AttrMap attrs;
  size_t outputs = 1;

  Graph graph(const Dim& size) const {
    Graph graph;
    std::vector<Value> inputs;
    for (DType type : types) {
      const bool given = type != DType::undefined;
      inputs.push_back(given ? graph.add_input(Type::tensor(type, {size})) : Value());
    }
    graph.set_outputs(Builder(graph).node(def->name, inputs, attrs, outputs));
    return graph;
  }
};

/// What compiled code may be off by.
struct Bound {
  double steps = 0;
  double absolute = 0;
};

/// The error of functions, in units of the last place: compiler/backends/llvm/math.cpp.
double function_error(UnaryOp op) {
  switch (op) {
    case UnaryOp::exp:
    case UnaryOp::log:
      return 1.5;
    case UnaryOp::expm1:
      return 2.5;
    case UnaryOp::log1p:
      return 2;
    case UnaryOp::tanh:
      return 2.5;
    case UnaryOp::erf:
      return 3;
    default:
      return op >= UnaryOp::sin && op <= UnaryOp::atanh ? 4 : 0;
  }
}

double rounding_error(const Expr& e) {
  if (e.dtype() != DType::f32 && e.dtype() != DType::f64) return 0;
  if (e->kind == ExprKind::unary) return e->unary == UnaryOp::sqrt ? 0.5 : function_error(e->unary);
  if (e->kind != ExprKind::binary) return 0;
  if (e->binary <= BinaryOp::divide) return 0.5;
  return e->binary == BinaryOp::power || e->binary == BinaryOp::atan2 ? 4 : 0;
}

/// None where at most one operation rounds: the interpreter's doubles give the same then. One
/// function is as good as it says; of several operations one may enlarge what others lose.
Bound bound_of(const Graph& graph) {
  double sum = 0;
  int operations = 0;
  const Computation computed = compute(graph, graph.nodes_backward().front());
  visit(computed.outputs[0].body, [&](const Expr& e) {
    const double error = rounding_error(e);
    sum += error;
    operations += error > 0 ? 1 : 0;
  });
  if (sum <= 0.5) return {};
  if (operations == 1) return {std::ceil(sum), 0};
  return {2 * std::ceil(sum), 0x1p-21};
}

bool fits(DType dtype, double got, double want, const Bound& bound) {
  if (test::steps_between(dtype, got, want) <= bound.steps) return true;
  return std::isfinite(got) && std::isfinite(want) && std::fabs(got - want) <= bound.absolute;
}

class Checker {
 public:
  explicit Checker(const NodeCase& node) : node_(node) {
    std::vector<DType> given;
    for (DType type : node.types) {
      if (type != DType::undefined) given.push_back(type);
    }
    inputs_ = test::special_operands(given);
    const Graph graph = node.graph(Dim::symbol("n"));
    bound_ = bound_of(graph);
    find_judged(graph);
    expected_ = evaluate(graph, std::vector<Datum>(inputs_.begin(), inputs_.end()))[0].tensor;
  }

  /// Vectors and tails of a symbolic size and of a static one, and what is too short for a vector.
  void check(const CompileOptions& options) {
    const int64_t size = expected_.size(), some = std::max<int64_t>(3, size / 200);
    Session symbolic(compile(node_.graph(Dim::symbol("n")), options), pool_);
    run(symbolic, 0, size, "all");
    for (int64_t begin = 0; begin < size; begin += some) {
      run(symbolic, begin, some, "a few");
      run(symbolic, begin + begin % some, 1, "one");
    }
    constexpr int64_t odd = 67, tail = 3;
    Session fixed(compile(node_.graph(odd), options), pool_);
    for (int64_t begin = 0; begin < size; begin += std::max(tail, size / 100))
      run(fixed, begin, odd, "of static size");
  }

 private:
  /// The interpreter computes f32 in double. Where what it computes on the way is no normal f32,
  /// code may overflow or lose all digits; that must only be the same in all places.
  void find_judged(const Graph& graph) {
    const NodeId node = graph.nodes_backward().front();
    const TensorExpr formula = compute(graph, node).outputs[0];
    judged_.assign(static_cast<size_t>(inputs_[0].size()), true);
    std::vector<Tensor> operands;
    for (size_t k = 0, next = 0; k < node_.types.size(); ++k)
      operands.push_back(node_.types[k] == DType::undefined ? Tensor() : inputs_[next++]);
    Expr result = formula.body;
    while (result->kind == ExprKind::cast) result = result->args[0];
    visit(formula.body, [&](const Expr& e) {
      if (e.dtype() != DType::f32 || e.identity() == result.identity() || rounding_error(e) == 0)
        return;
      const Tensor values =
          interpret({formula.axes, cast(DType::f64, e)}, operands, {{"n", inputs_[0].size()}});
      for (size_t i = 0; i < judged_.size(); ++i) {
        const double x = std::fabs(values.as<double>()[i]);
        const bool normal = x >= 0x1p-126 && x <= std::numeric_limits<float>::max();
        judged_[i] = judged_[i] && (normal || x == 0 || !std::isfinite(x));
      }
    });
  }

  void run(Session& session, int64_t begin, int64_t count, std::string_view what) {
    std::vector<Datum> parts;
    for (const Tensor& input : inputs_) parts.emplace_back(test::stretch(input, begin, count));
    const Tensor got = session.run(parts)[0].tensor;
    const Tensor want = test::stretch(expected_, begin, count);
    ASSERT_EQ(got.dtype(), want.dtype());
    if (identical(got, want)) return;
    const DType type = want.dtype();
    for (int64_t i = 0; i < count; ++i) {
      const double a = load_real(type, got.data(), i), b = load_real(type, want.data(), i);
      const auto at = static_cast<size_t>((begin + i) % expected_.size());
      const bool same =
          !is_float(type) ? load_integer(type, got.data(), i) == load_integer(type, want.data(), i)
          : judged_[at]   ? fits(type, a, b, bound_)
                          : is_as_elsewhere(at, type, a);
      if (same || !reported_.insert(at).second) continue;
      ADD_FAILURE() << node_.def->name << operands(parts, i) << " is " << a << " instead of " << b
                    << ", as one of " << count << " (" << what << ")";
    }
  }

  bool is_as_elsewhere(size_t at, DType type, double got) {
    const auto [place, added] = elsewhere_.emplace(at, got);
    return added || test::steps_between(type, got, place->second) <= bound_.steps;
  }

  static std::string operands(const std::vector<Datum>& parts, int64_t i) {
    std::string text;
    for (const Datum& part : parts) {
      const Tensor& x = part.tensor;
      text += text.empty() ? "(" : ", ";
      text += is_float(x.dtype()) ? fmt::format("{}", load_real(x.dtype(), x.data(), i))
                                  : fmt::format("{}", load_integer(x.dtype(), x.data(), i));
    }
    return text + ")";
  }

  static inline ThreadPool pool_{1};
  const NodeCase& node_;
  std::vector<Tensor> inputs_;
  Tensor expected_;
  Bound bound_;
  std::vector<bool> judged_;
  std::map<size_t, double> elsewhere_;  ///< what is not judged, as code gave it first
  std::set<size_t> reported_;
};

constexpr DTypes in_loops = types::numbers | types::boolean | types::small_floats;

std::vector<DType> types_in(DTypes set) {
  std::vector<DType> found;
  for (int t = 1; t < dtype_count; ++t) {
    if (set & in_loops & one(static_cast<DType>(t))) found.push_back(static_cast<DType>(t));
  }
  return found;
}

std::string key_of(const NodeCase& node) {
  std::string key = print(node.graph(Dim::symbol("n")));
  return key;
}

/// The nodes of a row's samples, with each type that inputs of one type can have together.
std::vector<NodeCase> cases_of(const OpDef& def) {
  std::vector<NodeCase> found;
  std::set<std::string> keys;
  const auto add = [&](const NodeCase& node) {
    for (DType type : node.types) {
      if (type != DType::undefined && !(in_loops & one(type))) return;
    }
    try {
      if (keys.insert(key_of(node)).second) found.push_back(node);
    } catch (const Error&) {  // types that do not go together
    }
  };
  for (std::string_view text : def.samples) {
    const Graph sample = sample_graph(def, text);
    const Node& node = sample.node(sample.nodes_backward().front());
    NodeCase base = {&def, {}, node.attrs, node.outputs.size()};
    std::map<DType, DTypes> allowed;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Value v = node.inputs[k];
      base.types.push_back(v.valid() ? sample.type(v).dtype : DType::undefined);
      if (!v.valid()) continue;
      const DTypes own = def.inputs[std::min(k, def.inputs.size() - 1)].types;
      const auto [place, added] = allowed.emplace(base.types.back(), own);
      if (!added) place->second &= own;
    }
    for (const auto& [type, set] : allowed) {
      for (DType other : types_in(set)) {
        NodeCase changed = base;
        std::replace(changed.types.begin(), changed.types.end(), type, other);
        add(changed);
      }
    }
    const bool widest = base.types[0] == DType::f32 || base.types[0] == DType::i64;
    for (int to = 1; to < dtype_count && widest && base.attrs.contains("to"); ++to) {
      NodeCase changed = base;
      changed.attrs["to"] = int64_t{to};
      add(changed);
    }
  }
  return found;
}

/// All vector widths of this machine.
std::vector<CompileOptions> settings() {
  std::vector<CompileOptions> found;
  for (int bits = 128; bits <= llvm().host_target(0).vector_bits; bits *= 2)
    found.push_back({.vector_bits = bits, .threads = 1});
  return found;
}

std::vector<const OpDef*> elementwise_rows() {
  std::vector<const OpDef*> found;
  for (const OpDef* def : all_ops()) {
    if (def->scalar != nullptr) found.push_back(def);
  }
  return found;
}

class SpecialValues : public testing::TestWithParam<const OpDef*> {};

TEST_P(SpecialValues, GiveTheSameInVectorsTailsAndTheInterpreter) {
  const std::vector<NodeCase> cases = cases_of(*GetParam());
  EXPECT_FALSE(cases.empty());
  for (const NodeCase& node : cases) {
    for (const CompileOptions& options : settings()) {
      SCOPED_TRACE(fmt::format("{} at {} bits", key_of(node), options.vector_bits));
      try {
        Checker(node).check(options);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, SpecialValues, testing::ValuesIn(elementwise_rows()),
                         test::row_name);

}  // namespace
}  // namespace dlc
