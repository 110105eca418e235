// Single ops against what ONNX Runtime makes of them: tests/reference/onnxruntime.txt, recorded by
// the script beside it.
#include <gtest/gtest.h>

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

/// What is wrong with a line `op: sample => outputs`; empty: nothing.
std::string wrong_in(const std::string& line) {
  const size_t colon = line.find(": "), arrow = line.find(" => ");
  const std::string name = line.substr(0, colon);
  Graph graph = sample_graph(op(name), line.substr(colon + 2, arrow - colon - 2));
  const std::vector<std::string> expected = split(line.substr(arrow + 4), "; ");
  const std::vector<Datum> outputs = evaluate(graph, {});
  if (outputs.size() < expected.size()) return "too few outputs";
  for (size_t k = 0; k < expected.size(); ++k) {
    // Sums of f32 in another order; one step of what is quantized again.
    const Tensor want = parse_tensor(expected[k]);
    const bool steps = bits(want.dtype()) == 8 && want.dtype() != DType::boolean;
    const test::Tolerance tolerance = steps ? test::Tolerance{0, 1} : test::Tolerance{1e-4, 1e-5};
    const std::string text = test::difference(outputs[k].tensor, want, tolerance);
    if (!text.empty()) return fmt::format("output {}: {}", k, text);
  }
  return "";
}

TEST(Reference, OpsGiveWhatOnnxRuntimeGives) {
  std::ifstream file(DLC_SOURCE_DIR "/tests/reference/onnxruntime.txt");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++cases;
    SCOPED_TRACE(line.substr(0, 300));
    try {
      EXPECT_EQ(wrong_in(line), "");
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_GT(cases, 80);
}

}  // namespace
}  // namespace dlc
