// If, Loop and Scan over programs made by hand.
#include <gtest/gtest.h>

#include "runtime/error.h"
#include "runtime/session.h"
#include "tests/unit/runtime/allocation_counter.h"
#include "tests/unit/runtime/program_builder.h"

namespace dlc {
namespace {

Tensor f32(Shape shape, std::vector<double> values) {
  return Tensor::of(DType::f32, std::move(shape), values);
}
Datum condition(bool value) { return Tensor::scalar(DType::boolean, value); }
Datum number(int64_t value) { return Tensor::scalar(DType::i64, static_cast<double>(value)); }
std::vector<double> reals(const Datum& datum) { return datum.tensor.to_reals(); }

/// y = 2 * x or x itself, x: f32[n].
std::shared_ptr<Program> branch(bool twice) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int x = b.input("x", DType::f32, {n}), y = b.arena(DType::f32, {n});
  if (twice) b.kernel(double_kernel, {x, y}, {}, n);
  b.output("y", twice ? y : x);
  return b.program;
}

TEST(If, RunsTheBranchThatTheConditionNames) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int c = b.input("c", DType::boolean, {}), x = b.input("x", DType::f32, {n});
  const int y = b.host(DType::f32), z = b.arena(DType::f32, {n});
  b.program->steps.emplace_back(IfStep{c, branch(true), branch(false), {x}, {y}});
  b.program->steps.emplace_back(BindStep{{{y, 0, n}}, {}});
  b.kernel(double_kernel, {y, z}, {}, n);
  b.output("z", z);
  ThreadPool pool(1);
  Session session(b.program, pool);
  for (int run = 0; run < 2; ++run) {
    const Tensor input = f32({2}, {1, 2});
    EXPECT_EQ(reals(session.run(std::vector<Datum>{condition(true), input})[0]),
              (std::vector<double>{4, 8}));
    EXPECT_EQ(reals(session.run(std::vector<Datum>{condition(false), input})[0]),
              (std::vector<double>{2, 4}));
  }
}

/// body(i, c, s: f32[n], limit: f32[n]) -> i < 3, s + limit, s: the condition stops after 4 turns.
ProgramBuilder loop_body() {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int i = b.input("i", DType::i64, {}), c = b.input("c", DType::boolean, {});
  const int s = b.input("s", DType::f32, {n}), step = b.input("step", DType::f32, {n});
  const int go = b.arena(DType::boolean, {}), next = b.arena(DType::f32, {n});
  b.kernel(
      [](void* const* buffers, const int64_t*, void*, int64_t, int64_t) {
        const bool was = *static_cast<const bool*>(buffers[1]);
        *static_cast<bool*>(buffers[2]) = was && *static_cast<const int64_t*>(buffers[0]) < 3;
      },
      {i, c, go}, {}, b.number(1));
  b.kernel(add_kernel, {s, step, next}, {}, n);
  b.output("go", go);
  b.output("next", next);
  b.output("seen", s);
  return b;
}

/// (trips?, go?, s, step) -> the final s, all s.
std::shared_ptr<Program> loop_program(bool trips, bool go, std::shared_ptr<const Program> body) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  LoopStep step;
  if (trips) step.trip_count = b.input("trips", DType::i64, {});
  if (go) step.condition = b.input("go", DType::boolean, {});
  step.states = {b.input("s", DType::f32, {n})};
  step.captures = {b.input("step", DType::f32, {n})};
  step.body = std::move(body);
  step.outputs = {b.host(DType::f32), b.host(DType::f32)};
  const std::vector<int> outputs = step.outputs;
  b.program->steps.emplace_back(std::move(step));
  b.output("final", outputs[0], {"n"});
  b.output("all", outputs[1], {"trips", "n"});
  return b.program;
}

TEST(Loop, RunsAsOftenAsTheTripCountSays) {
  ThreadPool pool(1);
  Session session(loop_program(true, false, loop_body().program), pool);
  for (int run = 0; run < 3; ++run) {
    const auto outputs =
        session.run(std::vector<Datum>{number(3), f32({2}, {1, 2}), f32({2}, {10, 20})});
    EXPECT_EQ(reals(outputs[0]), (std::vector<double>{31, 62}));
    EXPECT_EQ(outputs[1].tensor.shape(), (Shape{3, 2}));
    EXPECT_EQ(reals(outputs[1]), (std::vector<double>{1, 2, 11, 22, 21, 42}));
  }
}

