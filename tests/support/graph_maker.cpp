// Draws graphs node by node.
#include "tests/support/graph_maker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "compiler/ops/evaluate.h"
#include "tests/support/random_inputs.h"

namespace dlc::test {
namespace {

constexpr int64_t most_elements = 12000;
constexpr double greatest = 1e4;

/// Results are exact if the inputs are: nothing is rounded, or to the nearest of the result's type.
constexpr std::array exact_ops = {"Abs",
                                  "BitCast",
                                  "Cast",
                                  "CastLike",
                                  "Ceil",
                                  "Clip",
                                  "Compress",
                                  "Concat",
                                  "Constant",
                                  "DepthToSpace",
                                  "Expand",
                                  "Flatten",
                                  "Floor",
                                  "Gather",
                                  "GatherElements",
                                  "GatherND",
                                  "GlobalMaxPool",
                                  "Identity",
                                  "Max",
                                  "MaxPool",
                                  "Min",
                                  "Neg",
                                  "OneHot",
                                  "Pad",
                                  "ReduceMax",
                                  "ReduceMin",
                                  "Relu",
                                  "Reshape",
                                  "ReverseSequence",
                                  "Round",
                                  "Sign",
                                  "Slice",
                                  "SpaceToDepth",
                                  "Split",
                                  "Squeeze",
                                  "Tile",
                                  "Transpose",
                                  "Trilu",
                                  "Unsqueeze",
                                  "Where",
                                  "CenterCropPad"};

/// Beside those that make integers of floats.
constexpr std::array fragile_ops = {"Floor",
                                    "Ceil",
                                    "Round",
                                    "Sign",
                                    "Mod",
                                    "Hardmax",
                                    "BitCast",
                                    "Shrink",
                                    "ThresholdedRelu",
                                    "RoiAlign",
                                    "MaxRoiPool",
                                    "GridSample",
                                    "DeformConv",
                                    "TopK",
                                    "Unique",
                                    "MaxPool",
                                    "DynamicQuantizeLinear",
                                    "Compress",
                                    "dlc.RoundToSteps",
                                    "MaxUnpool",
                                    "OneHot"};

template <size_t n>
bool contains(const std::array<const char*, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_tensor_of_floats(const Type& type) { return !type.is_tensor() || is_float(type.dtype); }

}  // namespace

bool is_fragile(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op == "MaxPool") return node.outputs.size() > 1;
  if (contains(fragile_ops, node.op)) return true;
  const auto& in = node.inputs;
  const bool floats = std::any_of(in.begin(), in.end(), [&](Value v) {
    return v.valid() && is_tensor_of_floats(graph.type(v));
  });
  if (!floats || node.op == "Shape" || node.op == "Size") return false;
  return std::any_of(node.outputs.begin(), node.outputs.end(),
                     [&](Value v) { return v.valid() && !is_tensor_of_floats(graph.type(v)); });
}

bool exact_result(const Graph& graph, NodeId id, bool exact_inputs) {
  const Node& node = graph.node(id);
  if (node.op == "Shape" || node.op == "Size") return true;
  if (!exact_inputs) return false;
  return contains(exact_ops, node.op) ||
         std::none_of(node.outputs.begin(), node.outputs.end(),
                      [&](Value v) { return v.valid() && is_tensor_of_floats(graph.type(v)); });
}

std::vector<bool> exact_values(const Graph& graph) {
  std::vector<bool> exact(graph.value_count(), true);
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const bool inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value v) {
      return !v.valid() || exact[static_cast<size_t>(v.id)];
    });
    for (Value v : node.outputs) {
      if (v.valid()) exact[static_cast<size_t>(v.id)] = exact_result(graph, id, inputs);
    }
  }
  return exact;
}

GraphMaker::GraphMaker(Random source) : random(source) {
  static const std::vector<int64_t> common = {1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 19, 31, 32, 33};
  for (int k = 0; k < 4; ++k) palette_.push_back(random.pick(common));
  if (random.chance(12)) palette_.push_back(0);
  symbolic_ = random.chance(3);
  narrow_ = random.chance(4);
}

Value GraphMaker::operator()(std::string_view op, std::vector<Value> inputs, AttrMap attrs) {
  return node(op, std::move(inputs), std::move(attrs), 1)[0];
}

