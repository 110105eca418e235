// The table of operator sets.
#include "frontends/onnx/opsets.h"

#include <algorithm>
#include <charconv>

#include "compiler/ops/op_def.h"

namespace dlc::onnx {
namespace {

struct Domain {
  std::string_view name;
  int64_t newest;
};
constexpr Domain domains[] = {
    {"", 28},
    {"ai.onnx.ml", 5},
    {"ai.onnx.preview", 1},
    {"ai.onnx.preview.training", 1},
    {"com.microsoft", 1},
};

/// Ops whose newest version adds types, or an attribute, to the one before: what has neither means
/// the same in that one.
struct Earlier {
  std::string_view op;
  int64_t version;
  DTypes types;
  std::string_view new_attr = {};
};
constexpr DTypes without_bf16 = types::all & ~one(DType::bf16);
constexpr Earlier earlier[] = {
    {"BitShift", 11, types::unsigned_ints},
    {"Cast", 25, types::all},
    {"Celu", 12, one(DType::f32)},
    {"Compress", 11, without_bf16},
    {"DepthToSpace", 13, types::all},
    {"DequantizeLinear", 25, types::all},
    {"Einsum", 12, without_bf16},
    {"Mod", 13, types::ints},
    {"OneHot", 11, without_bf16},
    {"QuantizeLinear", 25, types::all},
    {"Range", 11, types::indices | one(DType::i16) | one(DType::f32) | one(DType::f64),
     "stash_type"},
    {"ReduceLogSum", 18, types::all},
    {"ReduceLogSumExp", 18, types::all},
    {"ReverseSequence", 10, without_bf16},
    {"SpaceToDepth", 13, types::all, "mode"},
    {"Unique", 11, without_bf16},
};

bool is_as_before(const Earlier& before, const Graph& graph, const Node& node) {
  if (!before.new_attr.empty() && node.attrs.contains(std::string(before.new_attr))) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](Value input) {
    return !input.valid() || (before.types & one(graph.type(input).dtype)) != 0;
  });
}

}  // namespace

int64_t first_opset(const Graph& graph, const Node& node) {
  // "ONNX Softmax-13"
  const OpDef* def = find_op(node.op);
  if (def == nullptr || !def->source.starts_with("ONNX ")) return 1;
  for (const Earlier& before : earlier) {
    if (before.op == node.op && is_as_before(before, graph, node)) return before.version;
  }
  const std::string_view number = def->source.substr(def->source.rfind('-') + 1);
  int64_t version = 1;
  std::from_chars(number.data(), number.data() + number.size(), version);
  return version;
}

int64_t ir_version_of(int64_t opset) {
  if (opset <= 22) return 10;
  if (opset <= 24) return opset - 12;
  return opset <= 27 ? 13 : 14;
}

std::optional<int64_t> newest_opset(std::string_view domain) {
  for (const Domain& known : domains) {
    if (known.name == domain) return known.newest;
  }
  return std::nullopt;
}

}  // namespace dlc::onnx
