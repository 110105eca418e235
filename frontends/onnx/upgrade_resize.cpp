// Upgrades: Upsample and the forms of Resize.
#include <algorithm>

#include "frontends/onnx/upgrade_rows.h"

namespace dlc::onnx {
namespace {

Value scales_constant(OnnxNode& node, const Reals& scales) {
  return node.build.constant(Tensor::of(DType::f32, {static_cast<int64_t>(scales.size())}, scales));
}

void two_scales_to_attribute(OnnxNode& node) {
  const auto height = take<double>(node, "height_scale");
  const auto width = take<double>(node, "width_scale");
  if (!height || !width) fail("attribute height_scale or width_scale is missing");
  node.attrs.emplace("scales", Reals{1, 1, *height, *width});
}

void scales_to_input(OnnxNode& node) {
  const auto scales = take<Reals>(node, "scales");
  if (!scales) fail("attribute scales is missing");
  set_input(node, 1, scales_constant(node, *scales));
}

void upsample_to_resize(OnnxNode& node) {
  const std::string mode = take<std::string>(node, "mode").value_or("nearest");
  node.attrs.emplace("mode", mode == "bilinear" ? "linear" : mode);
  node.op = "Resize";
  node.opset = std::min<int64_t>(node.opset, 10);  // also where a newer opset has it as deprecated
}

/// Opset 10 put pixels at i / scale, and took the one before when enlarging, the one after when
/// shrinking. `nearest_mode` says one for all axes, so what does both is done in two steps.
void resize_without_shift(OnnxNode& node) {
  node.attrs.emplace("coordinate_transformation_mode", std::string("asymmetric"));
  const Value scales = need_input(node, 1);
  node.inputs = {need_input(node, 0), Value(), scales};
  const Tensor* known = node.graph().constant(scales);
  const Reals factors = known ? known->to_reals() : Reals();
  const bool shrinks = std::any_of(factors.begin(), factors.end(), [](double f) { return f < 1; });
  const bool enlarges = std::any_of(factors.begin(), factors.end(), [](double f) { return f > 1; });
  if (shrinks && enlarges) {
    Reals larger, smaller;
    for (double f : factors) {
      larger.push_back(std::max(f, 1.0));
      smaller.push_back(std::min(f, 1.0));
    }
    AttrMap attrs = node.attrs;
    attrs.emplace("nearest_mode", std::string("floor"));
    node.inputs[0] =
        node.build("Resize", {node.inputs[0], Value(), scales_constant(node, larger)}, attrs);
    node.inputs[2] = scales_constant(node, smaller);
  }
  node.attrs.emplace("nearest_mode", std::string(shrinks ? "ceil" : "floor"));
}

/// floor((i + 1/2) / scale) is the pixel at (i + 1/2) / scale - 1/2, rounded up where it is half
/// way.
void replace_tf_half_pixel(OnnxNode& node) {
  const auto mode = node.attrs.find("coordinate_transformation_mode");
  if (mode == node.attrs.end()) return;
  const auto* text = std::get_if<std::string>(&mode->second);
  if (!text || *text != "tf_half_pixel_for_nn") return;
  const auto rounding = node.attrs.find("nearest_mode");
  if (rounding == node.attrs.end() || !std::holds_alternative<std::string>(rounding->second) ||
      std::get<std::string>(rounding->second) != "floor")
    return;  // the row still has the mode
  node.attrs.erase(rounding);
  mode->second = std::string("half_pixel");
  node.attrs.emplace("nearest_mode", std::string("round_prefer_ceil"));
}

/// Opset 11 could not leave inputs out, and exporters still write empty ones.
void drop_empty_inputs(OnnxNode& node) {
  for (size_t k = 1; k < node.inputs.size(); ++k) {
    if (!node.has(k)) continue;
    const Type& type = node.type(k);
    if (type.is_tensor() && type.ranked && type.shape == Dims{0}) node.inputs[k] = Value();
  }
}

}  // namespace

const std::vector<Upgrade>& resize_upgrades() {
  static const std::vector<Upgrade> rows = {
      {{"Upsample"}, 6, two_scales_to_attribute}, {{"Upsample"}, 8, scales_to_input},
      {{"Upsample"}, 28, upsample_to_resize},     {{"Resize"}, 10, resize_without_shift},
      {{"Resize"}, 12, replace_tf_half_pixel},    {{"Resize"}, 28, drop_empty_inputs},
  };
  return rows;
}

}  // namespace dlc::onnx
