// See fused.h.
#include "tests/unit/driver/fused.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ops/evaluate.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"

namespace dlc::test {

std::vector<Datum> inputs_for(const Graph& graph, const Sizes& sizes) {
  std::mt19937 random(11);
  std::vector<Datum> inputs;
  for (Value input : graph.inputs()) {
    Shape shape;
    for (const Dim& dim : graph.type(input).shape) shape.push_back(dim.substitute(sizes).number());
    inputs.push_back(random_tensor(graph.type(input).dtype, shape, random));
  }
  return inputs;
}

/// f16 rounds each value in between by 2^-11.
Tolerance tolerance_of(const Type& type) {
  return type.dtype == DType::f16 ? Tolerance{4e-3, 1e-3} : Tolerance{1e-4, 1e-5};
}

void compare(const Graph& graph, const std::vector<Datum>& inputs, const std::string& what) {
  const std::vector<Datum> want = evaluate(graph, inputs);
  for (const int bits : {128, 256, 512}) {
    ThreadPool pool(2);
    Session session(compile(graph, {.vector_bits = bits, .threads = 1, .verify_passes = true}),
                    pool);
    const std::vector<Datum> got = session.run(inputs);
    ASSERT_EQ(got.size(), want.size());
    for (size_t k = 0; k < want.size(); ++k)
      EXPECT_EQ(difference(got[k], want[k], tolerance_of(graph.type(graph.outputs()[k]))), "")
          << what << ", " << bits << " bits, output " << k;
  }
}

std::string check(std::string_view text, const std::vector<Sizes>& all_sizes) {
  const Graph graph = parse(text);
  for (const Sizes& sizes : all_sizes) {
    std::string what;
    for (const auto& [name, size] : sizes) what += name + "=" + size.to_string() + " ";
    compare(graph, inputs_for(graph, sizes), what);
  }
  CompileReport report;
  compile(graph, {}, &report);
  std::string kernels;
  for (const KernelReport& kernel : report.kernels)
    kernels += (kernels.empty() ? "" : " | ") + kernel.kind;
  return kernels;
}

}  // namespace dlc::test
