// Single ops against what ONNX Runtime makes of them, and special values against what NumPy makes
// of them: tests/reference/*.txt, recorded by the scripts beside them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "tests/support/compare.h"

namespace dlc {
namespace {

std::vector<std::string> split(const std::string& text, const std::string& delimiter) {
  std::vector<std::string> parts;
  size_t begin = 0, end;
  while ((end = text.find(delimiter, begin)) != std::string::npos) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + delimiter.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// Sums of f32 in another order; one step of what is quantized again.
std::string differs_by_rounding(const Tensor& got, const Tensor& want) {
  const bool steps = bits(want.dtype()) == 8 && want.dtype() != DType::boolean;
  return test::difference(got, want, steps ? test::Tolerance{0, 1} : test::Tolerance{1e-4, 1e-5});
}

/// But for the last digits of functions and sums the same; so is the sign of a zero.
std::string differs(const Tensor& got, const Tensor& want) {
  std::string text = test::difference(got, want, {is_float(want.dtype()) ? 1e-6 : 0, 0});
  if (!text.empty() || !is_float(want.dtype())) return text;
  const std::vector<double> a = got.to_reals(), b = want.to_reals();
  for (size_t i = 0; i < a.size(); ++i) {
    if (b[i] == 0 && std::signbit(a[i]) != std::signbit(b[i]))
      return fmt::format("element {} is {} instead of {}", i, a[i], b[i]);
  }
  return "";
}

using Difference = std::string (*)(const Tensor& got, const Tensor& want);

/// What is wrong with a line `op: sample => outputs`; empty: nothing.
std::string wrong_in(const std::string& line, Difference difference) {
  const size_t colon = line.find(": "), arrow = line.find(" => ");
  const std::string name = line.substr(0, colon);
  Graph graph = sample_graph(op(name), line.substr(colon + 2, arrow - colon - 2));
  const std::vector<std::string> expected = split(line.substr(arrow + 4), "; ");
  const std::vector<Datum> outputs = evaluate(graph, {});
  if (outputs.size() < expected.size()) return "too few outputs";
  for (size_t k = 0; k < expected.size(); ++k) {
    const std::string text = difference(outputs[k].tensor, parse_tensor(expected[k]));
    if (!text.empty()) return fmt::format("output {}: {}", k, text);
  }
  return "";
}

/// Gives the number of lines.
int check(const char* path, Difference difference) {
  std::ifstream file(path);
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++cases;
    SCOPED_TRACE(line.substr(0, 300));
    try {
      EXPECT_EQ(wrong_in(line, difference), "");
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  return cases;
}

TEST(Reference, OpsGiveWhatOnnxRuntimeGives) {
  EXPECT_GT(check(DLC_SOURCE_DIR "/tests/reference/onnxruntime.txt", differs_by_rounding), 80);
}

TEST(Reference, SpecialValuesGiveWhatNumPyGives) {
  EXPECT_GT(check(DLC_SOURCE_DIR "/tests/reference/numpy.txt", differs), 200);
}

}  // namespace
}  // namespace dlc
