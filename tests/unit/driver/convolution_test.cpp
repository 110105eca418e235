// Convolutions of many shapes, alone and in small networks, as machine code against the
// interpreter.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/ops/evaluate.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

/// Values for all inputs but the first become constants: weights as models have them.
Graph with_constant_weights(const Graph& graph, const std::vector<Datum>& inputs) {
  Graph result = graph;
  for (size_t k = graph.inputs().size(); k-- > 1;) {
    const Value input = result.inputs()[k];
    result.replace_uses(input, result.add_constant(inputs[k].tensor, result.nodes().front()));
    result.erase_input(k);
  }
  return result;
}

void expect_as_interpreted(const Graph& graph, std::span<const Datum> inputs, double tolerance) {
  const std::vector<Datum> want = evaluate(graph, inputs);
  for (int bits : {128, 256, 512}) {
    for (int level : {0, 2}) {
      ThreadPool pool(2);
      Session session(compile(graph, {.opt_level = level, .vector_bits = bits, .threads = 1}),
                      pool);
      const std::vector<Datum> got = session.run(inputs);
      for (size_t k = 0; k < want.size(); ++k) {
        EXPECT_EQ(test::difference(got[k], want[k], {1e-3, tolerance}), "")
            << bits << " bits, -O" << level << ", output " << k;
      }
    }
  }
}

