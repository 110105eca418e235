// Upgrades: ops that once meant something else with the same inputs.
#include <algorithm>

#include "frontends/onnx/upgrade_rows.h"

namespace dlc::onnx {
namespace {

/// Appends dimensions of 1 to an input, so that it stands at the right place for numpy's rules.
void append_ones(OnnxNode& node, size_t input, int64_t count) {
  if (count <= 0) return;
  const auto rank = static_cast<int64_t>(need_shape(node, input).size());
  Ints axes;
  for (int64_t k = 0; k < count; ++k) axes.push_back(rank + k);
  set_input(node, input,
            node.build("Unsqueeze", {node.inputs[input], node.build.ints(std::move(axes))}));
}

/// Before opset 7, B was broadcast if asked for, from `axis` of A on.
void broadcast_by_axis(OnnxNode& node) {
  const bool broadcast = take<int64_t>(node, "broadcast").value_or(0) != 0;
  const auto axis = take<int64_t>(node, "axis");
  if (!broadcast || !axis) return;
  const auto rank = static_cast<int64_t>(need_shape(node, 0).size());
  const auto inner = static_cast<int64_t>(need_shape(node, 1).size());
  const int64_t from = *axis < 0 ? *axis + rank : *axis;
  if (from < 0 || from + inner > rank) {
    fail("axis {} does not fit inputs of rank {} and {}", *axis, rank, inner);
  }
  append_ones(node, 1, rank - from - inner);
}

/// Before opset 7, a slope for each channel had rank 1.
void slope_per_channel(OnnxNode& node) {
  const Dims& slope = need_shape(node, 1);
  if (slope.size() != 1 || slope[0] == Dim(1)) return;
  append_ones(node, 1, static_cast<int64_t>(need_shape(node, 0).size()) - 2);
}

/// Before opset 13, everything from `axis` on was one row.
void softmax_of_rows(OnnxNode& node) {
  const Dims shape = need_shape(node, 0);
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t axis = take<int64_t>(node, "axis").value_or(1);
  if (axis < -rank || axis > rank) fail("axis {} is outside of rank {}", axis, rank);
  if (axis < 0) axis += rank;
  if (axis == rank - 1) {
    node.attrs.emplace("axis", int64_t{-1});
    return;
  }
  const Value rows = node.build("Flatten", {node.inputs[0]}, {{"axis", axis}});
  const Value result = node.build(node.op, {rows}, {{"axis", int64_t{-1}}});
  node.results = {node.build("Reshape", {result, node.build.sizes(shape)})};
}

/// Statistics for each element instead of each channel (spatial = 0): y = (x - mean) /
/// sqrt(var + epsilon) * scale + bias, where numpy's rules broadcast over the batch.
void normalize_elements(OnnxNode& node) {
  for (size_t k = 0; k < 5; ++k) need_input(node, k);
  if (node.outputs > 1) {
    fail_as(ErrorCode::unsupported, "training with spatial = 0 is not supported");
  }
  const auto& in = node.inputs;
  Builder& build = node.build;
  const double epsilon = take<double>(node, "epsilon").value_or(1e-5f);
  const Value eps = build.scalar(node.type(4).dtype, epsilon);
  const Value deviation = build("Sqrt", {build("Add", {in[4], eps})});
  const Value normal = build("Div", {build("Sub", {in[0], in[3]}), deviation});
  node.results = {build("Add", {build("Mul", {normal, in[1]}), in[2]})};
}

/// Training was asked for by having more outputs than one.
void batch_normalization_mode(OnnxNode& node) {
  drop(node, "is_test");
  const int64_t spatial = take<int64_t>(node, "spatial").value_or(1);
  if (spatial == 0) return normalize_elements(node);
  if (node.outputs > 3) {
    fail_as(ErrorCode::unsupported, "the outputs saved_mean and saved_var are not supported");
  }
  if (node.outputs > 1) node.attrs.emplace("training_mode", int64_t{1});
}

/// Before opset 21, scale and bias were given for groups of channels.
void per_channel(OnnxNode& node, size_t input, const Dim& channels, int64_t groups) {
  const Dims& shape = need_shape(node, input);
  if (shape.size() != 1 || shape[0] == channels) return;
  Builder& build = node.build;
  const Value column = build("Reshape", {node.inputs[input], build.ints({groups, 1})});
  const Dim each = floor_div(channels, Dim(groups));
  const Value table = build("Expand", {column, build.sizes({Dim(groups), each})});
  set_input(node, input, build("Reshape", {table, build.ints({-1})}));
}

void group_normalization_per_channel(OnnxNode& node) {
  const Dims shape = need_shape(node, 0);
  const auto found = node.attrs.find("num_groups");
  const auto* groups = found == node.attrs.end() ? nullptr : std::get_if<int64_t>(&found->second);
  if (!groups || *groups < 1 || shape.size() < 2) fail("X or num_groups is wrong");
  per_channel(node, 1, shape[1], *groups);
  per_channel(node, 2, shape[1], *groups);
}

}  // namespace

const std::vector<Upgrade>& meaning_upgrades() {
  static const std::vector<Upgrade> rows = {
      {{"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"},
       6,
       broadcast_by_axis},
      {{"Gemm"}, 6, [](OnnxNode& node) { drop(node, "broadcast"); }},
      {{"PRelu"}, 6, slope_per_channel},
      {{"Softmax", "LogSoftmax", "Hardmax"}, 12, softmax_of_rows},
      {{"BatchNormalization"}, 13, batch_normalization_mode},
      {{"GroupNormalization"}, 20, group_normalization_per_channel},
  };
  return rows;
}

}  // namespace dlc::onnx