TEST(Loop, ObserversSeeTheStepsOfTheBodyWithinThatOfTheLoop) {
  struct Depths : StepObserver {
    void before_step() override { ++depth; }
    void after_step(const Step& step, int64_t, Frame&) override {
      --depth;
      if (std::holds_alternative<KernelStep>(step)) kernels.push_back(depth);
      if (std::holds_alternative<LoopStep>(step)) loops.push_back(depth);
    }
    int depth = 0;
    std::vector<int> kernels, loops;
  };
  ThreadPool pool(1);
  Session session(loop_program(true, false, loop_body().program), pool);
  Depths depths;
  session.observe(&depths);
  session.run(std::vector<Datum>{number(2), f32({1}, {1}), f32({1}, {1})});
  EXPECT_EQ(depths.kernels, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(depths.loops, std::vector<int>{0});
  EXPECT_EQ(depths.depth, 0);
}

TEST(Loop, StopsWhenTheConditionFails) {
  ThreadPool pool(1);
  Session session(loop_program(true, true, loop_body().program), pool);
  const auto run = [&](int64_t trips, bool go) {
    return session.run(
        std::vector<Datum>{number(trips), condition(go), f32({1}, {0}), f32({1}, {1})});
  };
  EXPECT_EQ(reals(run(1'000'000'000'000, true)[1]), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(reals(run(2, true)[1]), (std::vector<double>{0, 1}));
  EXPECT_EQ(reals(run(2, false)[0]), (std::vector<double>{0}));
  Session endless(loop_program(false, true, loop_body().program), pool);
  const auto outputs =
      endless.run(std::vector<Datum>{condition(true), f32({1}, {0}), f32({1}, {1})});
  EXPECT_EQ(reals(outputs[0]), (std::vector<double>{4}));
}

TEST(Loop, WithoutAnIterationGivesTheStatesAndEmptyStacks) {
  ThreadPool pool(1);
  Session session(loop_program(true, false, loop_body().program), pool);
  for (int64_t trips : {0, -5, 2, 0}) {
    const auto outputs =
        session.run(std::vector<Datum>{number(trips), f32({2}, {1, 2}), f32({2}, {10, 20})});
    if (trips > 0) continue;
    EXPECT_EQ(reals(outputs[0]), (std::vector<double>{1, 2}));
    EXPECT_EQ(outputs[1].tensor.dtype(), DType::f32);
    EXPECT_EQ(outputs[1].tensor.size(), 0);
    EXPECT_EQ(outputs[1].tensor.rank(), 2);
  }
}

TEST(Loop, GrowsStacksBeyondWhatIsMadeAtOnce) {
  // No trip count, so that nothing can be made ahead: stops after 4 turns, or by the body's count.
  ProgramBuilder b;
  const int one = b.number(1);
  const int i = b.input("i", DType::i64, {one});  // rank 1 is how some models declare it
  b.input("c", DType::boolean, {one});
  const int go = b.arena(DType::boolean, {one}), value = b.arena(DType::i64, {one});
  b.kernel(
      [](void* const* buffers, const int64_t*, void*, int64_t, int64_t) {
        const int64_t i = *static_cast<const int64_t*>(buffers[0]);
        *static_cast<bool*>(buffers[1]) = i + 1 < 1000;
        *static_cast<int64_t*>(buffers[2]) = i * i;
      },
      {i, go, value}, {}, one);
  b.output("go", go);
  b.output("value", value);
  ProgramBuilder outer;
  LoopStep step;
  step.body = b.program;
  step.outputs = {outer.host(DType::i64)};
  outer.output("all", step.outputs[0], {"k", "1"});
  outer.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(outer.program, pool);
  for (int run = 0; run < 2; ++run) {
    const auto outputs = session.run({});
    ASSERT_EQ(outputs[0].tensor.shape(), (Shape{1000, 1}));
    for (int64_t k = 0; k < 1000; ++k) ASSERT_EQ(outputs[0].tensor.as<int64_t>()[k], k * k);
  }
}

TEST(Loop, EarlierResultsStayWhenTheLoopRunsAgain) {
  ThreadPool pool(1);
  Session session(loop_program(true, false, loop_body().program), pool);
  const auto run = [&](double start) {
    return session.run(std::vector<Datum>{number(3), f32({1}, {start}), f32({1}, {1})});
  };
  const auto first = run(0), second = run(100);
  EXPECT_EQ(reals(first[0]), (std::vector<double>{3}));
  EXPECT_EQ(reals(first[1]), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(reals(second[1]), (std::vector<double>{100, 101, 102}));
}

/// body(i, c, s: f32[k]) -> c, concat(s, i): the state grows.
std::shared_ptr<Program> growing_body() {
  ProgramBuilder b;
  const int symbol = b.symbol("k"), k = b.of_symbol(symbol);
  const int more =
      b.dim({{{DimCode::Op::symbol, symbol}, {DimCode::Op::constant, 1}, {DimCode::Op::add}}});
  const int i = b.input("i", DType::i64, {}), c = b.input("c", DType::boolean, {});
  const int s = b.input("s", DType::f32, {k}), next = b.arena(DType::f32, {more});
  b.kernel(
      [](void* const* buffers, const int64_t* params, void*, int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end; ++at)
          static_cast<float*>(buffers[2])[at] =
              at < params[0] ? static_cast<const float*>(buffers[1])[at]
                             : static_cast<float>(*static_cast<const int64_t*>(buffers[0]));
      },
      {i, s, next}, {k}, more);
  b.output("c", c);
  b.output("next", next);
  return b.program;
}

TEST(Loop, StatesMayChangeTheirShape) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  LoopStep step;
  step.trip_count = b.input("trips", DType::i64, {});
  step.states = {b.input("s", DType::f32, {n})};
  step.body = growing_body();
  step.outputs = {b.host(DType::f32)};
  b.output("final", step.outputs[0], {"k"});
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const auto outputs = session.run(std::vector<Datum>{number(30), f32({1}, {-1})});
  ASSERT_EQ(outputs[0].tensor.shape(), (Shape{31}));
  for (int i = 0; i < 31; ++i) EXPECT_EQ(reals(outputs[0])[i], i - 1);
}

TEST(Loop, StackedElementsOfDifferentShapesAreAnError) {
  auto body = growing_body();
  body->outputs.push_back(body->outputs[1]);
  body->output_slots.push_back(body->output_slots[1]);
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  LoopStep step;
  step.trip_count = b.input("trips", DType::i64, {});
  step.states = {b.input("s", DType::f32, {n})};
  step.body = body;
  step.outputs = {-1, b.host(DType::f32)};
  b.output("all", step.outputs[1], {"k", "n"});
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(reals(session.run(std::vector<Datum>{number(1), f32({1}, {5})})[0]),
            (std::vector<double>{5, 0}));
  try {
    session.run(std::vector<Datum>{number(2), f32({1}, {5})});
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "Loop, iteration 1: stacked elements must have one shape; iteration 1 gave 3 "
                 "after 2");
  }
  EXPECT_EQ(reals(session.run(std::vector<Datum>{number(1), f32({2}, {5, 6})})[0]),
            (std::vector<double>{5, 6, 0}));
}

