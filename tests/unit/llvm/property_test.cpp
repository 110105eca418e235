// Property test: random kernels compute as machine code what the interpreter computes.
// Next: tests/support/random_expr.h (what is drawn).
#include <cstdlib>

#include "runtime/error.h"
#include "support.h"
#include "tests/support/random_expr.h"

namespace dlc::llvm_backend {
namespace {

/// More in the environment's DLC_PROPERTY_SEEDS, as "first-count": "1000-500".
struct Seeds {
  uint64_t first = 0, count = 150;

  Seeds() {
    const char* text = std::getenv("DLC_PROPERTY_SEEDS");
    char* end = nullptr;
    if (text == nullptr) return;
    first = std::strtoull(text, &end, 10);
    count = *end == '-' ? std::strtoull(end + 1, nullptr, 10) : 1;
  }
};

/// Empty, or how the compiled kernel differs.
std::string compiled_difference(const testing::RandomCase& c, int vector_bits) {
  const Case kernel = {
      .operands = c.operands, .types = c.types, .outputs = c.outputs, .symbols = c.symbols};
  std::vector<Tensor> results;
  try {
    results = run_compiled(kernel, vector_bits);
  } catch (const Error& error) {
    return error.what();
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const Tensor expected = interpret(c.outputs[i], c.operands, c.symbols);
    const std::string text = testing::difference(results[i], expected, c.tolerances[i]);
    if (!text.empty()) return "output " + std::to_string(i) + ", " + text;
  }
  return "";
}

TEST(KernelProperty, RandomKernelsComputeWhatTheInterpreterDoes) {
  const Seeds seeds;
  const int widest = host_target().vector_bits;
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    const testing::RandomCase c = testing::random_case(seed);
    const int bits = seed % 4 == 0 ? 128 : widest;
    EXPECT_EQ(compiled_difference(c, bits), "") << "at " << bits << " bits of\n"
                                                << testing::to_string(c);
  }
}

}  // namespace
}  // namespace dlc::llvm_backend
