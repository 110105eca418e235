// Runs the upgrade rows, oldest first.
#include "frontends/onnx/upgrade.h"

#include <algorithm>

#include "frontends/onnx/upgrade_rows.h"

namespace dlc::onnx {
namespace {

bool has_op(const Upgrade& row, std::string_view op) {
  return row.ops.empty() || std::find(row.ops.begin(), row.ops.end(), op) != row.ops.end();
}

/// What once counted the inputs that a node may overwrite; without any meaning since opset 6.
const std::vector<Upgrade>& general_upgrades() {
  static const std::vector<Upgrade> rows = {
      {{}, 5, [](OnnxNode& node) { drop(node, "consumed_inputs"); }},
  };
  return rows;
}

}  // namespace

void upgrade(OnnxNode& node) {
  for (const auto* table :
       {&general_upgrades(), &input_upgrades(), &meaning_upgrades(), &resize_upgrades()}) {
    for (const Upgrade& row : *table) {
      if (node.opset <= row.up_to && has_op(row, node.op)) row.apply(node);
      if (!node.results.empty()) return;
    }
  }
  while (!node.inputs.empty() && !node.inputs.back().valid()) node.inputs.pop_back();
}

bool is_known_op(std::string_view op) {
  if (find_op(op)) return true;
  return op == "Upsample" || op == "Scatter";
}

}  // namespace dlc::onnx
