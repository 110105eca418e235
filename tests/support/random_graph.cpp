// Whole random graphs.
#include "tests/support/random_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "compiler/ir/text.h"
#include "runtime/numeric.h"
#include "tests/support/graph_blocks.h"
#include "tests/support/random_inputs.h"

namespace dlc::test {
namespace {

const Block& pick(Random& random, std::span<const Block> blocks) {
  const int all = std::accumulate(blocks.begin(), blocks.end(), 0,
                                  [](int sum, const Block& b) { return sum + b.weight; });
  int64_t at = random.below(all);
  for (const Block& block : blocks) {
    at -= block.weight;
    if (at < 0) return block;
  }
  return blocks.back();
}

/// What nobody uses, and some of what somebody does.
std::vector<Value> outputs(GraphMaker& make) {
  std::vector<Value> chosen;
  const Graph& graph = make.graph();
  for (NodeId id : graph.nodes()) {
    for (Value v : graph.node(id).outputs) {
      if (!v.valid() || graph.constant(v)) continue;
      if (graph.users(v).empty() || make.random.chance(10)) chosen.push_back(v);
    }
  }
  return chosen;
}

/// Weights: what a model holds in itself. Half of the inputs with known sizes, or all, or none.
void make_constants(GraphCase& c, Random& random) {
  const int64_t style = random.below(4);
  for (size_t k = c.inputs.size(); k-- > 1;) {
    const Value input = c.graph.inputs()[k];
    const bool fixed = c.graph.type(input).is_static();
    if (!fixed || style == 0 || (style == 1 && random.chance(2))) continue;
    c.graph.replace_uses(input, c.graph.add_constant(c.inputs[k].tensor, c.graph.nodes().front()));
    c.graph.erase_input(k);
    c.inputs.erase(c.inputs.begin() + static_cast<std::ptrdiff_t>(k));
  }
}

/// How the elements of a tensor were drawn, told from what they are.
struct Range {
  bool integers = true, positive = true;

  explicit Range(const Tensor& tensor) {
    if (!is_float(tensor.dtype())) return;
    for (double v : tensor.to_reals()) {
      integers = integers && v == static_cast<double>(static_cast<int64_t>(v));
      positive = positive && v > 0;
    }
  }
};

Tensor redrawn(const Tensor& old, const Shape& shape, std::mt19937& engine) {
  Tensor tensor = random_tensor(old.dtype(), shape, engine);
  const Range range(old);
  for (int64_t i = 0; is_float(old.dtype()) && i < tensor.size(); ++i) {
    double v = load_real(old.dtype(), tensor.data(), i);
    if (range.integers) v = static_cast<double>(static_cast<int64_t>(v));
    if (range.positive) v = 0.25 + (v < 0 ? -v : v);
    store_real(old.dtype(), tensor.mutable_data(), i, v);
  }
  return tensor;
}

GraphCase draw(Random random) {
  GraphMaker make(random);
  const size_t nodes = static_cast<size_t>(make.between(2, 12));
  const int64_t networks = make.random.pick(Ints{0, 3, 6, 9});  // of ten blocks
  for (int tries = 0; tries < 60 && make.results().size() < nodes; ++tries) {
    const bool network = make.random.below(10) < networks;
    const Block& block = pick(make.random, network ? network_blocks() : single_blocks());
    make.attempt([&] { block.draw(make); });
  }
  GraphCase c;
  const std::vector<Value> chosen = outputs(make);
  for (Value input : make.graph().inputs()) c.inputs.push_back(make.datum(input));
  c.graph = make.take_graph();
  c.graph.set_outputs(chosen);
  make_constants(c, make.random);
  return c;
}

}  // namespace

GraphCase random_graph(uint64_t seed) {
  GraphCase c = draw(Random(seed));
  c.seed = seed;
  return c;
}

GraphCase random_graph(std::span<const uint8_t> bytes) { return draw(Random(bytes)); }

std::optional<GraphCase> with_other_sizes(const GraphCase& c) {
  std::mt19937 engine(static_cast<uint32_t>(c.seed) + 77);
  std::map<std::string, Dim> sizes;
  GraphCase other = c;
  const auto draw = [&](const std::string& name) {
    static constexpr int64_t choices[] = {1, 2, 3, 6, 9, 15, 16, 21};
    sizes.emplace(name, choices[engine() % 8]);
  };
  for (size_t k = 0; k < c.inputs.size(); ++k) {
    const Type& type = c.graph.type(c.graph.inputs()[k]);
    if (!type.is_tensor() || type.is_static()) continue;
    Shape shape;
    for (const Dim& dim : type.shape) {
      dim.visit_symbols(draw);
      shape.push_back(dim.substitute(sizes).number());
    }
    other.inputs[k] = redrawn(c.inputs[k].tensor, shape, engine);
  }
  if (sizes.empty()) return std::nullopt;
  return other;
}

std::string to_string(const GraphCase& c) {
  std::string text = fmt::format("seed {}\n{}\n", c.seed, print(c.graph, {.max_elements = 64}));
  for (size_t k = 0; k < c.inputs.size(); ++k) {
    const Datum& input = c.inputs[k];
    text +=
        fmt::format("  input {}: {}\n", k,
                    input.kind == Datum::Kind::tensor ? print(input.tensor, 64) : "(no tensor)");
  }
  return text;
}

}  // namespace dlc::test
