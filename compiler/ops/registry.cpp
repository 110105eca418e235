// Joins the tables of op rows into one, sorted by name.
#include "compiler/ops/registry.h"

#include <algorithm>
#include <cassert>
#include <deque>

namespace dlc {
namespace {

std::vector<const OpDef*> join_tables() {
  std::vector<const OpDef*> rows;
  for (const std::vector<OpDef>* table : {
           &structural_ops(),
           &shape_ops(),
           &movement_ops(),
           &index_ops(),
           &conv_ops(),
           &pool_ops(),
           &resize_ops(),
           &image_ops(),
           &rnn_ops(),
           &control_flow_ops(),
           &arithmetic_ops(),
           &math_ops(),
           &activation_ops(),
           &logic_ops(),
           &cast_ops(),
           &reduce_ops(),
           &normalization_ops(),
           &loss_ops(),
           &matmul_ops(),
           &einsum_ops(),
           &quantization_ops(),
           &attention_ops(),
           &host_ops(),
           &sequence_ops(),
           &string_ops(),
           &signal_ops(),
           &random_ops(),
           &flex_attention_ops(),
           &sequence_map_ops(),
           &linear_attention_ops(),
           &optimizer_ops(),
           &ml_feature_ops(),
           &ml_label_ops(),
           &ml_linear_ops(),
           &ml_tree_ops(),
           &image_file_ops(),
           &contrib_attention_ops(),
           &contrib_group_query_ops(),
           &contrib_fused_ops(),
           &contrib_quantized_ops(),
       }) {
    for (const OpDef& row : *table) rows.push_back(&row);
  }
  const auto by_name = [](const OpDef* a, const OpDef* b) { return a->name < b->name; };
  std::sort(rows.begin(), rows.end(), by_name);
  assert(std::adjacent_find(rows.begin(), rows.end(),
                            [](const OpDef* a, const OpDef* b) { return a->name == b->name; }) ==
             rows.end() &&
         "an op has two rows");
  return rows;
}

std::vector<const OpDef*>& table() {
  static std::vector<const OpDef*> rows = join_tables();
  return rows;
}

}  // namespace

std::span<const OpDef* const> all_ops() { return table(); }

void register_op(OpDef row) {
  static std::deque<OpDef> own;
  own.push_back(std::move(row));
  const auto by_name = [](const OpDef* a, const OpDef* b) { return a->name < b->name; };
  const auto place = std::lower_bound(table().begin(), table().end(), &own.back(), by_name);
  assert((place == table().end() || (*place)->name != own.back().name) && "an op has two rows");
  table().insert(place, &own.back());
}

const OpDef* find_op(std::string_view name) {
  const auto rows = all_ops();
  const auto found = std::lower_bound(
      rows.begin(), rows.end(), name,
      [](const OpDef* row, std::string_view wanted) { return row->name < wanted; });
  return found != rows.end() && (*found)->name == name ? *found : nullptr;
}

const OpDef& op(std::string_view name) {
  if (const OpDef* row = find_op(name)) return *row;
  fail_as(ErrorCode::unsupported, "op {} is not supported; `dlc ops` lists what is", name);
}

}  // namespace dlc
