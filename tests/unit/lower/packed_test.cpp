// Kernels over packed elements become kernels over bytes.
#include "compiler/lower/packed.h"

#include <gtest/gtest.h>

#include "compiler/expr/interpret.h"

namespace dlc {
namespace {

Tensor packed_tensor(DType type, const Shape& shape, const std::vector<double>& values) {
  return Tensor::of(type, shape, values);
}

/// The same memory as bytes.
Tensor as_bytes(const Tensor& tensor) {
  return Tensor::borrow(DType::u8, {tensor.bytes()}, tensor.data(), tensor.owner());
}

TEST(Packed, ATransposeMovesBitsBetweenBytes) {
  const Type type = Type::tensor(DType::i4, {3, 3});
  LoopKernel kernel;
  kernel.operands = {type};
  kernel.outputs = {tensor({3, 3}, [](const Indices& i) {
    return load(0, DType::i4, {i[1], i[0]});
  })};
  std::vector<Kernel> kernels = {kernel};
  use_bytes(kernels);
  const auto& changed = std::get<LoopKernel>(kernels[0]);
  EXPECT_EQ(to_string(changed.operands[0]), "u8[5]");
  EXPECT_EQ(to_string(changed.outputs[0].type()), "u8[5]");
  const Tensor x = packed_tensor(DType::i4, {3, 3}, {-8, -1, 0, 1, 7, 3, 2, -2, 5});
  const Tensor operands[] = {as_bytes(x)};
  const Tensor bytes = interpret(changed.outputs[0], operands);
  const Tensor y = Tensor::borrow(DType::i4, {3, 3}, bytes.data());
  EXPECT_EQ(y.to_ints(), (std::vector<int64_t>{-8, 1, 2, -1, 7, -2, 0, 3, 5}));
}

TEST(Packed, EveryF4RoundTripsThroughItsBits) {
  LoopKernel kernel;
  kernel.operands = {Type::tensor(DType::f4e2m1, {16})};
  kernel.outputs = {tensor({16}, [](const Indices& i) { return load(0, DType::f4e2m1, i); })};
  std::vector<Kernel> kernels = {kernel};
  use_bytes(kernels);
  Tensor x = Tensor::allocate(DType::f4e2m1, {16});
  for (int k = 0; k < 8; ++k)
    static_cast<uint8_t*>(x.mutable_data())[k] = static_cast<uint8_t>(2 * k | (2 * k + 1) << 4);
  const Tensor operands[] = {as_bytes(x)};
  const Tensor y = interpret(std::get<LoopKernel>(kernels[0]).outputs[0], operands);
  EXPECT_TRUE(identical(y, as_bytes(x)));
}

TEST(Packed, KernelsOnWholeBytesStayAsTheyAre) {
  LoopKernel kernel;
  kernel.operands = {Type::tensor(DType::f32, {2})};
  kernel.outputs = {tensor({2}, [](const Indices& i) { return load(0, DType::f32, i); })};
  std::vector<Kernel> kernels = {kernel};
  use_bytes(kernels);
  EXPECT_TRUE(same(std::get<LoopKernel>(kernels[0]).outputs[0].body, kernel.outputs[0].body));
}

}  // namespace
}  // namespace dlc
