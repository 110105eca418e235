// Tests of text, numbers and statistics of the command line.
#include "tools/dlc/text.h"

#include <gtest/gtest.h>

#include "runtime/error.h"
#include "tools/dlc/options.h"
#include "tools/dlc/statistics.h"

namespace dlc::cli {
namespace {

TEST(Text, UnitsHaveThreeDigits) {
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(25.6e6), "25.6 MB");
  EXPECT_EQ(human_count(4.089e9), "4.09 G");
  EXPECT_EQ(human_count(12), "12");
  EXPECT_EQ(human_ms(0.0121), "12.1 us");
  EXPECT_EQ(human_ms(1400), "1.40 s");
}

TEST(Text, ANearMissIsProposedAndAFarOneIsNot) {
  const std::vector<std::string> names = {"input_ids", "attention_mask"};
  EXPECT_EQ(did_you_mean("input_id", names), "; did you mean 'input_ids'?");
  EXPECT_EQ(did_you_mean("x", names), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(Text, SplittingKeepsEmptyParts) {
  EXPECT_EQ(split("1xx3", 'x'), (std::vector<std::string_view>{"1", "", "3"}));
  EXPECT_EQ(split("", 'x'), (std::vector<std::string_view>{""}));
}

TEST(Options, ShapesAndDimsAreTakenApart) {
  ModelOptions options;
  options.shapes = {"a:0:1x3x224x224", "s:"};
  options.dims = {"batch=4"};
  const onnx::ImportOptions import = import_options(options);
  EXPECT_EQ(import.shapes.at("a:0"), (Shape{1, 3, 224, 224}));
  EXPECT_EQ(import.shapes.at("s"), Shape{});
  EXPECT_EQ(import.dims.at("batch"), 4);
}

TEST(Options, WhatIsNotAShapeOrDimIsWrongUse) {
  const auto refused = [](const std::string& shape, const std::string& dim) {
    ModelOptions options;
    if (!shape.empty()) options.shapes = {shape};
    if (!dim.empty()) options.dims = {dim};
    try {
      import_options(options);
    } catch (const Error& error) {
      return error.code() == ErrorCode::usage;
    }
    return false;
  };
  for (const char* shape : {"x", ":1", "x:1x", "x:-1", "x:1x2.5", "x:99999999999999999999"})
    EXPECT_TRUE(refused(shape, "")) << shape;
  for (const char* dim : {"batch", "=4", "batch=", "batch=-1", "batch=four"})
    EXPECT_TRUE(refused("", dim)) << dim;
}

TEST(Statistics, PercentilesAreNearestRanks) {
  std::vector<double> sorted;
  for (int i = 1; i <= 101; ++i) sorted.push_back(i);
  const Statistics s = statistics(sorted);
  EXPECT_EQ(s.median, 51);
  EXPECT_EQ(s.p90, 91);
  EXPECT_EQ(s.p99, 100);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.mean, 51);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
}

TEST(Statistics, TheBootstrapIntervalHoldsTheMedianAndNarrowsWithAgreement) {
  std::vector<double> noisy, calm;
  for (int i = 0; i < 40; ++i) {
    noisy.push_back(2 + (i % 5) * 0.2);
    calm.push_back(2 + (i % 5) * 0.002);
  }
  const Estimate wide = bootstrap_median(noisy), narrow = bootstrap_median(calm);
  EXPECT_LE(wide.low, wide.value);
  EXPECT_GE(wide.high, wide.value);
  EXPECT_LT(narrow.high - narrow.low, 0.02 * (wide.high - wide.low) + 0.01);
}

}  // namespace
}  // namespace dlc::cli