std::vector<Value> GraphMaker::node(std::string_view op, std::vector<Value> inputs, AttrMap attrs,
                                    size_t outputs) {
  std::vector<Value> made = Builder(graph_).node(op, std::move(inputs), std::move(attrs), outputs);
  const NodeId id = graph_.producer(made.at(0));
  std::vector<Datum> arguments;
  for (Value v : graph_.node(id).inputs) arguments.push_back(v.valid() ? datum(v) : Datum());
  const std::vector<bool> exact = exact_values(graph_);
  const auto& in = graph_.node(id).inputs;
  const bool exact_inputs = std::all_of(in.begin(), in.end(), [&](Value v) {
    return !v.valid() || exact[static_cast<size_t>(v.id)];
  });
  if (!exact_inputs && is_fragile(graph_, id)) throw Rejected();
  std::vector<Datum> results = evaluate_node(graph_, id, arguments);
  for (size_t k = 0; k < made.size(); ++k) {
    if (!made[k].valid()) continue;
    if (!is_reasonable(results[k])) throw Rejected();
    if (results[k].kind == Datum::Kind::tensor) results_.push_back(made[k]);
    set(made[k], std::move(results[k]));
  }
  return made;
}

/// Not too large; few NaN and infinities, no huge numbers (all of them now and then).
bool GraphMaker::is_reasonable(const Datum& datum) {
  if (datum.kind != Datum::Kind::tensor) return true;
  const Tensor& tensor = datum.tensor;
  if (tensor.size() > most_elements) return false;
  if (!is_float(tensor.dtype()) || random.chance(40)) return true;
  const std::vector<double> values = tensor.to_reals();
  return std::none_of(values.begin(), values.end(),
                      [](double v) { return !(std::fabs(v) < greatest); });
}

void GraphMaker::set(Value value, Datum datum) {
  if (data_.size() <= static_cast<size_t>(value.id))
    data_.resize(static_cast<size_t>(value.id) + 1);
  data_[static_cast<size_t>(value.id)] = std::move(datum);
}

Value GraphMaker::constant(Tensor value) {
  const Value result = graph_.add_constant(value);
  set(result, std::move(value));
  return result;
}

Value GraphMaker::input(const Type& type) {
  Type element = type;
  while (element.kind == Type::Kind::optional || element.kind == Type::Kind::sequence) {
    element = Type(*element.element);
  }
  if (element.kind != Type::Kind::tensor) throw Rejected();
  std::mt19937 engine(static_cast<uint32_t>(random.below(1 << 30)));
  Shape shape;
  for (const Dim& d : element.shape) shape.push_back(size(d));
  if (element_count(shape) > most_elements) throw Rejected();
  const bool integers = is_float(element.dtype) && random.chance(4);
  const auto draw = [&] {
    Tensor tensor = random_tensor(element.dtype, shape, engine);
    for (int64_t i = 0; integers && i < tensor.size(); ++i) {
      store_real(element.dtype, tensor.mutable_data(), i,
                 std::floor(load_real(element.dtype, tensor.data(), i)));
    }
    return Datum(std::move(tensor));
  };
  const Value result = graph_.add_input(type, "x" + std::to_string(graph_.inputs().size()));
  set(result, type.kind == Type::Kind::sequence ? Datum::sequence({draw(), draw()}) : draw());
  return result;
}

Value GraphMaker::positive(DType dtype, Dims dims) {
  const Value result = input(dtype, std::move(dims));
  Tensor tensor = datum(result).tensor.clone();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    store_real(dtype, tensor.mutable_data(), i,
               0.25 + std::fabs(load_real(dtype, tensor.data(), i)));
  }
  set(result, Datum(std::move(tensor)));
  return result;
}

int64_t GraphMaker::size(const Dim& dim) const {
  std::map<std::string, Dim> values;
  for (const auto& [name, number] : symbols_) values.emplace(name, number);
  const std::optional<int64_t> number = dim.substitute(values).as_number();
  if (!number) throw Rejected();
  return *number;
}

int64_t GraphMaker::number() { return random.pick(palette_); }

Dim GraphMaker::dim() {
  if (!symbolic_ || !random.chance(3)) return number();
  const std::string name(1, random.chance(2) ? 'n' : 'h');
  if (!symbols_.contains(name)) symbols_[name] = number();
  return Dim::symbol(name);
}

void GraphMaker::know_symbols(const Type& type) {
  for (const Dim& d : type.shape) {
    d.visit_symbols([&](const std::string& name) {
      if (!symbols_.contains(name)) symbols_[name] = number();
    });
  }
}

DType GraphMaker::float_type() {
  if (!narrow_ || random.chance(2)) return DType::f32;
  return random.pick(std::vector{DType::f16, DType::bf16, DType::f64});
}

Value GraphMaker::earlier(DType dtype) {
  const auto fits = [&](Value v) {
    return dtype == DType::undefined ? is_float(type(v).dtype) : type(v).dtype == dtype;
  };
  for (auto v = results_.rbegin(); v != results_.rend(); ++v) {
    if (fits(*v) && !random.chance(3)) return *v;
  }
  for (Value v : results_) {
    if (fits(v) && random.chance(2)) return v;
  }
  return {};
}