TEST(Loop, ASteadyStateAllocatesNothingPerIteration) {
  ProgramBuilder inner = loop_body();
  ThreadPool pool(1);
  Session session(loop_program(true, true,
                               [&] {
                                 // The same without the end after four turns.
                                 ProgramBuilder b;
                                 const int n = b.of_symbol(b.symbol("n"));
                                 b.input("i", DType::i64, {});
                                 const int c = b.input("c", DType::boolean, {});
                                 const int s = b.input("s", DType::f32, {n});
                                 const int step = b.input("step", DType::f32, {n});
                                 const int next = b.arena(DType::f32, {n});
                                 b.kernel(add_kernel, {s, step, next}, {}, n);
                                 b.output("c", c);
                                 b.output("next", next);
                                 b.output("seen", s);
                                 return b.program;
                               }()),
                  pool);
  const auto allocated = [&](int64_t trips) {
    const std::vector<Datum> inputs = {number(trips), condition(true), f32({2}, {1, 2}),
                                       f32({2}, {1, 1})};
    std::vector<Datum> outputs(2);
    session.run(inputs, outputs);
    const int64_t before = allocation_count();
    session.run(inputs, outputs);
    return allocation_count() - before;
  };
  EXPECT_EQ(allocated(10), allocated(1000));
}

