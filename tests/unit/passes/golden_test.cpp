// Golden tests: tests/golden/<pass>/*.dlc hold a graph, `----`, and what the pass makes of it (or
// `same`). DLC_UPDATE_GOLDEN=1 rewrites the expectations; read the diff.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"
#include "compiler/ops/infer.h"
#include "passes/pass.h"

namespace dlc {
namespace {

namespace fs = std::filesystem;

struct Golden {
  std::string comment;  ///< the leading lines with #
  std::string before, after;
  double tolerance = 0;
};

Golden read_golden(const fs::path& path) {
  std::ifstream file(path);
  Golden golden;
  std::string line;
  bool leading = true, below = false;
  while (std::getline(file, line)) {
    leading = leading && line.starts_with("#");
    if (line == "----") {
      below = true;
      continue;
    }
    (leading ? golden.comment : below ? golden.after : golden.before) += line + "\n";
    const std::string mark = "# tolerance: ";
    if (leading && line.starts_with(mark)) golden.tolerance = std::stod(line.substr(mark.size()));
  }
  return golden;
}

/// Values for the graph's inputs, with every symbolic dimension 3.
std::vector<Datum> drawn_inputs(const Graph& graph) {
  std::mt19937 random(7);
  std::vector<Datum> inputs;
  for (const Value input : graph.inputs()) {
    const Type& type = graph.type(input);
    Shape shape;
    std::map<std::string, Dim> sizes;
    for (const Dim& dim : type.shape) {
      dim.visit_symbols([&](const std::string& name) { sizes[name] = 3; });
      shape.push_back(dim.substitute(sizes).number());
    }
    Tensor tensor = Tensor::allocate(type.dtype, shape);
    std::vector<double> values(static_cast<size_t>(tensor.size()));
    for (double& value : values) {
      value = std::uniform_real_distribution<double>(-4, 4)(random);
      if (!is_float(type.dtype)) value = std::abs(std::round(value));
    }
    inputs.emplace_back(Tensor::of(type.dtype, shape, values));
  }
  return inputs;
}

void expect_same_numbers(const Graph& before, const Graph& after, double tolerance) {
  const std::vector<Datum> inputs = drawn_inputs(before);
  const std::vector<Datum> wanted = evaluate(before, inputs), found = evaluate(after, inputs);
  ASSERT_EQ(wanted.size(), found.size());
  for (size_t k = 0; k < wanted.size(); ++k) {
    const Tensor &a = wanted[k].tensor, &b = found[k].tensor;
    ASSERT_EQ(a.dtype(), b.dtype());
    ASSERT_EQ(a.shape(), b.shape());
    if (a.dtype() == DType::string) {
      EXPECT_TRUE(identical(a, b));
      continue;
    }
    const std::vector<double> left = a.to_reals(), right = b.to_reals();
    for (size_t i = 0; i < left.size(); ++i) {
      if (std::isnan(left[i]) && std::isnan(right[i])) continue;
      EXPECT_LE(std::abs(left[i] - right[i]), tolerance * (1 + std::abs(left[i])))
          << "output " << k << ", element " << i << ": " << left[i] << " became " << right[i];
    }
  }
}

class GoldenTest : public testing::TestWithParam<fs::path> {};

TEST_P(GoldenTest, GivesTheExpectedText) {
  const fs::path path = GetParam();
  const Golden golden = read_golden(path);
  const Pass* pass = find_pass(path.parent_path().filename().string());
  ASSERT_NE(pass, nullptr) << path << " is in the folder of no pass";

  const Graph before = parse(golden.before);
  check(before);
  Graph after = before;
  PassContext context;
  run_pass(*pass, after, context);
  check(after);
  std::string text = print(after);
  if (text == print(before)) text = "same\n";
  if (std::getenv("DLC_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << golden.comment << golden.before << "----\n" << text;
  } else {
    EXPECT_EQ(text, golden.after);
  }
  expect_same_numbers(before, after, golden.tolerance);

  Graph again = after;
  run_pass(*pass, again, context);
  EXPECT_EQ(print(again), print(after)) << "a second run must change nothing";
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(DLC_SOURCE_DIR) / "tests/golden")) {
    if (entry.path().extension() == ".dlc") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, testing::ValuesIn(golden_files()),
                         [](const auto& info) {
                           std::string name = info.param.parent_path().filename().string() + "_" +
                                              info.param.stem().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace dlc
