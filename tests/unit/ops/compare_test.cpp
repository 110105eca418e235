// Tests of comparing outputs.
#include "compiler/ops/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dlc {
namespace {

Tensor floats(const std::vector<double>& values) {
  return Tensor::of(DType::f32, {static_cast<int64_t>(values.size())}, values);
}

TEST(Compare, EqualTensorsDoNotDiffer) {
  EXPECT_EQ(difference(floats({1, 2}), floats({1, 2}), {0, 0}), "");
}

TEST(Compare, TheFirstElementOutsideTheToleranceIsNamed) {
  const Tensor got = Tensor::of(DType::f32, {2, 2}, std::vector<double>{1, 2, 3.5, 5});
  const Tensor want = Tensor::of(DType::f32, {2, 2}, std::vector<double>{1, 2.001, 3, 4});
  const std::string text = difference(got, want, {1e-2, 0});
  EXPECT_NE(text.find("element [1,0] is 3.5, but 3 was expected"), std::string::npos) << text;
  EXPECT_NE(text.find("2 of 4 elements differ, by 1 at most"), std::string::npos) << text;
}

TEST(Compare, NanEqualsNanAndInfinitiesGoBySign) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(difference(floats({NAN, inf}), floats({NAN, inf}), {0, 0}), "");
  EXPECT_NE(difference(floats({inf}), floats({-inf}), {1, 1}), "");
  EXPECT_NE(difference(floats({1}), floats({NAN}), {1, 1}), "");
  EXPECT_NE(difference(floats({1}), floats({inf}), {1, 1}), "");
}

TEST(Compare, LargeIntegersAreComparedExactly) {
  const std::vector<int64_t> a = {(int64_t{1} << 62) + 1}, b = {int64_t{1} << 62};
  EXPECT_NE(difference(Tensor::ints(a), Tensor::ints(b), {0, 0}), "");
  EXPECT_EQ(difference(Tensor::ints(a), Tensor::ints(a), {0, 0}), "");
}

TEST(Compare, TypesAndShapesMustBeEqual) {
  EXPECT_NE(difference(floats({1}), Tensor::scalar(DType::f32, 1), {}), "");
  EXPECT_NE(difference(floats({1}), Tensor::of(DType::f64, {1}, std::vector<double>{1}), {}), "");
  EXPECT_EQ(difference(floats({1}), Datum(), {}), "it is a tensor, but nothing was expected");
}

TEST(Compare, SequencesDifferByTheirItems) {
  const Datum a = Datum::sequence({floats({1}), floats({2})});
  const Datum b = Datum::sequence({floats({1}), floats({3})});
  EXPECT_EQ(difference(a, a, {}), "");
  EXPECT_EQ(difference(a, b, {}).find("item 1: element [0] is 2"), 0u);
  EXPECT_EQ(difference(a, Datum::sequence({}), {}), "it has 2 items, but 0 were expected");
}

TEST(Compare, StringsMustBeEqual) {
  const Tensor a = Tensor::strings({2}, {"x", "y"}), b = Tensor::strings({2}, {"x", "z"});
  EXPECT_EQ(difference(a, a, {}), "");
  EXPECT_EQ(difference(a, b, {}),
            "element [1] is 'y', but 'z' was expected (1 of 2 elements differ)");
}

TEST(Compare, BothPartsOfAComplexNumberCount) {
  Tensor a = Tensor::allocate(DType::c64, {1}), b = Tensor::allocate(DType::c64, {1});
  static_cast<float*>(a.mutable_data())[1] = 1;
  EXPECT_NE(difference(a, b, {}), "");
  EXPECT_EQ(element_text(a, 0), "0+1i");
}

}  // namespace
}  // namespace dlc
