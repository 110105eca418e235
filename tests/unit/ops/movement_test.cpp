// Ops that shape, move and index: symbolic sizes, negative steps, borders, duplicate indices.
// Expected values come from NumPy.
#include <gtest/gtest.h>

#include "tests/support/one_node.h"

namespace dlc {
namespace {

using test::inferred;
using test::wrong;

TEST(Reshape, MinusOneIsWhatIsLeftAlsoOfSymbolicSizes) {
  EXPECT_EQ(inferred("Reshape", {"f32[b,seq,768]", "i64[4]{0, 0, 12, -1}"}), "f32[b,seq,12,64]");
  EXPECT_EQ(inferred("Reshape", {"f32[b,seq,12,64]", "i64[3]{0, -1, 768}"}), "f32[b,seq,768]");
  EXPECT_EQ(inferred("Reshape", {"f32[b,3,4]", "i64[2]{-1, 12}"}), "f32[b,12]");
  EXPECT_THROW(inferred("Reshape", {"f32[2,3]", "i64[2]{-1, 4}"}), Error);
  EXPECT_THROW(inferred("Reshape", {"f32[2,3]", "i64[2]{-1, -1}"}), Error);
}

TEST(Reshape, ZeroCopiesASizeUnlessZerosAreAllowed) {
  EXPECT_EQ(inferred("Reshape", {"f32[2,3]", "i64[2]{0, 3}"}), "f32[2,3]");
  EXPECT_EQ(inferred("Reshape", {"f32[0,3]", "i64[2]{3, 0}"}, {{"allowzero", int64_t{1}}}),
            "f32[3,0]");
}

TEST(Reshape, ShapeArithmeticIsFollowed) {
  Graph graph;
  Builder build(graph);
  const Value x = graph.add_input(parse_type("f32[b,n,8]"));
  const Value sizes = build("Shape", {x});
  const Value rows = build("Mul", {build("Gather", {sizes, build.scalar(DType::i64, 0)}),
                                   build("Gather", {sizes, build.scalar(DType::i64, 1)})});
  const Value shape =
      build("Concat", {build("Unsqueeze", {rows, build.ints({0})}), build.ints({8})},
            {{"axis", int64_t{0}}});
  EXPECT_EQ(to_string(graph.type(build("Reshape", {x, shape}))), "f32[b*n,8]");
}

TEST(Slice, NegativeStepsAndFarEndsFollowNumPy) {
  const std::string x = "i64[5]{0, 1, 2, 3, 4}";
  const auto slice = [&](int64_t start, int64_t end, int64_t step, const std::string& expected) {
    const auto one = [](int64_t v) { return fmt::format("i64[1]{{{}}}", v); };
    return wrong("Slice", {x, one(start), one(end), one(0), one(step)}, {}, {expected});
  };
  EXPECT_EQ(slice(-1, INT64_MIN, -1, "i64[5]{4, 3, 2, 1, 0}"), "");
  EXPECT_EQ(slice(3, 0, -2, "i64[2]{3, 1}"), "");
  EXPECT_EQ(slice(100, -100, -3, "i64[2]{4, 1}"), "");
  EXPECT_EQ(slice(1, INT64_MAX, 2, "i64[2]{1, 3}"), "");
  EXPECT_EQ(slice(-3, -1, 1, "i64[2]{2, 3}"), "");
  EXPECT_EQ(slice(4, 2, 1, "i64[0]{}"), "");
  EXPECT_EQ(slice(7, 9, 1, "i64[0]{}"), "");
}

TEST(Slice, SymbolicSizesStaySimple) {
  EXPECT_EQ(inferred("Slice", {"f32[n,8]", "i64[1]{0}", "i64[1]{9223372036854775807}"}),
            "f32[n,8]");
  EXPECT_EQ(inferred("Slice", {"f32[n,8]", "i64[1]{0}", "i64[1]{2}", "i64[1]{-1}"}), "f32[n,2]");
  EXPECT_EQ(inferred("Slice", {"f32[n,8]", "i64[1]{-1}", "i64[1]{-9223372036854775808}",
                               "i64[1]{0}", "i64[1]{-1}"}),
            "f32[n,8]");
}

TEST(Pad, ModesAndCrops) {
  const std::string x = "f32[4]{0, 1, 2, 3}";
  const auto mode = [](const char* name) { return AttrMap{{"mode", std::string(name)}}; };
  EXPECT_EQ(wrong("Pad", {x, "i64[2]{5, 2}"}, mode("reflect"),
                  {"f32[11]{1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1}"}),
            "");
  EXPECT_EQ(wrong("Pad", {x, "i64[2]{-1, 2}"}, mode("edge"), {"f32[5]{1, 2, 3, 3, 3}"}), "");
  EXPECT_EQ(
      wrong("Pad", {x, "i64[2]{2, 5}"}, mode("wrap"), {"f32[11]{2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0}"}),
      "");
  EXPECT_EQ(wrong("Pad", {x, "i64[2]{1, -2}", "f32[]{9}"}, {}, {"f32[3]{9, 0, 1}"}), "");
  EXPECT_EQ(wrong("Pad", {"f32[1]{7}", "i64[2]{2, 1}"}, mode("reflect"), {"f32[4]{7, 7, 7, 7}"}),
            "");
  EXPECT_THROW(wrong("Pad", {"f32[0]{}", "i64[2]{2, 1}"}, mode("edge"), {"_"}), Error);
}

TEST(Gather, IndicesWrapOnceAndNeverLeaveTheData) {
  const std::string x = "f32[3]{10, 11, 12}";
  EXPECT_EQ(wrong("Gather", {x, "i64[4]{-1, 0, -3, 2}"}, {}, {"f32[4]{12, 10, 10, 12}"}), "");
  EXPECT_EQ(wrong("Gather", {x, "i64[2]{99, -99}"}, {}, {"f32[2]{12, 10}"}), "");
  EXPECT_THROW(wrong("Gather", {x, "i64[]{3}"}, {}, {"_"}), Error);
}

TEST(Gather, IndicesTakeThePlaceOfTheAxis) {
  EXPECT_EQ(inferred("Gather", {"f32[a,b,c]", "i64[2,n]"}, {{"axis", int64_t{1}}}), "f32[a,2,n,c]");
  EXPECT_EQ(inferred("GatherND", {"f32[a,5,6,7]", "i64[a,n,2]"}, {{"batch_dims", int64_t{1}}}),
            "f32[a,n,7]");
}

TEST(Scatter, LaterUpdatesWinAndReductionsAccumulate) {
  const std::vector<std::string> inputs = {"f32[3]{1, 2, 3}", "i64[3]{0, -1, 0}",
                                           "f32[3]{5, 6, 7}"};
  EXPECT_EQ(wrong("ScatterElements", inputs, {}, {"f32[3]{7, 2, 6}"}), "");
  EXPECT_EQ(
      wrong("ScatterElements", inputs, {{"reduction", std::string("add")}}, {"f32[3]{13, 2, 9}"}),
      "");
  EXPECT_EQ(wrong("ScatterND", {"i8[2,2]{1, 2, 3, 4}", "i64[2,1]{1, 1}", "i8[2,2]{9, -9, 100, 1}"},
                  {{"reduction", std::string("max")}}, {"i8[2,2]{1, 2, 100, 4}"}),
            "");
  EXPECT_THROW(wrong("ScatterND", {"f32[2]{1, 2}", "i64[1,1]{2}", "f32[1]{0}"}, {}, {"_"}), Error);
}

TEST(Split, WhatDoesNotDivideEvenlyIsShortAtTheEnd) {
  EXPECT_EQ(inferred("Split", {"f32[7]"}, {{"num_outputs", int64_t{3}}}, 3),
            "f32[3], f32[3], f32[1]");
  EXPECT_EQ(inferred("Split", {"f32[2*h]"}, {{"num_outputs", int64_t{2}}}, 2), "f32[h], f32[h]");
  EXPECT_THROW(inferred("Split", {"f32[7]", "i64[2]{3, 3}"}, {}, 2), Error);
}

TEST(Range, CountsUpAndDown) {
  EXPECT_EQ(wrong("Range", {"i64[]{10}", "i64[]{0}", "i64[]{-4}"}, {}, {"i64[3]{10, 6, 2}"}), "");
  EXPECT_EQ(
      wrong("Range", {"f32[]{0}", "f32[]{1}", "f32[]{0.3}"}, {}, {"f32[4]{0, 0.3, 0.6, 0.9}"}), "");
  EXPECT_EQ(wrong("Range", {"i32[]{3}", "i32[]{3}", "i32[]{1}"}, {}, {"i32[0]{}"}), "");
  EXPECT_THROW(wrong("Range", {"i64[]{0}", "i64[]{3}", "i64[]{0}"}, {}, {"_"}), Error);
}

TEST(Range, RealBoundsMayBeComputedFromStaticSizes) {
  Graph graph;
  Builder build(graph);
  const Value x = graph.add_input(parse_type("f32[5,3]"));
  const Value size = build("Cast", {build("Size", {x})}, {{"to", int64_t{1}}});
  const Value limit = build("Div", {size, build.scalar(DType::f32, 2)});
  const Value range =
      build("Range", {build.scalar(DType::f32, 0), limit, build.scalar(DType::f32, 1)});
  EXPECT_EQ(to_string(graph.type(range)), "f32[8]");
  const Value y = graph.add_input(parse_type("f32[]"));
  EXPECT_THROW(build("Range", {y, limit, limit}), NeedsValue);
}

TEST(OneHot, NegativeIndicesCountFromTheEndAndOthersOutsideAreCold) {
  EXPECT_EQ(wrong("OneHot", {"i64[3]{1, -1, 3}", "i64[]{3}", "f32[2]{0, 5}"}, {},
                  {"f32[3,3]{0, 5, 0, 0, 0, 5, 0, 0, 0}"}),
            "");
}

TEST(CenterCropPad, TheOddElementIsAtTheEnd) {
  EXPECT_EQ(wrong("CenterCropPad", {"i64[4]{1, 2, 3, 4}", "i64[1]{7}"}, {},
                  {"i64[7]{0, 1, 2, 3, 4, 0, 0}"}),
            "");
  EXPECT_EQ(wrong("CenterCropPad", {"i64[5]{1, 2, 3, 4, 5}", "i64[1]{2}"}, {}, {"i64[2]{2, 3}"}),
            "");
}

}  // namespace
}  // namespace dlc