struct Case {
  const char* name;
  const char* graph;
  double tolerance = 1e-4;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

bool is_static(const Graph& graph) {
  for (const Dim& dim : graph.type(graph.inputs()[0]).shape) {
    if (!dim.is_number()) return false;
  }
  return true;
}

class Convolutions : public testing::TestWithParam<Case> {};

TEST_P(Convolutions, AgreeWithTheInterpreter) {
  const Graph graph = parse(GetParam().graph);
  for (int64_t size : {3, 31}) {  // of symbolic axes
    const std::vector<Datum> inputs = test::random_inputs(graph, 11, size);
    expect_as_interpreted(graph, inputs, GetParam().tolerance);
    expect_as_interpreted(with_constant_weights(graph, inputs), {inputs.data(), 1},
                          GetParam().tolerance);
    if (is_static(graph)) break;
  }
}

/// Of Winograd's algorithm: 6e-5 of the root mean square of sums over 16 to 40 channels.
constexpr double winograd_error = 3e-3;

const Case cases[] = {
    {"Winograd",
     R"(graph @g(%x: f32[2,3,19,14], %u: f32[40,3,1,1], %w: f32[20,40,3,3], %b: f32[20]) -> (f32[2,20,19,14]) {
       %0 = Conv(%x, %u) : f32[2,40,19,14]
       %1 = Conv(%0, %w, %b, pads=[1,1,1,1]) : f32[2,20,19,14]
       %2 = Relu(%1) : f32[2,20,19,14]
       return %2 })",
     winograd_error},
    {"WinogradUnevenPads",
     R"(graph @g(%x: f32[1,3,9,23], %u: f32[16,3,1,1], %w: f32[33,16,3,3]) -> (f32[1,33,1,1]) {
       %0 = Conv(%x, %u) : f32[1,16,9,23]
       %1 = Conv(%0, %w, pads=[0,2,3,0]) : f32[1,33,10,23]
       %2 = Add(%1, %1) : f32[1,33,10,23]
       %3 = GlobalMaxPool(%2) : f32[1,33,1,1]
       return %3 })",
     winograd_error},
    {"WinogradSizesAtRunTime",
     R"(graph @g(%x: f32[1,3,h,w], %u: f32[16,3,1,1], %w: f32[48,16,3,3]) -> (f32[1,16,h,w]) {
       %0 = Conv(%x, %u) : f32[1,16,h,w]
       %1 = Conv(%0, %w, pads=[1,1,1,1]) : f32[1,48,h,w]
       %2 = Sigmoid(%1) : f32[1,48,h,w]
       %3, %4, %5 = Split(%2, axis=1, num_outputs=3) : f32[1,16,h,w], f32[1,16,h,w], f32[1,16,h,w]
       %6 = Mul(%3, %4) : f32[1,16,h,w]
       %7 = Sub(%6, %5) : f32[1,16,h,w]
       return %7 })",
     winograd_error},
    {"Same3x3", R"(graph @g(%x: f32[2,5,9,7], %w: f32[19,5,3,3], %b: f32[19]) -> (f32[2,19,9,7]) {
       %y = Conv(%x, %w, %b, pads=[1,1,1,1]) : f32[2,19,9,7] return %y })"},
    {"FirstLayer", R"(graph @g(%x: f32[1,3,21,30], %w: f32[8,3,7,7]) -> (f32[1,8,11,15]) {
       %y = Conv(%x, %w, pads=[3,3,3,3], strides=[2,2]) : f32[1,8,11,15] return %y })"},
    {"ManyChannels", R"(graph @g(%x: f32[1,70,7,7], %w: f32[100,70,3,3]) -> (f32[1,100,7,7]) {
       %y = Conv(%x, %w, pads=[1,1,1,1]) : f32[1,100,7,7] return %y })"},
    {"UnevenPadsDilated", R"(graph @g(%x: f32[1,6,12,11], %w: f32[4,6,3,2]) -> (f32[1,4,10,13]) {
       %y = Conv(%x, %w, pads=[0,3,2,1], dilations=[2,2]) : f32[1,4,10,13] return %y })"},
    {"StridedPointwise", R"(graph @g(%x: f32[1,6,9,9], %w: f32[20,6,1,1]) -> (f32[1,20,5,5]) {
       %y = Conv(%x, %w, strides=[2,2]) : f32[1,20,5,5] return %y })"},
    {"PaddedPointwise", R"(graph @g(%x: f32[1,6,4,5], %w: f32[3,6,1,1]) -> (f32[1,3,3,4]) {
       %y = Conv(%x, %w, pads=[1,1,1,2], strides=[2,2]) : f32[1,3,3,4] return %y })"},
    {"Grouped", R"(graph @g(%x: f32[2,12,6,6], %w: f32[18,4,3,3]) -> (f32[2,18,4,4]) {
       %y = Conv(%x, %w, group=3) : f32[2,18,4,4] return %y })"},
    {"Depthwise",
     R"(graph @g(%x: f32[2,20,9,40], %w: f32[20,1,3,3], %b: f32[20]) -> (f32[2,20,9,40]) {
       %y = Conv(%x, %w, %b, group=20, pads=[1,1,1,1]) : f32[2,20,9,40] return %y })"},
    {"DepthwiseStrided", R"(graph @g(%x: f32[1,33,11,13], %w: f32[33,1,5,5]) -> (f32[1,33,6,7]) {
       %y = Conv(%x, %w, group=33, pads=[2,2,2,2], strides=[2,2]) : f32[1,33,6,7] return %y })"},
    {"DepthwiseDilated", R"(graph @g(%x: f32[1,5,8,31], %w: f32[5,1,3,3]) -> (f32[1,5,6,29]) {
       %y = Conv(%x, %w, group=5, pads=[1,2,1,2], dilations=[2,3]) : f32[1,5,6,29] return %y })"},
    {"DepthwiseTimes2", R"(graph @g(%x: f32[1,4,5,5], %w: f32[8,1,3,3]) -> (f32[1,8,3,3]) {
       %y = Conv(%x, %w, group=4) : f32[1,8,3,3] return %y })"},
    {"DepthwiseSizesAtRunTime",
     R"(graph @g(%x: f32[1,20,h,w], %w: f32[20,1,3,3]) -> (f32[1,20,h,w]) {
       %y = Conv(%x, %w, group=20, pads=[1,1,1,1]) : f32[1,20,h,w] return %y })"},
    {"DepthwiseWideAtRunTime", R"(graph @g(%x: f32[2,17,w], %w: f32[17,1,5]) -> (f32[2,17,w]) {
       %y = Conv(%x, %w, group=17, pads=[1,3]) : f32[2,17,w] return %y })"},
    {"Depthwise1D", R"(graph @g(%x: f32[2,17,50], %w: f32[17,1,4]) -> (f32[2,17,50]) {
       %y = Conv(%x, %w, group=17, pads=[3,0]) : f32[2,17,50] return %y })"},
    {"Causal1D", R"(graph @g(%x: f32[2,8,60], %w: f32[10,8,3]) -> (f32[2,10,60]) {
       %y = Conv(%x, %w, pads=[8,0], dilations=[4]) : f32[2,10,60] return %y })"},
    {"Strided1D", R"(graph @g(%x: f32[1,4,33], %w: f32[18,4,5]) -> (f32[1,18,15]) {
       %y = Conv(%x, %w, strides=[2]) : f32[1,18,15] return %y })"},
    {"Volume", R"(graph @g(%x: f32[1,3,5,6,7], %w: f32[5,3,3,2,3]) -> (f32[1,5,3,7,4]) {
       %y = Conv(%x, %w, pads=[1,1,1,1,1,1], strides=[2,1,2]) : f32[1,5,3,7,4] return %y })"},
    {"VolumeDilated", R"(graph @g(%x: f32[1,2,7,6,5], %w: f32[3,2,3,3,3]) -> (f32[1,3,3,4,3]) {
       %y = Conv(%x, %w, dilations=[2,1,1]) : f32[1,3,3,4,3] return %y })"},
    {"NoImages", R"(graph @g(%x: f32[0,3,5,5], %w: f32[4,3,3,3]) -> (f32[0,4,3,3]) {
       %y = Conv(%x, %w) : f32[0,4,3,3] return %y })"},
    {"OnlyPadding", R"(graph @g(%x: f32[1,2,1,1], %w: f32[3,2,3,3]) -> (f32[1,3,5,5]) {
       %y = Conv(%x, %w, pads=[3,3,3,3]) : f32[1,3,5,5] return %y })"},
    {"SizesAtRunTime", R"(graph @g(%x: f32[2,3,h,w], %w: f32[18,3,3,3]) -> (f32[2,18,h,w]) {
       %y = Conv(%x, %w, pads=[1,1,1,1]) : f32[2,18,h,w] return %y })"},
    {"Residual", R"(graph @g(%x: f32[1,8,8,8], %w: f32[8,8,3,3], %v: f32[8,8,1,1], %b: f32[8])
         -> (f32[1,8,4,4], f32[1,8]) {
       %0 = Conv(%x, %w, %b, pads=[1,1,1,1]) : f32[1,8,8,8]
       %1 = Relu(%0) : f32[1,8,8,8]
       %2 = Conv(%1, %v, %b) : f32[1,8,8,8]
       %3 = Add(%2, %1) : f32[1,8,8,8]
       %4 = Sigmoid(%3) : f32[1,8,8,8]
       %5 = MaxPool(%4, kernel_shape=[2,2], strides=[2,2]) : f32[1,8,4,4]
       %6 = GlobalAveragePool(%4) : f32[1,8,1,1]
       %7 = Flatten(%6) : f32[1,8]
       return %5, %7 })"},
    {"SqueezeAndExcite",
     R"(graph @g(%x: f32[1,6,5,5], %w: f32[16,6,3,3], %v: f32[4,16,1,1], %u: f32[16,4,1,1])
         -> (f32[1,16,5,5]) {
       %0 = Conv(%x, %w, pads=[1,1,1,1]) : f32[1,16,5,5]
       %1 = GlobalAveragePool(%0) : f32[1,16,1,1]
       %2 = Conv(%1, %v) : f32[1,4,1,1]
       %3 = Relu(%2) : f32[1,4,1,1]
       %4 = Conv(%3, %u) : f32[1,16,1,1]
       %5 = Sigmoid(%4) : f32[1,16,1,1]
       %6 = Mul(%0, %5) : f32[1,16,5,5]
       return %6 })"},
    {"ConcatenatedAndReshaped",
     R"(graph @g(%x: f32[1,4,6,6], %w: f32[5,4,3,3], %v: f32[3,4,1,1], %u: f32[2,8,1,1])
         -> (f32[1,36,2], f32[1,8,12,12]) {
       %0 = Conv(%x, %w, pads=[1,1,1,1]) : f32[1,5,6,6]
       %1 = Conv(%x, %v) : f32[1,3,6,6]
       %2 = Concat(%0, %1, axis=1) : f32[1,8,6,6]
       %3 = Conv(%2, %u) : f32[1,2,6,6]
       %s = Constant(value=i64[3]{1,2,36}) : i64[3]
       %4 = Reshape(%3, %s) : f32[1,2,36]
       %5 = Transpose(%4, perm=[0,2,1]) : f32[1,36,2]
       %f = Constant(value=f32[4]{1,1,2,2}) : f32[4]
       %6 = Resize(%2, _, %f, mode="nearest") : f32[1,8,12,12]
       return %5, %6 })"},
};

INSTANTIATE_TEST_SUITE_P(Shapes, Convolutions, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dlc
