// Sessions over programs made by hand: kernels, host steps, sizes, outputs.
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "runtime/error.h"
#include "tests/unit/runtime/program_builder.h"

namespace dlc {
namespace {

Tensor f32(Shape shape, std::vector<double> values) {
  return Tensor::of(DType::f32, std::move(shape), values);
}
std::vector<double> reals(const Datum& datum) { return datum.tensor.to_reals(); }

/// y = 2 * (a + b), of n elements.
std::shared_ptr<Program> sum_program() {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n"));
  const int a = b.input("a", DType::f32, {n}), c = b.input("b", DType::f32, {n});
  const int sum = b.arena(DType::f32, {n}), y = b.arena(DType::f32, {n});
  b.kernel(add_kernel, {a, c, sum}, {}, n, b.number(1));
  b.kernel(double_kernel, {sum, y}, {}, n, b.number(1));
  b.output("y", y);
  return b.program;
}

std::string error_of(Session& session, std::vector<Datum> inputs) {
  try {
    session.run(inputs);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "no error";
}

TEST(Session, RunsKernelsForAnySize) {
  for (int threads : {1, 2}) {
    ThreadPool pool(threads);
    Session session(sum_program(), pool);
    for (int64_t n : {3, 0, 1, 200'000, 3}) {
      std::vector<double> values(n);
      std::iota(values.begin(), values.end(), 0);
      const Datum inputs[] = {f32({n}, values), f32({n}, values)};
      const auto outputs = session.run(inputs);
      ASSERT_EQ(outputs[0].tensor.shape(), (Shape{n}));
      for (double& value : values) value *= 4;
      ASSERT_EQ(reals(outputs[0]), values);
    }
  }
}

TEST(Session, SizesThatBreakARuleAreAnErrorThatNamesTheNode) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n")), m = b.of_symbol(b.symbol("m"));
  b.output("y", b.input("x", DType::f32, {n, m}));
  b.program->checks.push_back({SizeRule::equal, m, n, "columns of x", "node 'a' (Det)"});
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(error_of(session, {f32({2, 3}, std::vector<double>(6))}),
            "node 'a' (Det): columns of x: 3 instead of 2");
  EXPECT_EQ(error_of(session, {f32({2, 2}, std::vector<double>(4))}), "no error");
  EXPECT_NE(error_of(session, {f32({2, 3}, std::vector<double>(6))}), "no error");
}

TEST(Session, NamesTheInputThatDoesNotFit) {
  ThreadPool pool(1);
  Session session(sum_program(), pool);
  const Tensor three = f32({3}, {1, 2, 3});
  EXPECT_EQ(error_of(session, {three, f32({2}, {1, 2})}),
            "input 'b': expected f32[n] with n = 3, got f32[2]");
  EXPECT_EQ(error_of(session, {three, Tensor::ints(std::vector<int64_t>{1, 2, 3})}),
            "input 'b': expected f32[n], got i64[3]");
  EXPECT_EQ(error_of(session, {f32({1, 3}, {1, 2, 3}), three}),
            "input 'a': expected f32[n], got f32[1,3]");
  EXPECT_EQ(error_of(session, {three, Datum()}), "input 'b': expected f32[n], got nothing");
  EXPECT_EQ(error_of(session, {three}), "2 inputs expected, got 1");
  EXPECT_EQ(error_of(session, {three, three}), "no error");
}

TEST(Session, SizesThatAreExpressionsAreChecked) {
  ProgramBuilder b;
  const int symbol = b.symbol("n");
  const int n = b.of_symbol(symbol);
  const int twice =
      b.dim({{{DimCode::Op::symbol, symbol}, {DimCode::Op::constant, 2}, {DimCode::Op::multiply}}});
  b.input("wide", DType::f32, {twice});  // before the input that binds n
  const int a = b.input("a", DType::f32, {n});
  const int y = b.arena(DType::f32, {n});
  b.kernel(double_kernel, {a, y}, {}, n);
  b.output("y", y);
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(error_of(session, {f32({4}, {1, 2, 3, 4}), f32({2}, {1, 2})}), "no error");
  EXPECT_EQ(error_of(session, {f32({3}, {1, 2, 3}), f32({2}, {1, 2})}),
            "input 'wide': expected f32[expression], got f32[3]");
}

TEST(Session, WritesIntoTheCallersMemoryWhereItFits) {
  ThreadPool pool(1);
  Session session(sum_program(), pool);
  const Datum inputs[] = {f32({2}, {1, 2}), f32({2}, {3, 4})};
  float memory[2] = {};
  Datum outputs[] = {Tensor::borrow(DType::f32, {2}, memory)};
  session.run(inputs, outputs);
  EXPECT_EQ(outputs[0].tensor.data(), memory);
  EXPECT_EQ(memory[0], 8);
  EXPECT_EQ(memory[1], 12);
  Datum wrong[] = {Tensor::allocate(DType::f32, {3})};
  session.run(inputs, wrong);
  EXPECT_EQ(reals(wrong[0]), (std::vector<double>{8, 12}));
}

TEST(Session, OutputsMayBeTheInputsMemory) {
  // y = 2 * (a + b) is written while a and b are still read: through another place.
  ThreadPool pool(1);
  Session session(sum_program(), pool);
  float memory[3] = {1, 2, 3};
  const Datum inputs[] = {Tensor::borrow(DType::f32, {2}, memory),
                          Tensor::borrow(DType::f32, {2}, memory + 1)};
  Datum outputs[] = {Tensor::borrow(DType::f32, {2}, memory)};
  session.run(inputs, outputs);
  EXPECT_EQ(outputs[0].tensor.data(), memory);
  EXPECT_EQ(memory[0], 6);
  EXPECT_EQ(memory[1], 10);
  EXPECT_EQ(memory[2], 3);
}

TEST(Session, InputsConstantsAndAliasesAsOutputsAreCopied) {
  ProgramBuilder b;
  const int six = b.number(6), two = b.number(2), three = b.number(3);
  const int a = b.input("a", DType::f32, {six});
  const int constant = b.constant(f32({1}, {7}));
  const int sum = b.arena(DType::f32, {six});
  b.kernel(double_kernel, {a, sum}, {}, six);
  const int alias = b.slot("alias", Storage::alias, DType::f32, {two, three}, sum);
  const int part = b.slot("part", Storage::alias, DType::f32, {two}, alias);
  for (int slot : {a, constant, alias, sum, part}) b.output("out", slot);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const Datum inputs[] = {f32({6}, {1, 2, 3, 4, 5, 6})};
  for (int run = 0; run < 2; ++run) {
    const auto outputs = session.run(inputs);
    EXPECT_EQ(reals(outputs[0]), reals(inputs[0]));
    EXPECT_NE(outputs[0].tensor.data(), inputs[0].tensor.data());
    EXPECT_EQ(reals(outputs[1]), (std::vector<double>{7}));
    EXPECT_NE(outputs[1].tensor.data(), b.program->constants[0].data());
    EXPECT_EQ(outputs[2].tensor.shape(), (Shape{2, 3}));
    for (int out : {2, 3})
      EXPECT_EQ(reals(outputs[out]), (std::vector<double>{2, 4, 6, 8, 10, 12}));
    EXPECT_NE(outputs[2].tensor.data(), outputs[3].tensor.data());
    EXPECT_EQ(reals(outputs[4]), (std::vector<double>{2, 4}));
  }
}

TEST(Session, ReusesArenaMemoryOfDeadValues) {
  ProgramBuilder b;
  const int n = b.number(1000);
  int value = b.input("a", DType::f32, {n});
  for (int i = 0; i < 10; ++i) {
    const int next = b.arena(DType::f32, {n});
    b.kernel(double_kernel, {value, next}, {}, n);
    value = next;
  }
  b.output("y", value);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const auto outputs = session.run(std::vector<Datum>{f32({1000}, std::vector<double>(1000, 1))});
  EXPECT_EQ(reals(outputs[0]), std::vector<double>(1000, 1024));
  EXPECT_LE(session.arena_bytes(), 2 * 4032);
}

TEST(Session, ManyShapesKeepTheirPlansApart) {
  ThreadPool pool(1);
  Session session(sum_program(), pool);
  for (int64_t i = 0; i < 200; ++i) {
    const int64_t n = i * 7 % 23;  // more than the cache holds
    const Datum inputs[] = {f32({n}, std::vector<double>(n, i)),
                            f32({n}, std::vector<double>(n, 1))};
    ASSERT_EQ(reals(session.run(inputs)[0]), std::vector<double>(n, 2 * i + 2));
  }
}

TEST(Session, EachThreadHasScratchOfItsOwn) {
  ProgramBuilder b;
  const int n = b.number(5000);
  const int a = b.input("a", DType::f32, {n}), y = b.arena(DType::f32, {n});
  b.kernel(
      [](void* const* buffers, const int64_t*, void* scratch, int64_t begin, int64_t end) {
        auto* own = static_cast<float*>(scratch);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(scratch) % 64, 0u);
        for (int64_t i = begin; i < end; ++i) {
          for (int k = 0; k < 25; ++k) own[k] = static_cast<const float*>(buffers[0])[i];
          static_cast<float*>(buffers[1])[i] = std::accumulate(own, own + 25, 0.0f);
        }
      },
      {a, y}, {}, n, b.number(1000), b.number(100));
  b.output("y", y);
  ThreadPool pool(3);
  Session session(b.program, pool);
  std::vector<double> values(5000);
  std::iota(values.begin(), values.end(), 0);
  const auto outputs = session.run(std::vector<Datum>{f32({5000}, values)});
  for (double& value : values) value *= 25;
  EXPECT_EQ(reals(outputs[0]), values);
}

/// Keeps the positive elements: a size that is known afterwards.
void positives(const HostCall& call) {
  std::vector<double> kept;
  for (double value : call.in(0).to_reals())
    if (value > 0) kept.push_back(value);
  call.outputs[0] = Tensor::of(DType::f32, {static_cast<int64_t>(kept.size())}, kept);
}

/// y = 2 * positives(a), and the positives.
ProgramBuilder positives_program() {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n")), a = b.input("a", DType::f32, {n});
  const int kept = b.host(DType::f32);
  b.host_step(positives, {a}, {kept});
  const int count = b.of_symbol(b.symbol("count"), 1);
  b.program->steps.emplace_back(BindStep{{{kept, 0, count}}, {}});
  const int y = b.arena(DType::f32, {count});
  b.kernel(double_kernel, {kept, y}, {}, count);
  b.output("y", y);
  b.output("kept", kept, {"count"});
  return b;
}

TEST(Session, BindsSizesThatHostStepsDetermine) {
  ThreadPool pool(1);
  Session session(positives_program().program, pool);
  for (int run = 0; run < 3; ++run) {
    auto outputs = session.run(std::vector<Datum>{f32({4}, {1, -2, 3, -4})});
    EXPECT_EQ(reals(outputs[0]), (std::vector<double>{2, 6}));
    EXPECT_EQ(reals(outputs[1]), (std::vector<double>{1, 3}));
    outputs = session.run(std::vector<Datum>{f32({2}, {-1, -2})});
    EXPECT_EQ(outputs[0].tensor.shape(), (Shape{0}));
  }
}

TEST(Session, ASymbolThatIsBoundAlreadyIsChecked) {
  ProgramBuilder b;
  const int n = b.of_symbol(b.symbol("n")), a = b.input("a", DType::f32, {n});
  const int kept = b.host(DType::f32);
  b.host_step(positives, {a}, {kept});
  b.program->steps.emplace_back(BindStep{{{kept, 0, n}}, {}});
  b.output("kept", kept, {"n"});
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(error_of(session, {f32({2}, {1, 2})}), "no error");
  EXPECT_EQ(error_of(session, {f32({2}, {1, -2})}),
            "value 'v1' has size 1 along axis 0, expected 2");
}

TEST(Session, BindsSizesFromElements) {
  ProgramBuilder b;
  const int sizes = b.input("sizes", DType::i64, {b.number(2)});
  const int symbol = b.symbol("$k"), k = b.of_symbol(symbol, 1);
  b.program->steps.emplace_back(BindStep{{}, {{sizes, 1, symbol}}});
  const int y = b.arena(DType::f32, {k});
  b.kernel(
      [](void* const* buffers, const int64_t* params, void*, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          static_cast<float*>(buffers[0])[i] = static_cast<float>(params[0]);
      },
      {y}, {k}, k);
  b.output("y", y);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const auto outputs = session.run(std::vector<Datum>{Tensor::ints(std::vector<int64_t>{9, 3})});
  EXPECT_EQ(reals(outputs[0]), (std::vector<double>{3, 3, 3}));
  EXPECT_EQ(error_of(session, {Tensor::ints(std::vector<int64_t>{9, -3})}),
            "value 'v1': shape -3 has a negative dimension");
}

TEST(Session, ImpossibleSizesAreALimit) {
  ProgramBuilder b;
  const int symbol = b.symbol("n");
  const int a = b.input("a", DType::f32, {b.of_symbol(symbol)});
  const int huge = b.dim({{{DimCode::Op::symbol, symbol},
                           {DimCode::Op::constant, int64_t{1} << 45},
                           {DimCode::Op::multiply}}});
  const int value = b.arena(DType::f32, {huge}), y = b.arena(DType::f32, {huge});
  b.kernel(double_kernel, {a, value}, {}, b.number(0));
  b.kernel(double_kernel, {value, y}, {}, b.number(0));
  b.output("y", a);
  ThreadPool pool(1);
  Session session(b.program, pool);
  for (int64_t n : {1, 1 << 20}) {
    try {
      session.run(std::vector<Datum>{f32({n}, std::vector<double>(n, 1))});
      FAIL() << "must throw";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::limit);
    }
  }
  const auto outputs = session.run(std::vector<Datum>{f32({0}, {})});
  EXPECT_EQ(outputs[0].tensor.size(), 0);
}

TEST(Session, ErrorsOfHostStepsNameTheNode) {
  ProgramBuilder b;
  const int a = b.input("a", DType::f32, {b.number(1)}), y = b.host(DType::f32);
  b.host_step([](const HostCall&) { fail("bad luck"); }, {a}, {y});
  b.output("y", y);
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(error_of(session, {f32({1}, {1})}), "node 'node' (Host): bad luck");
}

TEST(Session, AHostValueOfTheWrongTypeIsAnError) {
  ProgramBuilder b;
  const int a = b.untyped_input("a", "seq(f32[])"), y = b.host(DType::f32);
  b.host_step([](const HostCall& call) { call.outputs[0] = call.inputs[0].items[0]; }, {a}, {y});
  b.output("y", y, {"1"});
  ThreadPool pool(1);
  Session session(b.program, pool);
  EXPECT_EQ(error_of(session, {Datum::sequence({f32({1}, {1})})}), "no error");
  EXPECT_EQ(error_of(session, {Datum::sequence({Tensor::scalar(DType::u8, 1)})}),
            "node 'node' (Host): value 'v1' must be a tensor of f32, but u8 was computed");
  EXPECT_EQ(error_of(session, {f32({1}, {1})}), "input 'a': expected seq(f32[]), got f32[1]");
}

TEST(Session, SequencesAndAbsentValuesPassThrough) {
  ProgramBuilder b;
  const int a = b.untyped_input("a", "seq(f32[])"), c = b.untyped_input("c", "opt(f32[])");
  const int y = b.host(DType::undefined);
  b.host_step(
      [](const HostCall& call) {
        call.outputs[0] = Datum::sequence({call.inputs[0].items[0]});
        EXPECT_FALSE(call.has(1));
        EXPECT_FALSE(call.has(2));
      },
      {a, c, -1}, {y});
  b.output("y", y);
  b.output("c", c);
  ThreadPool pool(1);
  Session session(b.program, pool);
  const auto outputs = session.run(std::vector<Datum>{Datum::sequence({f32({1}, {5})}), Datum()});
  ASSERT_EQ(outputs[0].kind, Datum::Kind::sequence);
  EXPECT_EQ(reals(outputs[0].items.at(0)), (std::vector<double>{5}));
  EXPECT_EQ(outputs[1].kind, Datum::Kind::none);
}

TEST(Session, ObserversSeeEveryStep) {
  struct Counter : StepObserver {
    void after_step(const Step& step, int64_t nanoseconds, Frame&) override {
      kernels += std::holds_alternative<KernelStep>(step);
      negative += nanoseconds < 0;
    }
    int kernels = 0, negative = 0;
  };
  ThreadPool pool(1);
  Session session(sum_program(), pool);
  Counter counter;
  session.observe(&counter);
  const std::vector<Datum> inputs = {f32({1}, {1}), f32({1}, {1})};
  session.run(inputs);
  session.observe(nullptr);
  session.run(inputs);
  EXPECT_EQ(counter.kernels, 2);
  EXPECT_EQ(counter.negative, 0);
}

}  // namespace
}  // namespace dlc
