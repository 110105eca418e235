// Nodes of one row, drawn from its samples.
#include "tests/support/row_variant.h"

#include <algorithm>
#include <bit>
#include <map>

#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"

namespace dlc::test {
namespace {

using testing::Random;

constexpr int tries = 40;
constexpr int64_t most_elements = 3000;

const InputSpec& spec_of(const OpDef& def, size_t input) {
  return def.inputs[std::min(input, def.inputs.size() - 1)];
}

/// Draws a node. What is changed less and less, in later tries.
class NodeDrawer {
 public:
  NodeDrawer(const OpDef& def, Random& random, int at) : def_(def), random_(random), at_(at) {}

  DrawnNode draw() {
    read(random_.pick(def_.samples));
    if (likely(2)) change_types();
    if (likely(2)) change_attributes();
    if (likely(1)) change_sizes();
    if (likely(4)) change_rank();
    return std::move(node_);
  }
  Changes changes() const { return changes_; }

 private:
  /// Once in n, or less.
  bool likely(int64_t n) { return random_.below(n * (4 + at_)) < 4; }

  void read(std::string_view text) {
    const Graph sample = sample_graph(def_, text);
    const Node& node = sample.node(sample.nodes_backward().front());
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      DrawnNode::Input input;
      const Value v = node.inputs[k];
      input.given = v.valid();
      input.known = spec_of(def_, k).known;
      if (input.given) input.type = sample.type(v);
      for (Dim& dim : input.type.shape) dim = dim.is_number() ? dim : Dim(6);
      if (const Tensor* constant = v.valid() ? sample.constant(v) : nullptr)
        input.constant = *constant;
      node_.inputs.push_back(std::move(input));
    }
    node_.attrs = node.attrs;
    node_.outputs = node.outputs.size();
  }

  bool is_free(size_t k) const {
    const DrawnNode::Input& input = node_.inputs[k];
    return input.given && !input.constant && input.type.is_tensor();
  }

  int64_t size() {
    return random_.pick(Ints{0, 1, 1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 19, 23, 31, 32, 33, 37});
  }

  /// Equal sizes stay equal, mostly; an axis on its own becomes 1 or anything.
  void change_sizes() {
    std::map<int64_t, int64_t> now;
    for (size_t k = 0; k < node_.inputs.size(); ++k) {
      if (!is_free(k)) continue;
      for (Dim& dim : node_.inputs[k].type.shape) {
        const auto [place, added] = now.emplace(dim.number(), dim.number());
        if (added && random_.chance(2)) place->second = size();
        if (place->second != dim.number()) changes_.sizes = true;
        dim = place->second;
      }
    }
    if (!random_.chance(4) || node_.inputs.empty()) return;
    const auto k = static_cast<size_t>(random_.below(static_cast<int64_t>(node_.inputs.size())));
    Dims& dims = node_.inputs[k].type.shape;
    if (!is_free(k) || dims.empty()) return;
    dims[static_cast<size_t>(random_.below(static_cast<int64_t>(dims.size())))] =
        random_.chance(2) ? 1 : size();
    changes_.sizes = true;
  }

  /// An axis more or less for one input, or for all.
  void change_rank() {
    const bool more = random_.chance(2), all = random_.chance(2);
    const int64_t extra = random_.pick(Ints{1, 2, 3, 5});
    for (size_t k = 0; k < node_.inputs.size(); ++k) {
      Dims& dims = node_.inputs[k].type.shape;
      if (!is_free(k) || (!all && random_.chance(2))) continue;
      if (more) dims.insert(dims.begin(), extra);
      if (!more && !dims.empty()) dims.erase(dims.begin());
      changes_.sizes = true;
    }
  }

  DType type_for(DTypes allowed) {
    std::vector<DType> all;
    for (int t = 1; t < dtype_count; ++t) {
      if (allowed & one(static_cast<DType>(t))) all.push_back(static_cast<DType>(t));
    }
    return all.empty() ? DType::undefined : random_.pick(all);
  }

  /// Inputs of one type stay so; constants follow where they have the type of an input.
  void change_types() {
    std::map<DType, DTypes> allowed;
    for (size_t k = 0; k < node_.inputs.size(); ++k) {
      if (!is_free(k)) continue;
      const auto [place, added] =
          allowed.emplace(node_.inputs[k].type.dtype, spec_of(def_, k).types);
      if (!added) place->second &= spec_of(def_, k).types;
    }
    std::map<DType, DType> now;
    for (const auto& [type, types] : allowed) {
      const DType other = type_for(types);
      now[type] = random_.chance(3) || other == DType::undefined ? type : other;
      if (now[type] != type) changes_.types = true;
    }
    for (size_t k = 0; k < node_.inputs.size(); ++k) {
      DrawnNode::Input& input = node_.inputs[k];
      const auto found = now.find(input.type.dtype);
      if (!input.given || !input.type.is_tensor() || found == now.end()) continue;
      if (!(spec_of(def_, k).types & one(found->second))) continue;
      if (input.constant && !recast(*input.constant, found->second)) continue;
      input.type.dtype = found->second;
    }
  }

  static bool recast(Tensor& constant, DType to) {
    const auto is_number = [](DType type) { return is_float(type) || is_integer(type); };
    if (!is_number(constant.dtype()) || !is_number(to)) return false;
    constant = Tensor::of(to, constant.shape(), constant.to_reals());
    return true;
  }

