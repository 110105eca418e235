// Winograd's minimal filtering F(4x4, 3x3): 3x3 convolutions with a quarter of the multiplications.
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
// Next: winograd.cpp (the kernel), winograd_transform.cpp (the transforms).
#pragma once

#include <array>

#include "compiler/backends/llvm/emit.h"
#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {

namespace winograd {
constexpr int64_t outputs = 4;               ///< of a tile, along each axis
constexpr int64_t inputs = outputs + 3 - 1;  ///< of a tile, along each axis
constexpr int64_t points = inputs * inputs;  ///< products of a tile

using Inputs = std::array<Value*, inputs>;
using Outputs = std::array<Value*, outputs>;
/// B^T d: along one axis of a tile of input.
Inputs transform_input(Emitter& emit, const Inputs& d);
/// A^T m: along one axis of a tile of products.
Outputs transform_output(Emitter& emit, const Inputs& m);
/// G g G^T of one kernel of 3 x 3, row-major; computed in double.
std::array<float, points> transform_weights(const float* g);
}  // namespace winograd

/// The condition that does not hold for a convolution that cannot be, or is not worth being,
/// computed so: 3x3, dense, constant weights, enough channels and pixels. Empty: they all do. Its
/// results then differ from exact ones by up to 6e-5 of the output's root mean square, where direct
/// sums differ by up to 1e-5 (measured, normal inputs).
std::string_view winograd_obstacle(const ConvolutionKernel& kernel, const TargetInfo& target);

}  // namespace dlc::llvm_backend
