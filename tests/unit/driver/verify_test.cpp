// Verification finds passes and kernels that are wrong on purpose, and names the model's nodes.
#include "compiler/driver/verify.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "passes/rewrite.h"
#include "runtime/error.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

/// A graph whose nodes are named by their ops.
Graph named(std::string_view text) {
  Graph graph = parse(text);
  for (NodeId id : graph.nodes()) graph.add_origins(id, {"the " + graph.node(id).op});
  return graph;
}

Graph example() {
  return named(R"(graph @main(%x: f32[4,8]) -> (f32[4,8]) {
    %w = Constant(value=f32[8]{1, -2, 3, -4, 5, -6, 7, -8}) : f32[8]
    %0 = Mul(%x, %w) : f32[4,8]
    %1 = Exp(%0) : f32[4,8]
    %2 = ReduceSum(%1) : f32[1,1]
    %3 = Div(%1, %2) : f32[4,8]
    return %3
  })");
}

void run_rows(Graph& graph, PassContext& context, std::string_view match,
              std::string_view replace) {
  const Rewrite rows[] = {{.name = "wrong", .match = match, .replace = replace}};
  apply_rewrites(graph, rows, context);
}

constinit const Pass exp_becomes_sinh = {
    .name = "exp-becomes-sinh",
    .purpose = "be wrong on purpose",
    .run = [](Graph& g, PassContext& c) { run_rows(g, c, "Exp(%a)", "Sinh(%a)"); }};

/// Right but for rounding: y / s = y * (1 / s).
constinit const Pass reciprocals = {.name = "reciprocals",
                                    .purpose = "round otherwise",
                                    .keeps = Keeps::within_tolerance,
                                    .run = [](Graph& g, PassContext& c) {
                                      run_rows(g, c, "Div(%a, %b)", "Mul(%a, Reciprocal(%b))");
                                    }};

TEST(Verify, APassThatAltersTheAnswerIsNamedWithTheNode) {
  const Graph graph = example();
  PassVerifier verifier(graph, test::random_inputs(graph, 1));
  EXPECT_FALSE(verifier.run(*find_pass("simplify")));
  const std::optional<Alteration> found = verifier.run(exp_becomes_sinh);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pass, "exp-becomes-sinh");
  EXPECT_EQ(found->position, 2u);
  EXPECT_EQ(found->nodes, Origins{"the Exp"});
  EXPECT_EQ(found->op, "Sinh");
  EXPECT_NE(found->text().find("'the Exp'"), std::string::npos) << found->text();
}

TEST(Verify, APassMayRoundOtherwiseIfItsRowSaysSo) {
  const Graph graph = example();
  const std::vector<Datum> inputs = test::random_inputs(graph, 1);
  EXPECT_FALSE(PassVerifier(graph, inputs).run(reciprocals));
  Pass exact = reciprocals;
  exact.keeps = Keeps::exactly;
  EXPECT_TRUE(PassVerifier(graph, inputs).run(exact));
}

TEST(Verify, WhatAPassRoundedOtherwiseIsNoFaultOfThePassesAfterIt) {
  Graph graph = named(R"(graph @main(%x: f32[1,3,4,4]) -> (f32[1,2,4,4]) {
    %w = Constant(value=f32[2,3,1,1]{0.3, 0.7, 0.9, -0.1, 0.2, 1.7}) : f32[2,3,1,1]
    %s = Constant(value=f32[2]{0.3, 1.7}) : f32[2]
    %m = Constant(value=f32[2]{0.1, -0.3}) : f32[2]
    %0 = Conv(%x, %w) : f32[1,2,4,4]
    %1 = BatchNormalization(%0, %s, %m, %m, %s) : f32[1,2,4,4]
    return %1
  })");
  PassVerifier verifier(graph, test::random_inputs(graph, 4));
  for (const Pass* pass : pipeline()) {
    const std::optional<Alteration> found = verifier.run(*pass);
    EXPECT_FALSE(found) << found->text();
  }
}

TEST(Verify, TheProductsOwnPassesAndKernelsAgreeWithTheInterpreter) {
  ThreadPool pool(1);
  const Graph graph =
      named(R"(graph @main(%x: f32[1,8,12,12], %w: f32[16,8,3,3]) -> (f32[1,16,12,12]) {
    %0 = Conv(%x, %w, kernel_shape=[3,3], pads=[1,1,1,1]) : f32[1,16,12,12]
    %1 = Sigmoid(%0) : f32[1,16,12,12]
    %2 = Mul(%0, %1) : f32[1,16,12,12]
    %3 = Softmax(%2, axis=1) : f32[1,16,12,12]
    return %3
  })");
  const Verification done =
      verify(graph, test::random_inputs(graph, 2), CompileOptions{.threads = 1}, pool);
  EXPECT_FALSE(done.alteration) << done.alteration->text();
  EXPECT_EQ(done.passes, pipeline().size());
  EXPECT_GT(done.steps, 0u);
}

void write_ones(void* const* buffers, const int64_t*, void*, int64_t, int64_t) {
  std::fill_n(static_cast<float*>(buffers[1]), 32, 1.0F);
}

TEST(Verify, AKernelThatIsWrongIsNamedWithTheModelsNodes) {
  const Graph graph = named(R"(graph @main(%x: f32[4,8], %v: f32[8,8]) -> (f32[4,8]) {
    %0 = Relu(%x) : f32[4,8]
    %1 = MatMul(%0, %v) : f32[4,8]
    %2 = Tanh(%1) : f32[4,8]
    return %2
  })");
  ProgramValues values;
  CompileHooks hooks;
  hooks.values = &values;
  Program program = *compile(graph, {.opt_level = 0, .threads = 1}, nullptr, hooks);
  const std::vector<Datum> inputs = test::random_inputs(graph, 3);
  ThreadPool pool(1);
  EXPECT_FALSE(verify_program(std::make_shared<Program>(program), values, inputs, pool));
  for (Step& step : program.steps) {
    auto& kernel = std::get<KernelStep>(step);
    if (kernel.name == "Tanh") kernel.function = write_ones;
  }
  const auto found = verify_program(std::make_shared<Program>(program), values, inputs, pool);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pass, "");
  EXPECT_EQ(found->kernel, "Tanh");
  EXPECT_EQ(found->nodes, Origins{"the Tanh"});
}

TEST(Verify, NothingIsFoundInRandomGraphsThatAreCompiledRightly) {
  ThreadPool pool(1);
  std::vector<uint64_t> seeds = {736};  // rounded otherwise by one pass, computed anew by another
  for (uint64_t seed = 0; seed < 60; ++seed) seeds.push_back(seed);
  for (const uint64_t seed : seeds) {
    const test::GraphCase c = test::random_graph(seed);
    try {
      const Verification done = verify(c.graph, c.inputs, CompileOptions{.threads = 1}, pool);
      EXPECT_FALSE(done.alteration) << done.alteration->text() << "\n" << test::to_string(c);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what() << "\n" << test::to_string(c);
    }
  }
}

}  // namespace
}  // namespace dlc
