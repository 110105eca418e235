// The three transforms of F(4x4, 3x3) with the points 0, 1, -1, 2, -2 and infinity.
#include "compiler/backends/llvm/winograd.h"

namespace dlc::llvm_backend::winograd {
namespace {

/// a * x + y
Value* scaled(Emitter& emit, double a, Value* x, Value* y) {
  auto& ir = emit.ir();
  return ir.CreateIntrinsic(llvm::Intrinsic::fmuladd, {x->getType()},
                            {llvm::ConstantFP::get(x->getType(), a), x, y});
}

}  // namespace

//  4  0 -5  0  1  0
//  0 -4 -4  1  1  0
//  0  4 -4 -1  1  0
//  0 -2 -1  2  1  0
//  0  2 -1 -2  1  0
//  0  4  0 -5  0  1
Inputs transform_input(Emitter& emit, const Inputs& d) {
  auto& ir = emit.ir();
  Value* even = scaled(emit, -4, d[2], d[4]);
  Value* odd = scaled(emit, -4, d[1], d[3]);
  Value* far_even = ir.CreateFSub(d[4], d[2]);
  Value* far_odd = ir.CreateFSub(d[3], d[1]);
  return {scaled(emit, 4, d[0], scaled(emit, -5, d[2], d[4])),
          ir.CreateFAdd(even, odd),
          ir.CreateFSub(even, odd),
          scaled(emit, 2, far_odd, far_even),
          scaled(emit, -2, far_odd, far_even),
          scaled(emit, 4, d[1], scaled(emit, -5, d[3], d[5]))};
}

//  1  1  1  1  1  0
//  0  1 -1  2 -2  0
//  0  1  1  4  4  0
//  0  1 -1  8 -8  1
Outputs transform_output(Emitter& emit, const Inputs& m) {
  auto& ir = emit.ir();
  Value* sum = ir.CreateFAdd(m[1], m[2]);
  Value* difference = ir.CreateFSub(m[1], m[2]);
  Value* far_sum = ir.CreateFAdd(m[3], m[4]);
  Value* far_difference = ir.CreateFSub(m[3], m[4]);
  return {ir.CreateFAdd(ir.CreateFAdd(m[0], sum), far_sum),
          scaled(emit, 2, far_difference, difference), scaled(emit, 4, far_sum, sum),
          ir.CreateFAdd(scaled(emit, 8, far_difference, difference), m[5])};
}

std::array<float, points> transform_weights(const float* g) {
  constexpr double matrix[inputs][3] = {{1.0 / 4, 0, 0},
                                        {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                        {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                        {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                        {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                        {0, 0, 1}};
  double half[inputs][3] = {};
  for (int64_t i = 0; i < inputs; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      for (int64_t k = 0; k < 3; ++k)
        half[i][j] += matrix[i][k] * static_cast<double>(g[k * 3 + j]);
    }
  }
  std::array<float, points> result{};
  for (int64_t i = 0; i < inputs; ++i) {
    for (int64_t j = 0; j < inputs; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 3; ++k) sum += half[i][k] * matrix[j][k];
      result[i * inputs + j] = static_cast<float>(sum);
    }
  }
  return result;
}

}  // namespace dlc::llvm_backend::winograd