TEST(Session, ASteadyStateWithTheCallersOutputsAllocatesNothing) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int a = b.input("a", DType::f32, {n}), sum = b.arena(DType::f32, {n});
  const int y = b.arena(DType::f32, {n});
  b.kernel(add_kernel, {a, a, sum}, {}, n, b.number(1), b.number(64));
  b.kernel(double_kernel, {sum, y}, {}, n, b.number(1));
  b.output("y", y);
  b.output("a", a);
  for (int threads : {1, 2}) {
    ThreadPool pool(threads);
    Session session(b.program, pool);
    const std::vector<Datum> inputs = {Tensor::allocate(DType::f32, {100'000})};
    std::vector<Datum> outputs = session.run(inputs);
    const int64_t before = allocation_count();
    for (int i = 0; i < 5; ++i) session.run(inputs, outputs);
    EXPECT_EQ(allocation_count(), before);
  }
}

/// body(s: f32[n], x: f32[n]) -> s + x, s + x.
std::shared_ptr<Program> running_sum() {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int s = b.input("s", DType::f32, {n}), x = b.input("x", DType::f32, {n});
  const int next = b.arena(DType::f32, {n});
  b.kernel(add_kernel, {s, x, next}, {}, n);
  b.output("next", next);
  b.output("sum", next);
  return b.program;
}

struct ScanSetting {
  int64_t input_axis, output_axis;
  bool input_reversed, output_reversed;
};

std::vector<Datum> scan(const ScanSetting& setting, const Tensor& xs, double start, int64_t n) {
  ProgramBuilder b;
  ScanStep step;
  step.body = running_sum();
  step.states = {b.input("s", DType::f32, {b.number(n)})};
  step.sequences = {b.input("xs", DType::f32, {b.number(xs.shape()[0]), b.number(xs.shape()[1])})};
  step.outputs = {b.host(DType::f32), b.host(DType::f32)};
  step.input_axes = {setting.input_axis};
  step.output_axes = {setting.output_axis};
  step.input_reversed = {setting.input_reversed};
  step.output_reversed = {setting.output_reversed};
  b.output("final", step.outputs[0], {"n"});
  b.output("sums", step.outputs[1], {"a", "b"});
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const std::vector<Datum> inputs = {f32({n}, std::vector<double>(n, start)), xs};
  session.run(inputs);
  return session.run(inputs);
}

TEST(Scan, SumsAlongTheFirstAxis) {
  const auto outputs = scan({0, 0, false, false}, f32({3, 2}, {1, 2, 3, 4, 5, 6}), 0, 2);
  EXPECT_EQ(reals(outputs[0]), (std::vector<double>{9, 12}));
  EXPECT_EQ(outputs[1].tensor.shape(), (Shape{3, 2}));
  EXPECT_EQ(reals(outputs[1]), (std::vector<double>{1, 2, 4, 6, 9, 12}));
}

TEST(Scan, ReadsAndWritesBackwards) {
  const auto outputs = scan({0, 0, true, true}, f32({3, 2}, {1, 2, 3, 4, 5, 6}), 10, 2);
  EXPECT_EQ(reals(outputs[1]), (std::vector<double>{19, 22, 18, 20, 15, 16}));
}

TEST(Scan, TakesOtherAxesFromBothEnds) {
  const Tensor xs = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  auto outputs = scan({1, -1, false, false}, xs, 0, 2);
  EXPECT_EQ(outputs[1].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(reals(outputs[1]), (std::vector<double>{1, 3, 6, 4, 9, 15}));
  outputs = scan({-1, 1, true, true}, xs, 0, 2);
  EXPECT_EQ(reals(outputs[1]), (std::vector<double>{6, 5, 3, 15, 11, 6}));
}

TEST(Scan, OfNothingKeepsTheState) {
  const auto outputs = scan({0, 1, false, false}, f32({0, 2}, {}), 4, 2);
  EXPECT_EQ(reals(outputs[0]), (std::vector<double>{4, 4}));
  EXPECT_EQ(outputs[1].tensor.size(), 0);
  EXPECT_EQ(outputs[1].tensor.shape()[1], 0);
}

TEST(Scan, BadAxesAreErrors) {
  const Tensor xs = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_THROW(scan({2, 0, false, false}, xs, 0, 2), Error);
  EXPECT_THROW(scan({0, -3, false, false}, xs, 0, 2), Error);
}

TEST(Scan, PackedElementsAreSlicedBitByBit) {
  // A body that hands its slice on: u4[3] rows start in the middle of bytes.
  ProgramBuilder body;
  const int x = body.input("x", DType::u4, {body.number(3)});
  body.output("y", x);
  ProgramBuilder b;
  ScanStep step;
  step.body = body.program;
  step.sequences = {b.input("xs", DType::u4, {b.number(3), b.number(3)})};
  step.outputs = {b.host(DType::u4)};
  step.output_reversed = {true};
  b.output("ys", step.outputs[0], {"3", "3"});
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto outputs = session.run(std::vector<Datum>{Tensor::of(DType::u4, {3, 3}, values)});
  EXPECT_EQ(reals(outputs[0]), (std::vector<double>{7, 8, 9, 4, 5, 6, 1, 2, 3}));
}

TEST(Loop, SequencesThatTheBodyBuildsKeepTheirElements) {
  // body(i, c, list) -> c, list + [i]: the counter's own memory changes with every iteration.
  ProgramBuilder body;
  const int i = body.input("i", DType::i64, {}), c = body.input("c", DType::boolean, {});
  const int list = body.untyped_input("list", "seq(i64[])"), longer = body.host(DType::undefined);
  body.host_step(
      [](const HostCall& call) {
        std::vector<Datum> items = call.inputs[0].items;
        items.emplace_back(call.in(1).clone());
        call.outputs[0] = Datum::sequence(std::move(items));
      },
      {list, i}, {longer});
  body.output("c", c);
  body.output("longer", longer);
  ProgramBuilder b;
  LoopStep step;
  step.trip_count = b.input("trips", DType::i64, {});
  step.states = {b.untyped_input("list", "seq(i64[])")};
  step.body = body.program;
  step.outputs = {b.host(DType::undefined)};
  b.output("list", step.outputs[0]);
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const auto outputs = session.run(std::vector<Datum>{number(3), Datum::sequence({})});
  ASSERT_EQ(outputs[0].items.size(), 3u);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(reals(outputs[0].items[k]), (std::vector<double>{1.0 * k}));
}

TEST(Loop, NestedProgramsInheritSymbols) {
  // The inner size 2n is computed from the outer symbol n.
  ProgramBuilder body;
  const int n = body.symbol("n");
  const int twice =
      body.dim({{{DimCode::Op::symbol, n}, {DimCode::Op::constant, 2}, {DimCode::Op::multiply}}});
  body.input("i", DType::i64, {});
  const int c = body.input("c", DType::boolean, {}), s = body.input("s", DType::f32, {twice});
  const int next = body.arena(DType::f32, {twice});
  body.kernel(double_kernel, {s, next}, {}, twice);
  body.output("c", c);
  body.output("next", next);
  ProgramBuilder b;
  b.symbol("unused");
  const int outer = b.symbol("n");
  body.program->inherited = {{outer, n}};
  b.input("shape", DType::f32, {b.of_symbol(outer)});
  const int m = b.of_symbol(b.symbol("m"));
  LoopStep step;
  step.trip_count = b.constant(Tensor::scalar(DType::i64, 2));
  step.states = {b.input("s", DType::f32, {m})};
  step.body = body.program;
  step.outputs = {b.host(DType::f32)};
  b.output("final", step.outputs[0], {"m"});
  b.program->steps.emplace_back(step);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const Tensor one = f32({1}, {0});
  EXPECT_EQ(reals(session.run(std::vector<Datum>{one, f32({2}, {1, 2})})[0]),
            (std::vector<double>{4, 8}));
  EXPECT_THROW(session.run(std::vector<Datum>{one, f32({3}, {1, 2, 3})}), Error);
}

}  // namespace
}  // namespace dlc
