// Host kernels that pick elements, and object detection.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/error.h"
#include "runtime/host/detection.h"
#include "runtime/host/keys.h"
#include "runtime/host/selection.h"
#include "runtime/host/strings.h"

namespace dlc::host {
namespace {

using Reals = std::vector<double>;
const double nan = std::nan("");
const double infinity = std::numeric_limits<double>::infinity();

Tensor of(DType dtype, Shape shape, Reals values) {
  return Tensor::of(dtype, std::move(shape), values);
}
Tensor f32(Shape shape, Reals values) { return of(DType::f32, std::move(shape), values); }
Datum number(int64_t value) { return Tensor::ints(std::vector<int64_t>{value}); }

std::vector<Datum> call(HostFunction function, std::vector<Datum> inputs,
                        std::map<std::string, int64_t> attributes, size_t outputs) {
  Attributes attrs;
  for (const auto& [name, value] : attributes) attrs.set(name, value);
  std::vector<Datum> results(outputs);
  function({inputs, results, attrs});
  return results;
}

TEST(OrderKeys, CompareAsTheElementsDo) {
  for (DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    const std::vector<int64_t> keys =
        order_keys(of(dtype, {8}, {-infinity, -2, -0.5, -0.0, 0, 1, infinity, nan}));
    for (size_t i = 1; i < keys.size(); ++i) {
      if (i == 4) {
        EXPECT_EQ(keys[3], keys[4]);
      } else {
        EXPECT_LT(keys[i - 1], keys[i]) << name(dtype) << i;
      }
    }
  }
  const uint64_t big[] = {0, 1, uint64_t{1} << 63, ~uint64_t{0}};
  const std::vector<int64_t> keys = order_keys(Tensor::borrow(DType::u64, {4}, big));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(order_keys(Tensor::strings({3}, {"b", "a", "b"})), (std::vector<int64_t>{1, 0, 1}));
}

TEST(CastStrings, KeepsNoMemoryOfItsInput) {
  const Tensor x = Tensor::strings({2}, {"a", "b"});
  const std::vector<Datum> results =
      call(cast_strings, {x}, {{"to", static_cast<int64_t>(DType::string)}}, 1);
  EXPECT_TRUE(identical(results[0].tensor, x));
  EXPECT_NE(results[0].tensor.data(), x.data());
}

TEST(TopK, GivesTheLargestAndBreaksTiesByPosition) {
  const auto out = call(top_k, {f32({2, 4}, {1, 3, 3, 2, -1, nan, -5, 0}), number(3)},
                        {{"axis", -1}, {"largest", 1}, {"sorted", 1}}, 2);
  EXPECT_EQ(out[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(out[1].tensor.to_ints(), (std::vector<int64_t>{1, 2, 3, 1, 3, 0}));
  EXPECT_TRUE(std::isnan(out[0].tensor.to_reals()[3]));
}

TEST(TopK, WorksAlongAnyAxisInEitherDirection) {
  const auto out = call(top_k, {of(DType::i32, {3, 2}, {5, 1, 4, 9, 4, 8}), number(2)},
                        {{"axis", 0}, {"largest", 0}, {"sorted", 1}}, 2);
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{4, 1, 4, 8}));
  EXPECT_EQ(out[1].tensor.to_ints(), (std::vector<int64_t>{1, 0, 2, 2}));
}

TEST(TopK, KFromNothingToEverything) {
  const std::map<std::string, int64_t> attrs = {{"axis", 0}, {"largest", 1}, {"sorted", 0}};
  EXPECT_EQ(call(top_k, {f32({2}, {1, 2}), number(0)}, attrs, 2)[0].tensor.size(), 0);
  EXPECT_EQ(call(top_k, {f32({2}, {1, 2}), number(2)}, attrs, 1)[0].tensor.to_reals(),
            (Reals{2, 1}));
  EXPECT_THROW(call(top_k, {f32({2}, {1, 2}), number(3)}, attrs, 2), Error);
  EXPECT_THROW(call(top_k, {f32({2}, {1, 2}), number(-1)}, attrs, 2), Error);
}

TEST(NonZero, GivesOneColumnPerElement) {
  auto out = call(non_zero, {f32({2, 3}, {1, 0, -0.0, 0, nan, 2})}, {}, 1);
  EXPECT_EQ(out[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(out[0].tensor.to_ints(), (std::vector<int64_t>{0, 1, 1, 0, 1, 2}));
  out = call(non_zero, {Tensor::scalar(DType::boolean, 1)}, {}, 1);
  EXPECT_EQ(out[0].tensor.shape(), (Shape{0, 1}));
  out = call(non_zero, {Tensor::strings({3}, {"", "x", ""})}, {}, 1);
  EXPECT_EQ(out[0].tensor.to_ints(), (std::vector<int64_t>{1}));
}

TEST(Compress, TakesSlicesOrElements) {
  const Tensor x = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor second = of(DType::boolean, {2}, {0, 1});
  auto out = call(compress, {x, second}, {{"axis", 0}}, 1);
  EXPECT_EQ(out[0].tensor.shape(), (Shape{1, 2}));
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{3, 4}));
  EXPECT_EQ(call(compress, {x, second}, {{"axis", -1}}, 1)[0].tensor.to_reals(), (Reals{2, 4, 6}));
  out = call(compress, {x, of(DType::boolean, {5}, {0, 1, 0, 0, 1})}, {}, 1);
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{2, 5}));
  EXPECT_THROW(call(compress, {x, of(DType::boolean, {4}, {0, 0, 0, 1})}, {{"axis", 0}}, 1), Error);
}

