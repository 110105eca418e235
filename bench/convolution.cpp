// Convolutions of well-known networks, as share of the peak of multiply-adds: each between two
// others, so that it reads and writes the order of axes that it has inside a network. The work is
// that of the definition, so Winograd's way (3x3 of stride 1) exceeds the peak.
// Next: measure.h.
#include <fmt/format.h>

#include <algorithm>

#include "bench/measure.h"
#include "compiler/ir/text.h"

namespace dlc::bench {
namespace {

struct Shape2 {
  int64_t channels, results, side;
  int64_t kernel, stride = 1, group = 1, dilation = 1;
};
// From ResNet-50, U-Net, dilated and grouped networks; then depthwise ones from MobileNet v2 and
// EfficientNet.
constexpr Shape2 dense[] = {
    {3, 64, 224, 7, 2},   {64, 64, 56, 1},      {64, 256, 56, 1},         {256, 64, 56, 1},
    {256, 512, 56, 1, 2}, {64, 64, 56, 3},      {128, 128, 56, 3, 2},     {128, 128, 28, 3},
    {256, 256, 14, 3},    {512, 512, 7, 3},     {32, 32, 128, 3},         {64, 64, 28, 5},
    {64, 64, 28, 7},      {128, 128, 28, 3, 2}, {64, 64, 56, 3, 1, 1, 2}, {256, 256, 14, 3, 1, 32},
};
constexpr Shape2 depthwise[] = {
    {32, 32, 112, 3, 1, 32},   {96, 96, 112, 3, 2, 96},   {144, 144, 56, 3, 1, 144},
    {192, 192, 28, 3, 1, 192}, {384, 384, 14, 3, 1, 384}, {960, 960, 7, 3, 1, 960},
    {240, 240, 28, 5, 1, 240}, {672, 672, 14, 5, 2, 672},
};

std::string name_of(const Shape2& s) {
  std::string name = fmt::format("{}x{}, {} -> {}, {}x{}", s.kernel, s.kernel, s.channels,
                                 s.results, s.side, s.side);
  if (s.stride > 1) name += fmt::format(", stride {}", s.stride);
  if (s.dilation > 1) name += fmt::format(", dilation {}", s.dilation);
  if (s.group == s.channels) return name + ", depthwise";
  return s.group > 1 ? name + fmt::format(", {} groups", s.group) : name;
}

int64_t side_after(const Shape2& s) { return (s.side - 1) / s.stride + 1; }

Value convolved(Graph& graph, Value x, const Shape2& s) {
  const Value w = graph.add_constant(
      random_tensor(DType::f32, {s.results, s.channels / s.group, s.kernel, s.kernel}));
  const int64_t pad = s.dilation * (s.kernel - 1) / 2;
  const AttrMap attributes = {{"kernel_shape", std::vector{s.kernel, s.kernel}},
                              {"pads", std::vector{pad, pad, pad, pad}},
                              {"strides", std::vector{s.stride, s.stride}},
                              {"dilations", std::vector{s.dilation, s.dilation}},
                              {"group", s.group}};
  const int64_t side = side_after(s);
  const NodeId node = graph.add_node("Conv", {x, w}, attributes,
                                     {Type::tensor(DType::f32, {1, s.results, side, side})});
  return graph.node(node).outputs[0];
}

Graph graph_of(const Shape2& s) {
  Graph graph;
  const int64_t side = side_after(s);
  Value x = graph.add_input(Type::tensor(DType::f32, {1, 8, s.side, s.side}), "x");
  x = convolved(graph, x, {8, s.channels, s.side, 1});
  x = convolved(graph, x, s);
  graph.set_outputs({convolved(graph, x, {s.results, 8, side, 1})});
  return graph;
}

/// Times of the second kernel of each run.
struct SecondKernel : StepObserver {
  std::vector<double> seconds;
  int kernels = 0;

  void after_step(const Step& step, int64_t nanoseconds, Frame&) override {
    if (!std::holds_alternative<KernelStep>(step)) return;
    if (++kernels == 2) seconds.push_back(1e-9 * static_cast<double>(nanoseconds));
  }
};

void row(const Shape2& s, const Options& options, ThreadPool& pool) {
  const std::string name = name_of(s);
  if (name.find(options.only) == std::string::npos) return;
  Compiled compiled(graph_of(s), options, pool);
  SecondKernel second;
  compiled.observe(&second);
  const auto run = [&] {
    second.kernels = 0;
    compiled.run();
  };
  const double peak = measure(run, fma_peak_of(options), options).reference;
  std::ranges::sort(second.seconds);
  const int64_t side = side_after(s);
  const Work work{.flops = 2.0 * static_cast<double>(side * side * s.results * s.channels /
                                                     s.group * s.kernel * s.kernel)};
  print_row(name,
            {.median = second.seconds[second.seconds.size() / 2],
             .quartile = second.seconds[second.seconds.size() / 4],
             .best = second.seconds[0],
             .reference = peak},
            work, options);
}

}  // namespace

void convolution(const Options& options) {
  print_heading();
  fmt::print("work counted by the definition: Winograd's way does a quarter of it\n");
  ThreadPool pool(options.threads);
  for (const Shape2& s : dense) row(s, options, pool);
  for (const Shape2& s : depthwise) row(s, options, pool);
}

}  // namespace dlc::bench
