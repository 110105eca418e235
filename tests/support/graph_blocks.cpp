// Single nodes: of any row as its samples have it, elementwise ones, those that move elements.
#include "tests/support/graph_blocks.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace dlc::test {
namespace {

using Names = std::vector<std::string>;

int64_t at(const Shape& shape, int64_t axis) { return shape[static_cast<size_t>(axis)]; }

/// The node of a sample graph: the last one.
const Node& sample_node(const Graph& sample) {
  return sample.node(sample.nodes_backward().front());
}

/// The symbols of a sample become symbols of this graph, with sizes.
void draw_sample(GraphMaker& make, const OpDef& def, bool free_shapes) {
  const Graph sample = sample_graph(def, make.random.pick(def.samples));
  const Node& node = sample_node(sample);
  std::vector<Value> inputs;
  DType drawn = DType::undefined, written = DType::undefined;  // of the first input
  for (Value v : node.inputs) {
    const Tensor* constant = v.valid() ? sample.constant(v) : nullptr;
    if (!v.valid()) {
      inputs.emplace_back();
    } else if (constant) {
      inputs.push_back(make.constant(*constant));
    } else if (inputs.empty() && free_shapes && sample.type(v).is_tensor()) {
      written = sample.type(v).dtype;
      const Value x = is_float(written) ? make.any_float() : make.any();
      drawn = make.type(x).dtype;
      inputs.push_back(x);
    } else {
      Type type = sample.type(v);
      if (type.is_tensor() && type.dtype == written) type.dtype = drawn;
      make.know_symbols(type);
      inputs.push_back(make.of_type(type));
    }
  }
  make.node(node.op, inputs, node.attrs, node.outputs.size());
}

const OpDef& any_row(GraphMaker& make) {
  for (;;) {
    const auto rows = all_ops();
    const OpDef& def =
        *rows[static_cast<size_t>(make.random.below(static_cast<int64_t>(rows.size())))];
    if (!def.effect && !def.samples.empty()) return def;
  }
}

void any_sample(GraphMaker& make) { draw_sample(make, any_row(make), false); }
void any_sample_on_any_value(GraphMaker& make) { draw_sample(make, any_row(make), true); }

void elementwise(GraphMaker& make) {
  for (;;) {
    const OpDef& def = any_row(make);
    if (def.kind() != OpKind::elementwise) continue;
    if (def.inputs.size() == 1 && def.inputs[0].presence == Presence::required) {
      return draw_sample(make, def, true);
    }
    return draw_sample(make, def, make.random.chance(2));
  }
}

void activation(GraphMaker& make) { draw_activation(make, make.any_float()); }
void broadcast(GraphMaker& make) { draw_broadcast(make, make.any_float()); }

void transpose(GraphMaker& make) {
  const Value x = make.any();
  Ints perm(static_cast<size_t>(make.rank(x)));
  std::iota(perm.begin(), perm.end(), 0);
  for (size_t k = perm.size(); k > 1; --k) {
    std::swap(perm[k - 1], perm[static_cast<size_t>(make.random.below(static_cast<int64_t>(k)))]);
  }
  make("Transpose", {x}, {{"perm", perm}});
}

/// Joins two axes, cuts one in two, or both.
void reshape(GraphMaker& make) {
  const Value x = make.any();
  const Shape& shape = make.sizes(x);
  const Dims& dims = make.shape(x);
  Ints target;
  for (size_t k = 0; k < shape.size(); ++k) {
    if (k + 1 < shape.size() && dims[k].is_number() && dims[k + 1].is_number() &&
        make.random.chance(2)) {
      target.push_back(shape[k] * shape[k + 1]);
      ++k;
    } else if (!dims[k].is_number()) {
      if (target.size() != k) throw Rejected();
      target.push_back(0);
    } else if (shape[k] % 2 == 0 && shape[k] > 0 && make.random.chance(2)) {
      target.insert(target.end(), {2, shape[k] / 2});
    } else {
      target.push_back(shape[k]);
    }
  }
  if (!target.empty() && make.random.chance(3)) target.back() = -1;
  make("Reshape", {x, make.ints(target)});
}

void slice(GraphMaker& make) {
  const Value x = make.any();
  if (make.rank(x) == 0) throw Rejected();
  const int64_t axis = make.random.below(make.rank(x)), size = at(make.sizes(x), axis);
  const int64_t step = make.random.chance(2) ? 1 : make.random.pick(Ints{-1, 2, -2, 3});
  int64_t first = make.between(-size - 1, size), end = make.between(-size - 1, size + 1);
  if (make.random.chance(3)) first = step < 0 ? -1 : 0;
  if (make.random.chance(3)) end = step < 0 ? -100 : 100;
  make("Slice", {x, make.ints({first}), make.ints({end}), make.ints({axis}), make.ints({step})});
}

void split(GraphMaker& make) {
  const Value x = make.any();
  if (make.rank(x) == 0) throw Rejected();
  const int64_t axis = make.random.below(make.rank(x)), size = at(make.sizes(x), axis);
  const int64_t first = make.between(0, size), second = make.between(0, size - first);
  if (make.shape(x)[static_cast<size_t>(axis)].is_number() && make.random.chance(2)) {
    make.node("Split", {x, make.ints({first, second, size - first - second})}, {{"axis", axis}}, 3);
  } else {
    const int64_t parts = make.between(1, 3);
    make.node("Split", {x}, {{"axis", axis}, {"num_outputs", parts}}, static_cast<size_t>(parts));
  }
}

void concat(GraphMaker& make) {
  const Value x = make.any();
  if (make.rank(x) == 0) throw Rejected();
  const int64_t axis = make.random.below(make.rank(x));
  std::vector<Value> parts = {x};
  for (int64_t more = make.between(1, 3); more > 0; --more) {
    Type type = make.type(x);
    if (make.random.chance(2)) type.shape[static_cast<size_t>(axis)] = make.number();
    parts.push_back(make.random.chance(4) ? x : make.of_type(type));
  }
  std::swap(parts[0],
            parts[static_cast<size_t>(make.random.below(static_cast<int64_t>(parts.size())))]);
  make("Concat", parts, {{"axis", make.random.chance(2) ? axis : axis - make.rank(x)}});
}

void gather(GraphMaker& make) {
  const Value x = make.any();
  if (make.rank(x) == 0) throw Rejected();
  const int64_t axis = make.random.below(make.rank(x)), size = at(make.sizes(x), axis);
  if (size == 0) throw Rejected();
  Ints indices;
  for (int64_t k = make.between(1, 6); k > 0; --k) indices.push_back(make.between(-size, size - 1));
  Value where = make.ints(indices);
  if (make.random.chance(4)) where = make.scalar(DType::i64, static_cast<double>(indices[0]));
  make("Gather", {x, where}, {{"axis", axis}});
}

void pad(GraphMaker& make) {
  const Value x = make.any();
  if (make.rank(x) == 0) throw Rejected();
  const int64_t axis = make.random.below(make.rank(x));
  const std::string mode = make.random.pick(Names{"constant", "edge", "reflect", "wrap"});
  make("Pad",
       {x, make.ints({make.between(-1, 3), make.between(-1, 3)}), Value(), make.ints({axis})},
       {{"mode", mode}});
}

void expand_or_tile(GraphMaker& make) {
  const Value x = make.any();
  Ints factors;
  for (int64_t k = 0; k < make.rank(x); ++k) factors.push_back(make.random.chance(3) ? 2 : 1);
  if (make.random.chance(2)) {
    make("Tile", {x, make.ints(factors)});
    return;
  }
  for (size_t k = 0; k < factors.size(); ++k) {
    factors[k] = make.sizes(x)[k] == 1 ? make.number() : 1;
  }
  if (make.random.chance(3)) factors.insert(factors.begin(), make.number());
  make("Expand", {x, make.ints(factors)});
}

void reduction(GraphMaker& make) {
  const Value x = make.any_float();
  const std::string op =
      make.random.pick(Names{"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2",
                             "ReduceSumSquare", "ReduceL1", "ReduceLogSumExp", "ReduceProd"});
  Ints axes;
  for (int64_t k = 0; k < make.rank(x); ++k) {
    if (make.random.chance(2)) axes.push_back(make.random.chance(2) ? k : k - make.rank(x));
  }
  make(op, {x, make.ints(axes)}, {{"keepdims", make.random.below(2)}});
}

void cast(GraphMaker& make) {
  const std::vector<DType> types = {DType::f32, DType::f16, DType::bf16, DType::f64,
                                    DType::i32, DType::i64, DType::u8,   DType::boolean};
  make("Cast", {make.any()}, {{"to", static_cast<int64_t>(make.random.pick(types))}});
}

void where(GraphMaker& make) {
  const Value x = make.any();
  Value condition = make.input(DType::boolean, make.shape(x));
  const DType type = make.type(x).dtype;
  const bool scalar = (types::movable & one(type)) != 0 && make.random.chance(2);
  const Value other = scalar ? make.scalar(type, 1) : make.partner(x);
  make("Where", {condition, x, other});
}

/// Two branches, one of them with a node more; both take the value from outside.
void conditional(GraphMaker& make) {
  const Value x = make.any_float();
  const auto branch = [&](std::string_view op) {
    Graph graph("branch");
    Builder build(graph);
    const Value in = graph.add_input(make.type(x));
    const Value one = build(op, {in});
    graph.set_outputs({build("Add", {one, build.scalar(make.type(x).dtype, 0.5)})});
    return std::make_shared<const Graph>(std::move(graph));
  };
  make("If", {make.input(DType::boolean, {}), x},
       {{"then_branch", branch("Relu")}, {"else_branch", branch("Tanh")}});
}

constexpr Block blocks[] = {{"any sample", 14, any_sample},
                            {"any sample on any value", 10, any_sample_on_any_value},
                            {"elementwise", 10, elementwise},
                            {"activation", 8, activation},
                            {"broadcast", 10, broadcast},
                            {"transpose", 6, transpose},
                            {"reshape", 6, reshape},
                            {"slice", 5, slice},
                            {"split", 4, split},
                            {"concat", 6, concat},
                            {"gather", 4, gather},
                            {"pad", 3, pad},
                            {"expand or tile", 4, expand_or_tile},
                            {"reduction", 8, reduction},
                            {"cast", 3, cast},
                            {"where", 3, where},
                            {"conditional", 1, conditional}};

}  // namespace

std::span<const Block> single_blocks() { return blocks; }

Value draw_activation(GraphMaker& make, Value x) {
  const std::string op =
      make.random.pick(Names{"Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Gelu", "Mish",
                             "Swish", "Elu", "Softplus", "HardSigmoid", "Erf", "Selu", "Clip"});
  if (op != "Clip") return make(op, {x});
  const DType dtype = make.type(x).dtype;
  return make("Clip",
              {x, make.scalar(dtype, 0), make.scalar(dtype, make.random.chance(2) ? 6 : 1)});
}

Value draw_broadcast(GraphMaker& make, Value x) {
  const std::string op =
      make.random.pick(Names{"Add", "Add", "Mul", "Mul", "Sub", "Div", "Max", "Min", "PRelu"});
  const Value y = op == "Div" ? make.positive(make.type(x).dtype, make.shape(x)) : make.partner(x);
  if (op != "PRelu" && op != "Div" && make.random.chance(3)) return make(op, {y, x});
  return make(op, {x, y});
}

}  // namespace dlc::test
