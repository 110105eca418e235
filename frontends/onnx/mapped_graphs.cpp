// The importer: SequenceMap and FlexAttention, which apply nested graphs.
// Next: control_flow.cpp.
#include "frontends/onnx/importer.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

using GraphAttr = std::shared_ptr<const Graph>;

void add_captures(OnnxNode& node, const std::vector<Value>& captures) {
  node.inputs.insert(node.inputs.end(), captures.begin(), captures.end());
  if (!captures.empty()) node.attrs.emplace("captures", static_cast<int64_t>(captures.size()));
}

}  // namespace

/// The body sees one element of each sequence, of whose sizes only those are known that all share.
void Importer::import_sequence_map(OnnxNode& node, const proto::NodeProto& from, Place place) {
  std::vector<Type> types;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (!node.has(k)) fail("input {} is missing", k);
    Type type = node.type(k);
    if (type.kind == Type::Kind::sequence) {
      type = Type(*type.element);
      for (Dim& dim : type.shape)
        if (!dim.is_number()) dim = symbols_.fresh_symbol("element");
    }
    types.push_back(std::move(type));
  }
  const Body body = import_body(graph_attr(from, "body", place), place, types, {}, {});
  node.attrs.insert_or_assign("body", GraphAttr(body.graph));
  add_captures(node, body.captures);
}

/// Both graphs get the same captures: first those of the one, then what the other adds.
void Importer::import_flex_attention(OnnxNode& node, const proto::NodeProto& from, Place place) {
  if (node.inputs.size() != 3 || !node.has(0) || !node.has(1) || !node.has(2))
    fail("FlexAttention has the inputs Q, K and V");
  const Type &q = node.type(0), &k = node.type(1);
  if (!q.is_tensor() || !k.is_tensor() || q.rank() != 4 || k.rank() != 4)
    fail("Q and K must have rank 4");
  DType precision = arithmetic_type(q.dtype);
  if (const auto given = node.attrs.find("softmax_precision"); given != node.attrs.end()) {
    const auto* number = std::get_if<int64_t>(&given->second);
    if (number == nullptr || *number <= 0 || *number >= dtype_count)
      fail("softmax_precision is no element type");
    precision = static_cast<DType>(*number);
  }
  const std::vector<Type> scores = {
      Type::tensor(precision, {q.shape[0], q.shape[1], q.shape[2], k.shape[2]})};
  std::vector<Value> captures;
  std::vector<std::shared_ptr<Graph>> graphs;
  for (const auto& attr : from.attribute()) {
    if (!attr.has_g() && attr.ref_attr_name().empty()) continue;
    if (attr.name() != "score_mod" && attr.name() != "prob_mod") continue;
    const Body body =
        import_body(graph_attr(from, attr.name(), place), place, scores, {}, captures);
    for (size_t c = captures.size(); c < body.captures.size(); ++c)
      for (const auto& earlier : graphs)
        earlier->add_input(place.scope.graph().type(body.captures[c]));
    captures = body.captures;
    graphs.push_back(body.graph);
    node.attrs.insert_or_assign(attr.name(), GraphAttr(body.graph));
  }
  add_captures(node, captures);
}

}  // namespace dlc::onnx
