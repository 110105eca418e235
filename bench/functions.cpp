// Vector functions over arrays in L1: elements a nanosecond.
// Next: compiler/backends/llvm/math.cpp.
#include <fmt/format.h>

#include "bench/measure.h"
#include "compiler/ir/text.h"

namespace dlc::bench {

void functions(const Options& options) {
  static constexpr const char* ops[] = {"Exp", "Log",  "Tanh", "Erf",      "Sigmoid", "Gelu",
                                        "Sin", "Cos",  "Sqrt", "Softplus", "Mish",    "HardSwish",
                                        "Elu", "Relu", "Tan",  "Atan",     "Neg"};
  constexpr int64_t count = 4096;
  ThreadPool pool(options.threads);
  for (const char* op : ops) {
    if (std::string(op).find(options.only) == std::string::npos) continue;
    Graph graph = parse(fmt::format(
        "graph @main(%x: f32[{0}]) -> (f32[{0}]) {{ %y = {1}(%x) : f32[{0}]\n return %y }}", count,
        op));
    Compiled compiled(std::move(graph), options, pool);
    const Timing t = measure([&] { compiled.run(); }, [] { return 0.0; }, options);
    fmt::print("{:12} {:6.2f} / {:6.2f} elements/ns\n", op, count / t.median / 1e9,
               count / t.best / 1e9);
  }
}

}  // namespace dlc::bench