  /// Of another sample, left out, or another number.
  void change_attributes() {
    const AttrMap before = node_.attrs;
    const Graph other = sample_graph(def_, random_.pick(def_.samples));
    const AttrMap& others = other.node(other.nodes_backward().front()).attrs;
    for (const AttrSpec& spec : def_.attrs) {
      const std::string name(spec.name);
      if (random_.chance(3)) {
        const auto found = others.find(name);
        if (found != others.end()) node_.attrs[name] = found->second;
      } else if (random_.chance(4)) {
        node_.attrs.erase(name);
      } else if (random_.chance(2)) {
        change_number(spec);
      }
    }
    changes_.attributes = text_of(node_.attrs) != text_of(before);
  }

  static std::string text_of(const AttrMap& attrs) {
    std::string text;
    for (const auto& [name, attr] : attrs) text += name + "=" + print(attr) + " ";
    return text;
  }

  void change_number(const AttrSpec& spec) {
    const std::string name(spec.name);
    const auto given = node_.attrs.find(name);
    if (given == node_.attrs.end()) {
      if (const auto* number = std::get_if<int64_t>(&spec.value)) node_.attrs[name] = *number;
      if (const auto* number = std::get_if<double>(&spec.value)) node_.attrs[name] = *number;
      if (!node_.attrs.contains(name)) return;
    }
    Attr& attr = node_.attrs[name];
    if (auto* number = std::get_if<int64_t>(&attr)) {
      *number = *number == 0 || *number == 1 ? 1 - *number : *number + random_.pick(Ints{-1, 1});
      if (random_.chance(4)) *number = random_.pick(Ints{-2, -1, 2, 3});
    } else if (auto* real = std::get_if<double>(&attr)) {
      *real *= random_.pick(Reals{0.5, 2, 1.25});
    } else if (auto* ints = std::get_if<Ints>(&attr); ints && !ints->empty()) {
      (*ints)[static_cast<size_t>(random_.below(static_cast<int64_t>(ints->size())))] +=
          random_.pick(Ints{-1, 1, 2});
    }
  }

  const OpDef& def_;
  Random& random_;
  int at_;
  DrawnNode node_;
  Changes changes_;
};

/// Sizes of the node's inputs that are symbols: none, or some.
std::set<int64_t> open_sizes(const DrawnNode& node, Random& random) {
  std::set<int64_t> open;
  if (!random.chance(3)) return open;
  for (const DrawnNode::Input& input : node.inputs) {
    for (const Dim& dim : input.type.shape) {
      if (dim.number() > 1 && random.chance(2)) open.insert(dim.number());
    }
  }
  return open;
}

void check_sizes(const DrawnNode& node) {
  for (const DrawnNode::Input& input : node.inputs) {
    if (!input.given || !input.type.is_tensor()) continue;
    if (product(input.type.shape).number() > most_elements) throw Rejected();
  }
}

/// Throws what the interpreter throws; large results take too long to judge.
void check_values(const GraphCase& c) {
  for (const Datum& output : evaluate(c.graph, c.inputs)) {
    if (output.kind == Datum::Kind::tensor && output.tensor.size() > 4 * most_elements)
      throw Rejected();
  }
}

RowVariant attempt(const OpDef& def, Random& random, int at) {
  RowVariant variant;
  NodeDrawer drawer(def, random, at);
  const DrawnNode node = drawer.draw();
  check_sizes(node);
  variant.changes = drawer.changes();
  GraphCase& c = variant.c;
  InputMaker make(c, random, open_sizes(node, random));
  std::vector<Value> inputs;
  for (const DrawnNode::Input& input : node.inputs) inputs.push_back(make.make(input, at % 3 == 1));
  variant.changes.layout = make.any_layout();
  std::vector<Value> outputs;
  for (Value v : Builder(c.graph).node(def.name, inputs, node.attrs, node.outputs)) {
    if (v.valid()) outputs.push_back(v);
  }
  c.graph.set_outputs(outputs);
  check_values(c);
  return variant;
}

}  // namespace

Changes possible_changes(const OpDef& def) {
  Changes possible;
  possible.attributes = !def.attrs.empty();
  for (std::string_view text : def.samples) {
    const Graph sample = sample_graph(def, text);
    const Node& node = sample.node(sample.nodes_backward().front());
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Value v = node.inputs[k];
      if (!v.valid() || sample.constant(v) != nullptr || !sample.type(v).is_tensor()) continue;
      possible.layout = possible.layout || !spec_of(def, k).known;
      possible.sizes = possible.sizes || sample.type(v).rank() > 0;
      possible.types = possible.types || !std::has_single_bit(spec_of(def, k).types);
    }
  }
  return possible;
}

std::optional<RowVariant> row_variant(const OpDef& def, uint64_t seed) {
  uint64_t mixed = seed;
  for (char letter : def.name)
    mixed = mixed * 1099511628211ull + static_cast<unsigned char>(letter);
  Random random(mixed);
  for (int at = 0; at < tries; ++at) {
    try {
      RowVariant variant = attempt(def, random, at);
      variant.c.seed = seed;
      return variant;
    } catch (const Rejected&) {
    } catch (const Error& error) {
      if (error.code() == ErrorCode::failed) throw;
    }
  }
  return std::nullopt;
}

}  // namespace dlc::test
