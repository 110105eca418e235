// Random numbers: the generator's known answers, and the distributions that are made of it.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/one_node.h"

namespace dlc {
namespace {

std::vector<double> draw(std::string_view op, const std::vector<std::string>& inputs,
                         AttrMap attrs) {
  return test::run_node(op, inputs, std::move(attrs), 1)[0].tensor.to_reals();
}

double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double deviation(const std::vector<double>& x) {
  const double m = mean(x);
  double sum = 0;
  for (double v : x) sum += (v - m) * (v - m);
  return std::sqrt(sum / static_cast<double>(x.size()));
}

TEST(Random, TheGeneratorIsPhilox) {
  // The first word of Philox4x32-10 with the key 0 and the counter 0, from the authors' known
  // answers, is 0x6627e8d5: as a number from [0, 1), its 24 highest bits.
  const std::vector<double> x = draw("dlc.RandomUnit", {"u64[]{0}", "i64[1]{1}"}, {});
  EXPECT_EQ(x[0], 0x6627e8 * 0x1p-24);
}

TEST(Random, ASeedFixesTheNumbers) {
  const AttrMap attrs = {{"shape", Ints{4}}, {"seed", 7.0}};
  EXPECT_EQ(draw("RandomUniform", {}, attrs), draw("RandomUniform", {}, attrs));
  EXPECT_NE(draw("RandomUniform", {}, attrs),
            draw("RandomUniform", {}, {{"shape", Ints{4}}, {"seed", 8.0}}));
  const AttrMap unseeded = {{"shape", Ints{4}}};
  EXPECT_NE(draw("RandomUniform", {}, unseeded), draw("RandomUniform", {}, unseeded));
}

TEST(Random, UniformNumbersAreSpreadOverTheirRange) {
  const std::vector<double> x =
      draw("RandomUniform", {},
           {{"shape", Ints{100, 100}}, {"seed", 1.0}, {"low", -2.0}, {"high", 4.0}});
  EXPECT_GE(*std::min_element(x.begin(), x.end()), -2);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 4);
  EXPECT_NEAR(mean(x), 1, 0.1);
  EXPECT_NEAR(deviation(x), 6 / std::sqrt(12), 0.1);
}

TEST(Random, NormalNumbersHaveTheirMeanAndDeviation) {
  const std::vector<double> x =
      draw("RandomNormal", {},
           {{"shape", Ints{100, 100}}, {"seed", 1.0}, {"mean", 3.0}, {"scale", 0.5}});
  EXPECT_NEAR(mean(x), 3, 0.03);
  EXPECT_NEAR(deviation(x), 0.5, 0.03);
}

TEST(Random, BernoulliFollowsItsProbabilities) {
  const std::vector<double> x = draw("Bernoulli", {"f32[5]{0, 1, 0, 1, 0}"}, {{"seed", 1.0}});
  EXPECT_EQ(x, (std::vector<double>{0, 1, 0, 1, 0}));
}

TEST(Random, MultinomialDrawsClassesByTheirWeight) {
  // Weights 1, 0 and 3.
  const std::vector<double> x = draw("Multinomial", {"f32[1,3]{0, -inf, 1.0986123}"},
                                     {{"sample_size", int64_t{10000}}, {"seed", 1.0}});
  EXPECT_EQ(std::count(x.begin(), x.end(), 1), 0);
  EXPECT_NEAR(static_cast<double>(std::count(x.begin(), x.end(), 2)), 7500, 200);
}

TEST(Random, DropoutKeepsTheMean) {
  std::string ones = "f32[1000]{1";
  for (int k = 1; k < 1000; ++k) ones += ", 1";
  const std::vector<Datum> outputs = test::run_node(
      "Dropout", {ones + "}", "f32[]{0.75}", "bool[]{1}"}, {{"seed", int64_t{1}}}, 2);
  const std::vector<double> x = outputs[0].tensor.to_reals(), mask = outputs[1].tensor.to_reals();
  EXPECT_NEAR(mean(x), 1, 0.2);
  for (size_t k = 0; k < x.size(); ++k) EXPECT_EQ(x[k], 4 * mask[k]);
}

}  // namespace
}  // namespace dlc
