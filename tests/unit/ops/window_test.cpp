// Convolutions, pooling and interpolation: borders, strides, dilations, groups, positions.
// Expected values come from ONNX Runtime and NumPy.
#include <gtest/gtest.h>

#include "tests/support/one_node.h"

namespace dlc {
namespace {

using test::inferred;
using test::wrong;

const char* const x = "f32[1,2,4]{-3, -2, -1, 0, 1, 2, 3, 4}";

TEST(Conv, GroupsStridesDilationsAndBorder) {
  EXPECT_EQ(wrong("Conv", {x, "f32[2,1,2]{1, 2, 3, -1}", "f32[2]{1, 0}"},
                  {{"group", int64_t{2}},
                   {"strides", Ints{2}},
                   {"pads", Ints{1, 0}},
                   {"dilations", Ints{2}}},
                  {"f32[1,2,2]{-3, -1, -2, 2}"}),
            "");
}

TEST(Conv, SameBordersGiveAsManyWindowsAsStrides) {
  const AttrMap same = {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2}}};
  EXPECT_EQ(inferred("Conv", {"f32[n,3,9]", "f32[4,3,3]"}, same), "f32[n,4,5]");
  EXPECT_EQ(inferred("Conv", {"f32[1,3,w]", "f32[4,3,3]"}, {{"pads", Ints{1, 1}}}), "f32[1,4,w]");
  EXPECT_THROW(inferred("Conv", {"f32[1,5,9]", "f32[4,3,3]"}, {}), Error);
}

TEST(ConvTranspose, EverythingAtOnce) {
  EXPECT_EQ(wrong("ConvTranspose", {x, "f32[2,1,3]{1, 2, 3, -1, 0.5, 2}", "f32[2]{0.5, -0.5}"},
                  {{"group", int64_t{2}},
                   {"strides", Ints{2}},
                   {"dilations", Ints{2}},
                   {"pads", Ints{1, 0}},
                   {"output_padding", Ints{1}}},
                  {"f32[1,2,11]{0.5, -7.5, 0.5, -13.5, 0.5, -7.5, 0.5, -2.5, 0.5, 0.5, 0.5, "
                   "-0.5, -2, -0.5, -0.5, -0.5, 1, -0.5, 7.5, -0.5, 7.5, -0.5}"}),
            "");
}

TEST(ConvTranspose, SymbolicSizesAreMultiplied) {
  EXPECT_EQ(inferred("ConvTranspose", {"f32[n,8,h,w]", "f32[8,4,2,2]"}, {{"strides", Ints{2, 2}}}),
            "f32[n,4,2*h,2*w]");
}

TEST(MaxPool, GivesPositionsInX) {
  EXPECT_EQ(wrong("MaxPool", {x},
                  {{"kernel_shape", Ints{2}}, {"strides", Ints{3}}, {"ceil_mode", int64_t{1}}},
                  {"f32[1,2,2]{-2, 0, 2, 4}", "i64[1,2,2]{1, 3, 5, 7}"}),
            "");
  EXPECT_EQ(wrong("MaxPool", {"f32[1,1,2,2]{1, 4, 3, 2}"},
                  {{"kernel_shape", Ints{2, 2}}, {"storage_order", int64_t{1}}},
                  {"f32[1,1,1,1]{4}", "i64[1,1,1,1]{2}"}),
            "");
}

TEST(MaxPool, TheBorderNeverWins) {
  EXPECT_EQ(wrong("MaxPool", {"i8[1,1,2]{-128, -5}"},
                  {{"kernel_shape", Ints{2}}, {"pads", Ints{1, 1}}}, {"i8[1,1,3]{-128, -5, -5}"}),
            "");
}

TEST(AveragePool, CountsTheBorderOnlyWhenAsked) {
  AttrMap attrs = {{"kernel_shape", Ints{3}},
                   {"strides", Ints{2}},
                   {"pads", Ints{1, 1}},
                   {"ceil_mode", int64_t{1}}};
  EXPECT_EQ(wrong("AveragePool", {x}, attrs, {"f32[1,2,3]{-2.5, -1, 0, 1.5, 3, 4}"}), "");
  attrs["count_include_pad"] = int64_t{1};
  EXPECT_EQ(wrong("AveragePool", {x}, attrs, {"f32[1,2,3]{-1.6666667, -1, 0, 1, 3, 2}"}), "");
}

TEST(LpPool, TakesAnyPower) {
  EXPECT_EQ(wrong("LpPool", {x}, {{"kernel_shape", Ints{2}}, {"p", int64_t{3}}},
                  {"f32[1,2,3]{3.271066, 2.080084, 1, 2.080084, 3.271066, 4.497941}"}),
            "");
}

TEST(Resize, NearestPicksByExactFractions) {
  const std::string row = "f32[4]{0, 1, 2, 3}";
  EXPECT_EQ(wrong("Resize", {row, "_", "_", "i64[1]{7}"},
                  {{"nearest_mode", std::string("ceil")},
                   {"coordinate_transformation_mode", std::string("asymmetric")}},
                  {"f32[7]{0, 1, 2, 2, 3, 3, 3}"}),
            "");
  EXPECT_EQ(wrong("Resize", {row, "_", "f32[1]{2}"}, {}, {"f32[8]{0, 0, 1, 1, 2, 2, 3, 3}"}), "");
  EXPECT_EQ(wrong("Resize", {row, "_", "f32[1]{0.5}"}, {}, {"f32[2]{0, 2}"}), "");
}

TEST(Resize, AntialiasingAveragesWhatIsLeftOut) {
  EXPECT_EQ(
      wrong("Resize", {"f32[4]{0, 1, 2, 3}", "_", "f32[1]{0.6}"},
            {{"mode", std::string("linear")}, {"antialias", int64_t{1}}}, {"f32[2]{0.375, 2}"}),
      "");
}

TEST(Resize, SymbolicSizesScale) {
  EXPECT_EQ(inferred("Resize", {"f32[1,3,h,w]", "_", "f32[4]{1, 1, 2, 0.5}"}),
            "f32[1,3,2*h,floordiv(w,2)]");
}

TEST(GridSample, ReflectionFoldsBack) {
  EXPECT_EQ(
      wrong("GridSample",
            {"f32[1,1,2,3]{0, 1, 2, 3, 4, 5}", "f32[1,4,1,2]{-1.4, -1, 0, 0.2, 0.9, 1.3, 2, -2}"},
            {{"padding_mode", std::string("reflection")}}, {"f32[1,1,4,1]{0.1, 3.1, 5, 2.5}"}),
      "");
}

TEST(Col2Im, OverlapsAdd) {
  EXPECT_EQ(wrong("Col2Im", {"f32[1,2,3]{1, 2, 3, 10, 20, 30}", "i64[2]{1, 4}", "i64[2]{1, 2}"}, {},
                  {"f32[1,1,1,4]{1, 12, 23, 30}"}),
            "");
}

}  // namespace
}  // namespace dlc