Value GraphMaker::any() {
  std::vector<Value> tensors;  // not sequences
  for (Value v : results_)
    if (type(v).is_tensor() && type(v).ranked) tensors.push_back(v);
  if (tensors.empty() || random.chance(12)) return any_float();
  return random.pick(tensors);
}

Value GraphMaker::any_float() {
  const Value found = earlier(DType::undefined);
  if (found.valid() && !random.chance(12)) return found;
  return any_float(between(1, 4));
}

Value GraphMaker::any_float(int64_t rank) {
  const Value found = earlier(DType::undefined);
  if (found.valid() && !random.chance(8) && this->rank(found) == rank) return found;
  Dims dims;
  for (int64_t k = 0; k < rank; ++k) dims.push_back(dim());
  if (found.valid() && random.chance(2) && type(found).is_static()) {
    for (Dim& d : dims) d = size(d);
    return fit(found, Type::tensor(type(found).dtype, dims));
  }
  return input(float_type(), dims);
}

Value GraphMaker::partner(Value x) {
  const Dims dims = shape(x);
  std::vector<Value> same;
  for (Value v : results_) {
    if (type(v).dtype == type(x).dtype && shape(v) == dims) same.push_back(v);
  }
  if (!same.empty() && !random.chance(3)) return random.pick(same);
  Dims part(dims.begin() + random.below(rank(x) + 1), dims.end());
  if (random.chance(3)) part = dims;
  for (Dim& d : part) {
    if (random.chance(3)) d = 1;
  }
  return input(type(x).dtype, part);
}

Value GraphMaker::of_type(const Type& want) {
  if (want.kind != Type::Kind::tensor || random.chance(4)) return input(want);
  const Value found = earlier(want.dtype);
  return found.valid() ? fit(found, want) : input(want);
}

Value GraphMaker::fit(Value x, const Type& want) {
  if (type(x) == want) return x;
  const bool numbers = type(x).is_static() && want.is_tensor() && want.is_static();
  if (!numbers || type(x).dtype != want.dtype) return input(want);
  Value result;
  const bool whole = attempt([&] {
    if (random.chance(2)) {
      result = fit_flat(x, want.shape);
      return;
    }
    result = fit_rank(x, want.shape.size());
    for (int64_t axis = 0; axis < rank(result); ++axis) {
      result = fit_axis(result, axis, want.shape[static_cast<size_t>(axis)].number());
    }
  });
  return whole ? result : input(want);
}

/// All elements in a row, as many as needed of them, and again.
Value GraphMaker::fit_flat(Value x, const Dims& want) {
  const int64_t have = datum(x).tensor.size(), need = product(want).number();
  Ints target;
  for (const Dim& d : want) target.push_back(d.number());
  if (have == need) return (*this)("Reshape", {x, ints(target)}, {{"allowzero", int64_t{1}}});
  if (have == 0 || need == 0) throw Rejected();
  Value flat = (*this)("Reshape", {x, ints({-1})});
  if (have < need) flat = (*this)("Tile", {flat, ints({(need + have - 1) / have})});
  if (datum(flat).tensor.size() > need) flat = (*this)("Slice", {flat, ints({0}), ints({need})});
  return (*this)("Reshape", {flat, ints(target)});
}

Value GraphMaker::fit_rank(Value x, size_t want) {
  while (shape(x).size() > want) {
    if (random.chance(2)) {
      x = (*this)("ReduceMax", {x, ints({0})}, {{"keepdims", int64_t{0}}});
    } else {
      x = (*this)("Gather", {x, scalar(DType::i64, 0)}, {{"axis", int64_t{-1}}});
    }
  }
  Ints axes(want - shape(x).size());
  std::iota(axes.begin(), axes.end(), 0);
  return axes.empty() ? x : (*this)("Unsqueeze", {x, ints(axes)});
}

Value GraphMaker::fit_axis(Value x, int64_t axis, int64_t want) {
  const int64_t have = sizes(x)[static_cast<size_t>(axis)];
  if (have == want) return x;
  if (have > want) {
    const int64_t first = between(0, have - want);
    return (*this)("Slice", {x, ints({first}), ints({first + want}), ints({axis})});
  }
  if (have == 0) throw Rejected();
  if (have == 1) {
    Ints target(shape(x).size(), 1);
    target[static_cast<size_t>(axis)] = want;
    return (*this)("Expand", {x, ints(target)});
  }
  const int64_t before = between(0, want - have);
  return (*this)("Pad", {x, ints({before, want - have - before}), Value(), ints({axis})},
                 {{"mode", std::string(random.chance(2) ? "edge" : "constant")}});
}

}  // namespace dlc::test
