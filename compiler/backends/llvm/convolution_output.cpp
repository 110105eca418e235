// Epilogues of convolutions: see convolution_output.h.
#include "compiler/backends/llvm/convolution_output.h"

#include <array>

#include "compiler/expr/interpret.h"
#include "compiler/lower/formulas.h"

namespace dlc::llvm_backend {

Expr with_flat_operands(const Expr& e, const ConvolutionKernel& kernel, const Ranges& ranges) {
  const Expr loads = rewrite(e, [&](const Expr& node) {
    if (node->kind != ExprKind::load || node->flat || node->input < 0) return Expr();
    return load_flat(node->input, node->dtype,
                     flatten_index(node->args, kernel.operands[node->input].shape));
  });
  return simplify(loads, ranges);
}

ConstantWeights::ConstantWeights(const ConvolutionKernel& kernel)
    : w_(kernel.w), operands_(kernel.operands.size()) {
  if (w_.body->kind != ExprKind::load || !kernel.constants[w_.body->input]) return;
  const int operand = w_.body->input;
  if (!loads(kernel.x.body, operand) && !loads(kernel.output.body, operand)) operand_ = operand;
}

Packing ConstantWeights::packing(std::function<Tensor(const float* w)> pack) const {
  Ranges ranges;
  Indices own;
  for (const Axis& axis : w_.axes) {
    ranges[axis.variable] = axis.extent;
    own.push_back(variable(axis.variable));
  }
  const Expr in_order = simplify(flatten_index(own, w_.shape()), ranges);
  const bool as_stored = w_.body->flat && same(in_order, w_.body->args[0]);
  return {operand_, [=, w = w_, operands = operands_, operand = operand_](const Tensor& constant) {
            if (as_stored) return pack(constant.as<float>().data());
            std::vector<Tensor> values(operands);
            values[operand] = constant;
            return pack(interpret(w, values).as<float>().data());
          }};
}

ConvolutionOutput::ConvolutionOutput(const ConvolutionKernel& kernel)
    : number_(static_cast<int>(kernel.operands.size())) {
  const Dims y = kernel.output.shape();
  const int64_t groups = kernel.parameters.group;
  const int64_t all_maps = kernel.w.shape()[0].number(), maps = all_maps / groups;
  const Dims spatial(y.begin() + (kernel.row_major ? 2 : 1), y.end() - (kernel.row_major ? 0 : 1));
  const Dim pixels = product(spatial);
  const Expr map = variable(group) * static_cast<double>(maps) + variable(channel);
  Indices at = {variable(image)};
  if (kernel.row_major) at.push_back(map);
  for (const Expr& e : unflatten_index(variable(pixel), spatial)) at.push_back(e);
  if (!kernel.row_major) at.push_back(map);
  const Ranges ranges = {{image, y[0]}, {pixel, pixels}, {group, groups}, {channel, maps}};
  value_ = with_flat_operands(kernel.output.at(at), kernel, ranges);
  const Expr place =
      kernel.row_major
          ? flatten_index({variable(image), map, variable(pixel)}, {y[0], all_maps, pixels})
          : flatten_index({variable(image), variable(pixel), map}, {y[0], pixels, all_maps});
  offset_ = linear(simplify(place, ranges));
}

void ConvolutionOutput::store(Emitter& emit) const {
  emit.store(number_, offset_, emit.emit_lanes(value_));
}

std::vector<InPlace> ConvolutionOutput::write_in_place(Emitter& emit,
                                                       const ConvolutionKernel& kernel) const {
  return overwrite_operands(emit, kernel, std::span(&value_, 1), offset_,
                            std::array{kernel.x.body, kernel.w.body});
}

}  // namespace dlc::llvm_backend
