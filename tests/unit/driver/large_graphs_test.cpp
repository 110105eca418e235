// Graphs that are long or wide: they compile in time, without expressions too deep to walk.
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/ops/builder.h"
#include "runtime/session.h"

namespace dlc {
namespace {

std::vector<double> run(Graph graph, const Tensor& input) {
  ThreadPool pool(1);
  Session session(compile(std::move(graph), {.threads = 1}), pool);
  const std::vector<Datum> inputs = {input};
  return session.run(inputs).at(0).tensor.to_reals();
}

TEST(LargeGraphs, ALongChainOfNodesCompiles) {
  Graph graph("chain");
  Builder build(graph);
  Value x = graph.add_input(Type::tensor(DType::f32, {2}), "x");
  for (int k = 0; k < 3000; ++k) x = build(k % 2 ? "Sqrt" : "Abs", {x});
  graph.set_outputs({x});
  EXPECT_EQ(run(std::move(graph), Tensor::of(DType::f32, {2}, std::vector<double>{-2, 0})),
            (std::vector<double>{1, 0}));
}

TEST(LargeGraphs, AConcatOfManyInputsCompiles) {
  constexpr int count = 1500;
  Graph graph("wide");
  Builder build(graph);
  const Value x = graph.add_input(Type::tensor(DType::f32, {1}), "x");
  std::vector<Value> parts;
  for (int k = 0; k < count; ++k)
    parts.push_back(
        k % 2 ? x : build.constant(Tensor::of(DType::f32, {1}, std::vector<double>{1.0 * k})));
  graph.set_outputs({build("Concat", parts, {{"axis", int64_t{0}}})});
  const std::vector<double> found =
      run(std::move(graph), Tensor::of(DType::f32, {1}, std::vector<double>{-1}));
  ASSERT_EQ(found.size(), size_t{count});
  for (int k = 0; k < count; ++k) EXPECT_EQ(found[k], k % 2 ? -1 : k);
}

}  // namespace
}  // namespace dlc
