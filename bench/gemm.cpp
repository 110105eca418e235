// Matrix products of the shapes that convolutional nets and transformers have, as share of the
// peak of multiply-adds; of few rows, as share of the bandwidth at which the weights can be read.
// Next: measure.h.
#include <fmt/format.h>

#include "bench/measure.h"
#include "compiler/ir/text.h"

namespace dlc::bench {
namespace {

struct Shape3 {
  int64_t m, n, k;
};
constexpr Shape3 constant_weights[] = {
    {3136, 64, 256},  {3136, 256, 64},  {784, 512, 128},  {784, 128, 512}, {196, 256, 1024},
    {196, 1024, 256}, {49, 2048, 512},  {49, 512, 2048},  {128, 768, 768}, {128, 2304, 768},
    {128, 3072, 768}, {128, 768, 3072}, {197, 768, 3072}, {128, 384, 384}, {1024, 1024, 1024},
    {1, 768, 768},    {1, 3072, 768},   {2, 2304, 768},   {2, 768, 3072},  {3, 768, 768},
    {4, 768, 768},    {6, 768, 768},    {8, 3072, 768},   {12, 3072, 768}, {16, 3072, 768},
    {1, 50257, 768},  {2, 50257, 768},
};

constexpr Shape3 narrow[] = {{784, 512, 128}, {128, 768, 768}, {128, 768, 3072}};

struct Batched {
  const char* name;
  const char* graph;
  double flops;
};
const Batched batched[] = {
    {"scores 12x128x128x64",
     R"(graph @main(%q: f32[12,128,64], %k: f32[12,64,128]) -> (f32[12,128,128]) {
       %s = MatMul(%q, %k) : f32[12,128,128]
       return %s
     })",
     2.0 * 12 * 128 * 128 * 64},
    {"scores 12x128x128x64, k transposed",
     R"(graph @main(%q: f32[12,128,64], %k: f32[12,128,64]) -> (f32[12,128,128]) {
       %t = Transpose(%k, perm=[0,2,1]) : f32[12,64,128]
       %s = MatMul(%q, %t) : f32[12,128,128]
       return %s
     })",
     2.0 * 12 * 128 * 128 * 64},
    {"values 12x128x64x128",
     R"(graph @main(%p: f32[12,128,128], %v: f32[12,128,64]) -> (f32[12,128,64]) {
       %s = MatMul(%p, %v) : f32[12,128,64]
       return %s
     })",
     2.0 * 12 * 128 * 128 * 64},
    {"values 12x197x64x197",
     R"(graph @main(%p: f32[12,197,197], %v: f32[12,197,64]) -> (f32[12,197,64]) {
       %s = MatMul(%p, %v) : f32[12,197,64]
       return %s
     })",
     2.0 * 12 * 197 * 197 * 64},
    {"batched 64x16x16x16",
     R"(graph @main(%p: f32[64,16,16], %v: f32[64,16,16]) -> (f32[64,16,16]) {
       %s = MatMul(%p, %v) : f32[64,16,16]
       return %s
     })",
     2.0 * 64 * 16 * 16 * 16},
};

/// By constant weights; bytes and bf16 where the machine may have dot products.
Graph graph_of(const Shape3& s, DType type) {
  const bool bytes = type == DType::u8;
  Graph graph;
  const Value a = graph.add_input(Type::tensor(type, {s.m, s.k}), "a");
  const Value b = graph.add_constant(random_tensor(bytes ? DType::i8 : type, {s.k, s.n}));
  const Type result = Type::tensor(bytes ? DType::i32 : type, {s.m, s.n});
  const NodeId node = graph.add_node(bytes ? "dlc.MultiplyBytes" : "MatMul", {a, b}, {}, {result});
  graph.set_outputs({graph.node(node).outputs[0]});
  return graph;
}

void row(const std::string& name, Graph graph, const Work& work, const Options& options,
         ThreadPool& pool) {
  if (name.find(options.only) == std::string::npos) return;
  Compiled compiled(std::move(graph), options, pool);
  print_row(name, measure([&] { compiled.run(); }, fma_peak_of(options), options), work, options);
}

}  // namespace

void gemm(const Options& options) {
  print_heading();
  ThreadPool pool(options.threads);
  for (const Shape3& s : constant_weights) {
    const auto weights = static_cast<double>(s.n * s.k);
    row(fmt::format("{}x{}x{}", s.m, s.n, s.k), graph_of(s, DType::f32),
        {2 * static_cast<double>(s.m) * weights, s.m <= 16 ? 4 * weights : 0}, options, pool);
  }
  for (const Shape3& s : narrow) {
    const double work = 2 * static_cast<double>(s.m) * static_cast<double>(s.n * s.k);
    for (const DType type : {DType::u8, DType::bf16})
      row(fmt::format("{}x{}x{} of {}", s.m, s.n, s.k, dlc::name(type)), graph_of(s, type), {work},
          options, pool);
  }
  for (const Batched& b : batched) row(b.name, parse(b.graph), {b.flops}, options, pool);
  for (const size_t bytes : {size_t{256} << 10, size_t{4} << 20, size_t{128} << 20}) {
    const std::vector<float> data(bytes / 4, 1.0F);
    read_bandwidth(data);
    double best = 0;
    for (int i = 0; i < 5; ++i) best = std::max(best, read_bandwidth(data));
    fmt::print("one thread reads {} KB at {:.1f} GB/s\n", bytes >> 10, best);
  }
}

}  // namespace dlc::bench
