// Recurrent networks: both directions, sequences of different lengths, one step without a loop.
// Expected values come from ONNX Runtime.
#include <gtest/gtest.h>

#include "tests/support/one_node.h"

namespace dlc {
namespace {

/// ((0, 1, 2, ...) % period - shift) * step as text.
std::string pattern(const std::string& type, int count, int period, int shift, double step) {
  std::string text = type + "{";
  for (int k = 0; k < count; ++k)
    text += fmt::format("{}{}", k ? ", " : "", (k % period - shift) * step);
  return text + "}";
}

std::vector<std::string> inputs(int gates) {
  const int rows = gates * 2;
  return {pattern("f32[3,2,2]", 12, 6, 2, 0.5),
          pattern(fmt::format("f32[2,{},2]", rows), 4 * rows, 7, 3, 0.25),
          pattern(fmt::format("f32[2,{},2]", rows), 4 * rows, 5, 2, 0.5),
          pattern(fmt::format("f32[2,{}]", 2 * rows), 4 * rows, 3, 1, 0.5), "i32[2]{3, 2}"};
}

const AttrMap both = {{"direction", std::string("bidirectional")}, {"hidden_size", int64_t{2}}};

TEST(RNN, BothDirectionsStopAtTheEndOfEachSequence) {
  EXPECT_EQ(
      test::wrong(
          "RNN", inputs(1), both,
          {"f32[3,2,2,2]{0.7615941, -0.2449186, -0.2449186, -0.4621171, -0.8049585, 0.05993366, "
           "-0.8130449, 0.466664, -0.9726461, -0.7026215, 0.9007115, -0.447091, 0.1299887, "
           "0.2425288, "
           "-0.7615942, 0.1243531, 0.7909472, -0.6917536, 0, 0, -0.2449186, 0.1243531, 0, 0}",
           "f32[2,2,2]{0.7909472, -0.6917536, 0.9007115, -0.447091, -0.8049585, 0.05993366, "
           "-0.8130449, 0.466664}"}),
      "");
}

TEST(GRU, ResetCanComeAfterTheProduct) {
  AttrMap attrs = both;
  attrs["linear_before_reset"] = int64_t{1};
  EXPECT_EQ(test::wrong(
                "GRU", inputs(3), attrs,
                {"f32[3,2,2,2]{0.2772999, 0.193938, -0.09665957, 0.3102773, -0.1833723, 0.2734589, "
                 "-0.2544646, 0.4301973, -0.4793904, 0.4744548, 0.2836159, 0.3606768, -0.2540216, "
                 "0.005236799, "
                 "-0.3107087, 0.2255164, -0.1211322, 0.5594013, 0, 0, -0.2334178, 0.2751888, 0, 0}",
                 "f32[2,2,2]{-0.1211322, 0.5594013, 0.2836159, 0.3606768, -0.1833723, 0.2734589, "
                 "-0.2544646, 0.4301973}"}),
            "");
}

TEST(LSTM, GatesPeepAtTheCell) {
  std::vector<std::string> given = inputs(4);
  given.insert(given.end(), {"_", "_", pattern("f32[2,6]", 12, 4, 1, 0.25)});
  EXPECT_EQ(
      test::wrong(
          "LSTM", given, both,
          {"f32[3,2,2,2]{-0.2215509, 0.08622435, 0.107016, -0.08911832, -0.01131983, 0.289685, "
           "-0.02206964, 0.1529808, 0.07997411, -0.07108496, -0.2137926, 0.0481932, -0.1925961, "
           "0.09964627, 0.07888205, 0.1632471, 0.1229349, -0.1083697, 0, 0, -0.09926963, "
           "0.1059688, 0, 0}",
           "f32[2,2,2]{0.1229349, -0.1083697, -0.2137926, 0.0481932, -0.01131983, 0.289685, "
           "-0.02206964, 0.1529808}",
           "f32[2,2,2]{0.1724462, -0.3094554, -0.4352613, 0.1184647, -0.02551349, 0.594195, "
           "-0.05928615, 0.4433106}"}),
      "");
}

/// The ops of a graph in which the one node is expanded.
bool uses_scan(const std::string& x_type) {
  Graph graph;
  Builder build(graph);
  const Value x = graph.add_input(parse_type(x_type));
  const Value w = graph.add_input(parse_type("f32[1,3,4]")),
              r = graph.add_input(parse_type("f32[1,3,3]"));
  const Value y = build("RNN", {x, w, r}, {{"hidden_size", int64_t{3}}});
  expand_composite(graph, graph.producer(y));
  for (NodeId node : graph.nodes()) {
    if (graph.node(node).op == "Scan") return true;
  }
  return false;
}

TEST(RNN, ASingleStepNeedsNoLoop) {
  EXPECT_TRUE(uses_scan("f32[5,2,4]"));
  EXPECT_TRUE(uses_scan("f32[t,2,4]"));
  EXPECT_FALSE(uses_scan("f32[1,2,4]"));
}

TEST(RNN, LayoutOneIsBatchMajor) {
  EXPECT_EQ(test::inferred("LSTM", {"f32[b,t,4]", "f32[1,12,4]", "f32[1,12,3]"},
                           {{"hidden_size", int64_t{3}}, {"layout", int64_t{1}}}, 3),
            "f32[b,t,1,3], f32[b,1,3], f32[b,1,3]");
}

}  // namespace
}  // namespace dlc
