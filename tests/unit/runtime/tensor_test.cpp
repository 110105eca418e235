// Tensors and attributes.
#include "runtime/tensor.h"

#include <gtest/gtest.h>

#include "runtime/attributes.h"
#include "runtime/error.h"

namespace dlc {
namespace {

ErrorCode code_of(const Shape& shape) {
  try {
    Tensor::allocate(DType::f64, shape);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "must throw";
  return ErrorCode::failed;
}

TEST(Tensor, FreshMemoryIsAlignedAndZero) {
  const Tensor tensor = Tensor::allocate(DType::f32, {3, 5});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
  EXPECT_EQ(tensor.to_reals(), std::vector<double>(15, 0.0));
  EXPECT_EQ(tensor.bytes(), 60);
}

TEST(Tensor, ImpossibleShapesAreErrorsNotCrashes) {
  EXPECT_EQ(code_of({int64_t{1} << 40, int64_t{1} << 40}), ErrorCode::limit);
  EXPECT_EQ(code_of({int64_t{1} << 62}), ErrorCode::limit);
  EXPECT_EQ(code_of({1'000'000'000'000}), ErrorCode::limit);
  EXPECT_EQ(code_of({2, -1}), ErrorCode::invalid);
}

TEST(Tensor, AZeroDimensionMakesAnEmptyTensor) {
  EXPECT_EQ(element_count(Shape{int64_t{1} << 62, int64_t{1} << 62, 0}), 0);
  const Tensor tensor = Tensor::allocate(DType::i64, {4, 0});
  EXPECT_EQ(tensor.size(), 0);
  EXPECT_TRUE(identical(tensor, tensor.clone()));
}

TEST(Tensor, CopiesShareMemoryAndClonesDoNot) {
  Tensor a = Tensor::ints(std::vector<int64_t>{1, 2, 3});
  const Tensor shared = a, own = a.clone();
  a.as_mutable<int64_t>()[0] = 9;
  EXPECT_EQ(shared.to_ints(), (std::vector<int64_t>{9, 2, 3}));
  EXPECT_EQ(own.to_ints(), (std::vector<int64_t>{1, 2, 3}));
}

TEST(Tensor, BorrowedMemoryKeepsItsOwner) {
  auto owner = std::make_shared<std::vector<float>>(4, 2.5f);
  std::weak_ptr<std::vector<float>> watch = owner;
  const float* data = owner->data();
  Tensor tensor = Tensor::borrow(DType::f32, {4}, data, std::move(owner));
  const Tensor view = tensor.reshaped({2, 2});
  tensor = {};
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(view.to_reals(), std::vector<double>(4, 2.5));
}

TEST(Tensor, IdenticalIgnoresTheUnusedBitsOfTheLastByte) {
  const uint8_t left[] = {0x21, 0xf3}, right[] = {0x21, 0x03}, other[] = {0x21, 0xf2};
  const Tensor a = Tensor::borrow(DType::u4, {3}, left);
  EXPECT_TRUE(identical(a, Tensor::borrow(DType::u4, {3}, right)));
  EXPECT_FALSE(identical(a, Tensor::borrow(DType::u4, {3}, other)));
  EXPECT_FALSE(identical(a, Tensor::borrow(DType::i4, {3}, left)));
}

TEST(Tensor, StringsAreObjectsInTheTensor) {
  const Tensor tensor = Tensor::strings({2}, {"a", "a longer string than fits inside"});
  const Tensor copy = tensor.clone();
  EXPECT_TRUE(identical(tensor, copy));
  EXPECT_EQ(copy.as<std::string>()[1], "a longer string than fits inside");
  EXPECT_FALSE(identical(tensor, Tensor::strings({2}, {"a", "b"})));
}

TEST(Tensor, ShapesPrintWithCrosses) {
  EXPECT_EQ(to_string(Shape{2, 3}), "2x3");
  EXPECT_EQ(to_string(Shape{}), "scalar");
}

TEST(Attributes, WithoutAValueIsNotHaving) {
  Attributes attrs;
  attrs.set("axis", int64_t{-1});
  attrs.set("split", std::monostate());
  EXPECT_TRUE(attrs.has("axis"));
  EXPECT_FALSE(attrs.has("split"));
  EXPECT_FALSE(attrs.has("other"));
  EXPECT_EQ(attrs.integer("axis"), -1);
}

TEST(Attributes, OneThatIsMissingOrOfAnotherKindIsAnError) {
  Attributes attrs;
  EXPECT_THROW(attrs.text("pixel_format"), Error);
  attrs.set("pixel_format", int64_t{1});
  EXPECT_THROW(attrs.text("pixel_format"), Error);
}

}  // namespace
}  // namespace dlc
