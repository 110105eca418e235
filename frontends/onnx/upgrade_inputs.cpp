// Upgrades: attributes that became inputs, and other changes of form alone.
#include <array>
#include <limits>
#include <numeric>

#include "frontends/onnx/upgrade_rows.h"

namespace dlc::onnx {
namespace {

void axes_to_input(OnnxNode& node) {
  if (auto axes = take<Ints>(node, "axes")) set_input(node, 1, node.build.ints(std::move(*axes)));
}

void slice_to_inputs(OnnxNode& node) {
  auto starts = take<Ints>(node, "starts");
  auto ends = take<Ints>(node, "ends");
  if (!starts || !ends) fail("attribute starts or ends is missing");
  set_input(node, 1, node.build.ints(std::move(*starts)));
  set_input(node, 2, node.build.ints(std::move(*ends)));
  if (auto axes = take<Ints>(node, "axes")) set_input(node, 3, node.build.ints(std::move(*axes)));
}

/// Opsets 6 to 10 have the largest floats as default bounds: infinities are clipped, too.
void clip_to_inputs(OnnxNode& node) {
  constexpr double largest = std::numeric_limits<float>::max();
  std::optional<double> low = take<double>(node, "min");
  std::optional<double> high = take<double>(node, "max");
  if (node.opset >= 6) {
    low = low.value_or(-largest);
    high = high.value_or(largest);
  }
  const DType dtype = node.build.type(need_input(node, 0)).dtype;
  if (low) set_input(node, 1, node.build.scalar(dtype, *low));
  if (high) set_input(node, 2, node.build.scalar(dtype, *high));
}

void rename_paddings(OnnxNode& node) {
  if (auto pads = take<Ints>(node, "paddings")) node.attrs.emplace("pads", std::move(*pads));
}

void pad_to_inputs(OnnxNode& node) {
  auto pads = take<Ints>(node, "pads");
  if (!pads) fail("attribute pads is missing");
  const double value = take<double>(node, "value").value_or(0);
  const DType dtype = node.build.type(need_input(node, 0)).dtype;
  set_input(node, 1, node.build.ints(std::move(*pads)));
  set_input(node, 2, node.build.scalar(dtype, value));
}

void split_to_input(OnnxNode& node) {
  if (auto split = take<Ints>(node, "split"))
    set_input(node, 1, node.build.ints(std::move(*split)));
}

/// Equal parts are asked for by their number since opset 18.
void count_split_outputs(OnnxNode& node) {
  if (!node.has(1)) node.attrs.emplace("num_outputs", static_cast<int64_t>(node.outputs));
}

/// Models in files are for inference: nothing is dropped, whatever the old `is_test` says. The mask
/// had the type of the data before opset 10.
void simplify_dropout(OnnxNode& node) {
  drop(node, "ratio");
  drop(node, "is_test");
  if (node.opset >= 10 || node.outputs < 2) return;
  const auto dtype = static_cast<int64_t>(node.build.type(need_input(node, 0)).dtype);
  node.results = node.build.node("Dropout", {node.inputs[0]}, {}, 2);
  node.results[1] = node.build("Cast", {node.results[1]}, {{"to", dtype}});
}

void top_k_to_input(OnnxNode& node) {
  const auto k = take<int64_t>(node, "k");
  if (!k) fail("attribute k is missing");
  set_input(node, 1, node.build.ints({*k}));
}

void reshape_to_input(OnnxNode& node) {
  auto shape = take<Ints>(node, "shape");
  if (!shape) fail("attribute shape is missing");
  set_input(node, 1, node.build.ints(std::move(*shape)));
}

void dft_axis_to_input(OnnxNode& node) {
  const int64_t axis = take<int64_t>(node, "axis").value_or(1);
  set_input(node, 2, node.build.constant(Tensor::ints(std::array{axis}).reshaped({})));
}

int64_t constant_number(OnnxNode& node, size_t index, const char* name) {
  const Value value = need_input(node, index);
  const Tensor* constant = node.graph().constant(value);
  if (!constant) {
    throw NeedsValue(
        fmt::format("the value of input {} must be known when the model is compiled", name), value);
  }
  if (constant->size() != 1) fail("input {} must have one element", name);
  return constant->to_ints()[0];
}

/// Once one axis and how often; now how often for each axis.
void tile_to_repeats(OnnxNode& node) {
  const auto rank = static_cast<int64_t>(need_shape(node, 0).size());
  const int64_t tiles = constant_number(node, 1, "tiles");
  const int64_t axis = OpArgs::normalize_axis(constant_number(node, 2, "axis"), rank);
  Ints repeats(static_cast<size_t>(rank), 1);
  repeats[static_cast<size_t>(axis)] = tiles;
  node.inputs = {node.inputs[0], node.build.ints(std::move(repeats))};
}

struct TypeName {
  std::string_view name;
  DType dtype;
};
constexpr TypeName type_names[] = {
    {"FLOAT", DType::f32},   {"UINT8", DType::u8},      {"INT8", DType::i8},
    {"UINT16", DType::u16},  {"INT16", DType::i16},     {"INT32", DType::i32},
    {"INT64", DType::i64},   {"STRING", DType::string}, {"BOOL", DType::boolean},
    {"FLOAT16", DType::f16}, {"DOUBLE", DType::f64},    {"UINT32", DType::u32},
    {"UINT64", DType::u64},  {"COMPLEX64", DType::c64}, {"COMPLEX128", DType::c128},
};

void cast_by_number(OnnxNode& node) {
  const auto to = node.attrs.find("to");
  if (to == node.attrs.end()) fail("attribute to is missing");
  const auto* text = std::get_if<std::string>(&to->second);
  if (!text) return;  // exporters were ahead of the text
  for (const TypeName& type : type_names) {
    if (type.name != *text) continue;
    to->second = static_cast<int64_t>(type.dtype);
    return;
  }
  fail("there is no element type {}", *text);
}

template <int64_t value>
void default_axis(OnnxNode& node) {
  node.attrs.emplace("axis", value);
}

void round_p(OnnxNode& node) {
  const auto p = take<double>(node, "p");
  if (!p) return;
  if (*p < 1 || *p > 1e6 || *p != static_cast<double>(static_cast<int64_t>(*p))) {
    fail_as(ErrorCode::unsupported, "only whole powers are supported, not p = {}", *p);
  }
  node.attrs.emplace("p", static_cast<int64_t>(*p));
}

void rename_grid_sample_modes(OnnxNode& node) {
  const auto mode = take<std::string>(node, "mode");
  if (!mode) return;
  const std::string today = *mode == "bilinear" ? "linear" : *mode == "bicubic" ? "cubic" : *mode;
  node.attrs.emplace("mode", today);
}

/// Before opset 16 boxes were not shifted by half a pixel.
void roi_align_without_half_pixel(OnnxNode& node) {
  node.attrs.emplace("coordinate_transformation_mode", std::string("output_half_pixel"));
}

void first_selu_constants(OnnxNode& node) {
  node.attrs.emplace("alpha", static_cast<double>(1.6732f));
  node.attrs.emplace("gamma", static_cast<double>(1.0507f));
}

/// Once one list, of the string for each number from 0.
void label_lists(OnnxNode& node) {
  auto classes = take<Strings>(node, "classes_strings");
  if (!classes) return;
  Ints numbers(classes->size());
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  const bool of_strings = node.build.type(need_input(node, 0)).dtype == DType::string;
  node.attrs.emplace(of_strings ? "keys_strings" : "values_strings", std::move(*classes));
  node.attrs.emplace(of_strings ? "values_int64s" : "keys_int64s", std::move(numbers));
}

}  // namespace

const std::vector<Upgrade>& input_upgrades() {
  static const std::vector<Upgrade> rows = {
      {{"Pad"}, 1, rename_paddings},
      {{"ai.onnx.ml.LabelEncoder"}, 1, label_lists},
      {{"LpPool", "GlobalLpPool"}, 1, round_p},
      {{"Concat"}, 3, default_axis<1>},
      {{"Reshape"}, 4, reshape_to_input},
      {{"Tile"}, 5, tile_to_repeats},
      {{"Cast"}, 5, cast_by_number},
      {{"Selu"}, 5, first_selu_constants},
      {{"RNN", "GRU", "LSTM"}, 6, [](OnnxNode& node) { drop(node, "output_sequence"); }},
      {{"Slice"}, 9, slice_to_inputs},
      {{"TopK"}, 9, top_k_to_input},
      {{"Clip"}, 10, clip_to_inputs},
      {{"Pad"}, 10, pad_to_inputs},
      {{"Dropout"}, 11, simplify_dropout},
      {{"Squeeze", "Unsqueeze", "ReduceSum"}, 12, axes_to_input},
      {{"Split"}, 12, split_to_input},
      {{"RoiAlign"}, 15, roi_align_without_half_pixel},
      {{"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
        "ReduceMin", "ReduceProd", "ReduceSumSquare"},
       17,
       axes_to_input},
      {{"Split"}, 17, count_split_outputs},
      {{"DFT"}, 19, dft_axis_to_input},
      {{"GridSample"}, 19, rename_grid_sample_modes},
      {{"Scatter"}, 28, [](OnnxNode& node) { node.op = "ScatterElements"; }},
  };
  return rows;
}

}  // namespace dlc::onnx
