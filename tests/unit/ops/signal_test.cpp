// Signal processing: known values, worked out with NumPy and SciPy.
#include <gtest/gtest.h>

#include "tests/support/one_node.h"

namespace dlc {
namespace {

using test::wrong;

TEST(Signal, Windows) {
  EXPECT_EQ(wrong("HannWindow", {"i64[]{4}"}, {}, {"f32[4]{0, 0.5, 1, 0.5}"}), "");
  EXPECT_EQ(
      wrong("HannWindow", {"i64[]{4}"}, {{"periodic", int64_t{0}}}, {"f32[4]{0, 0.75, 0.75, 0}"}),
      "");
  EXPECT_EQ(wrong("BlackmanWindow", {"i64[]{4}"}, {}, {"f32[4]{0, 0.34, 1, 0.34}"}), "");
  EXPECT_EQ(wrong("HammingWindow", {"i64[]{2}"}, {}, {"f32[2]{0.08695652, 1}"}), "");
}

TEST(Signal, TransformsOfAnyLength) {
  // numpy.fft.fft of 1, 2, 3 and of 1, 0, 0, 0
  EXPECT_EQ(wrong("DFT", {"f32[1,3,1]{1, 2, 3}"}, {},
                  {"f32[1,3,2]{6, 0, -1.5, 0.8660254, -1.5, -0.8660254}"}),
            "");
  EXPECT_EQ(wrong("DFT", {"f32[1,4,1]{1, 0, 0, 0}"}, {}, {"f32[1,4,2]{1, 0, 1, 0, 1, 0, 1, 0}"}),
            "");
  EXPECT_EQ(wrong("DFT", {"f32[1,5,1]{1, 2, 3, 4, 5}"}, {{"onesided", int64_t{1}}},
                  {"f32[1,3,2]{15, 0, -2.5, 3.4409548, -2.5, 0.81229924}"}),
            "");
}

TEST(Signal, TheInverseOfAHalfSpectrumIsReal) {
  EXPECT_EQ(wrong("DFT", {"f32[1,3,2]{10, 0, -2, 2, -2, 0}"},
                  {{"onesided", int64_t{1}}, {"inverse", int64_t{1}}}, {"f32[1,4,1]{1, 2, 3, 4}"}),
            "");
}

TEST(Signal, TransformsAreCutAndPadded) {
  EXPECT_EQ(
      wrong("DFT", {"f32[1,2,1]{1, 2}", "i64[]{4}"}, {}, {"f32[1,4,2]{3, 0, 1, -2, -1, 0, 1, 2}"}),
      "");
  EXPECT_EQ(wrong("DFT", {"f32[1,3,1]{1, 2, 9}", "i64[]{2}"}, {}, {"f32[1,2,2]{3, 0, -1, 0}"}), "");
}

}  // namespace
}  // namespace dlc