TEST(Unique, SortsOrKeepsTheOrderOfAppearance) {
  const Tensor x = f32({6}, {2, 1, 1, 3, 4, 3});
  auto out = call(unique, {x}, {{"sorted", 1}}, 4);
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{1, 2, 3, 4}));
  EXPECT_EQ(out[1].tensor.to_ints(), (std::vector<int64_t>{1, 0, 3, 4}));
  EXPECT_EQ(out[2].tensor.to_ints(), (std::vector<int64_t>{1, 0, 0, 2, 3, 2}));
  EXPECT_EQ(out[3].tensor.to_ints(), (std::vector<int64_t>{2, 1, 2, 1}));
  out = call(unique, {x}, {{"sorted", 0}}, 4);
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{2, 1, 3, 4}));
  EXPECT_EQ(out[1].tensor.to_ints(), (std::vector<int64_t>{0, 1, 3, 4}));
  EXPECT_EQ(out[2].tensor.to_ints(), (std::vector<int64_t>{0, 1, 1, 2, 3, 2}));
}

TEST(Unique, ComparesSlicesAlongAnAxis) {
  const Tensor x = f32({2, 4}, {1, 0, 1, 0, 2, 5, 2, 4});
  const auto out = call(unique, {x}, {{"axis", -1}, {"sorted", 1}}, 4);
  EXPECT_EQ(out[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(out[0].tensor.to_reals(), (Reals{0, 0, 1, 4, 5, 2}));
  EXPECT_EQ(out[2].tensor.to_ints(), (std::vector<int64_t>{2, 1, 2, 0}));
}

TEST(Unique, OfNothingAndOfNan) {
  EXPECT_EQ(call(unique, {f32({0, 3}, {})}, {{"sorted", 1}}, 4)[0].tensor.shape(), (Shape{0}));
  // Slices without elements are all equal.
  const auto empty = call(unique, {f32({3, 0}, {})}, {{"axis", 0}, {"sorted", 1}}, 4);
  EXPECT_EQ(empty[3].tensor.to_ints(), (std::vector<int64_t>{3}));
  EXPECT_EQ(call(unique, {f32({3}, {nan, 1, nan})}, {{"sorted", 1}}, 1)[0].tensor.size(), 2);
}

const Reals boxes = {0, 0,  1, 1,  0, 0.1,  1, 1.1,  0, -0.1, 1, 0.9,
                     0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100,  1, 101};

std::vector<int64_t> suppress(const Tensor& b, const Reals& scores, int64_t most, double iou,
                              std::optional<double> least, int64_t center = 0) {
  std::vector<Datum> inputs = {b, f32({1, 1, static_cast<int64_t>(scores.size())}, scores),
                               number(most), f32({1}, {iou})};
  if (least) inputs.emplace_back(f32({1}, {*least}));
  const auto out = call(non_max_suppression, inputs, {{"center_point_box", center}}, 1);
  std::vector<int64_t> chosen;
  const std::vector<int64_t> rows = out[0].tensor.to_ints();
  for (size_t i = 2; i < rows.size(); i += 3) chosen.push_back(rows[i]);
  return chosen;
}

using Chosen = std::vector<int64_t>;

TEST(NonMaxSuppression, DropsWhatOverlapsABetterBox) {
  const Tensor b = f32({1, 6, 4}, boxes);
  const Reals scores = {0.9, 0.75, 0.6, 0.95, 0.5, 0.3};
  EXPECT_EQ(suppress(b, scores, 3, 0.5, 0.0), (Chosen{3, 0, 5}));
  EXPECT_EQ(suppress(b, scores, 2, 0.5, 0.0), (Chosen{3, 0}));
  EXPECT_EQ(suppress(b, scores, 10, 0.5, 0.4), (Chosen{3, 0}));
  EXPECT_EQ(suppress(b, scores, 10, 1.0, {}), (Chosen{3, 0, 1, 2, 4, 5}));
  EXPECT_EQ(suppress(b, scores, 0, 0.5, 0.0), (Chosen{}));
}

TEST(NonMaxSuppression, CornersComeInAnyOrderAndTiesGoByNumber) {
  const Tensor flipped = f32({1, 3, 4}, {1, 1, 0, 0, 0, 1.1, 1, 0.1, 0, 10, 1, 11});
  EXPECT_EQ(suppress(flipped, {0.5, 0.5, 0.5}, 5, 0.5, {}), (Chosen{0, 2}));
}

TEST(NonMaxSuppression, TakesCentersAndSizesToo) {
  const Tensor centers = f32({1, 3, 4}, {0.5, 0.5, 1, 1, 0.5, 0.6, 1, 1, 10.5, 0.5, 1, 1});
  EXPECT_EQ(suppress(centers, {0.5, 0.9, 0.1}, 5, 0.5, {}, 1), (Chosen{1, 2}));
}

TEST(NonMaxSuppression, CountsPerBatchAndClass) {
  const Tensor b = f32({2, 1, 4}, {0, 0, 1, 1, 0, 0, 1, 1});
  const Tensor scores = f32({2, 2, 1}, {1, 2, 3, 4});
  const auto out = call(non_max_suppression, {b, scores, number(5)}, {{"center_point_box", 0}}, 1);
  EXPECT_EQ(out[0].tensor.to_ints(), (Chosen{0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0}));
  EXPECT_THROW(
      call(non_max_suppression, {b, f32({1, 1, 1}, {1}), number(5)}, {{"center_point_box", 0}}, 1),
      Error);
}

TEST(NonMaxSuppression, NanScoresDoNoHarm) {
  const Tensor b = f32({1, 6, 4}, boxes);
  EXPECT_EQ(suppress(b, {nan, 0.75, nan, 0.95, 0.5, 0.3}, 6, 0.5, 0.0), (Chosen{3, 1, 5}));
  EXPECT_EQ(suppress(b, {nan, 0.75, nan, 0.95, 0.5, 0.3}, 2, 0.5, {}), (Chosen{3, 1}));
}

}  // namespace
}  // namespace dlc::host
