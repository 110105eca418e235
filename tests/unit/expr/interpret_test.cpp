// Tests of the interpreter, against formulas written out in C++.
// Next: interpret_symbolic_test.cpp.
#include "compiler/expr/interpret.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

Tensor iota(DType dtype, Shape shape) {
  std::vector<double> values(static_cast<size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0.0);
  return Tensor::of(dtype, std::move(shape), values);
}

TEST(Interpret, TransposesAreStridedCopies) {
  const Tensor a = iota(DType::f32, {3, 5});
  const TensorExpr t = tensor({5, 3}, [](const Indices& i) {
    return load(0, DType::f32, {i[1], i[0]});
  });
  const Tensor result = interpret(t, std::vector{a});
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 3; ++j) EXPECT_EQ(result.as<float>()[i * 3 + j], j * 5 + i);
}

TEST(Interpret, ReversedAndRepeatedElementsAreStridedCopies) {
  const Tensor a = iota(DType::u8, {4});
  const TensorExpr t =
      tensor({2, 4}, [](const Indices& i) { return load(0, DType::u8, {3 - i[1]}); });
  EXPECT_EQ(interpret(t, std::vector{a}).to_ints(), (std::vector<int64_t>{3, 2, 1, 0, 3, 2, 1, 0}));
}

TEST(Interpret, BlocksCoverAllElements) {
  const int64_t n = 1301;
  const Tensor a = iota(DType::f64, {n});
  const TensorExpr t = tensor(
      {n}, [&](const Indices& i) { return load(0, DType::f64, {index(n - 1) - i[0]}) * 2 + 1; });
  const Tensor result = interpret(t, std::vector{a});
  for (int64_t i = 0; i < n; ++i) EXPECT_EQ(result.as<double>()[i], (n - 1 - i) * 2 + 1);
}

TEST(Interpret, LoadsInTheBranchNotTakenAreHarmless) {
  const Tensor a = iota(DType::f32, {4});
  const TensorExpr padded = tensor({8}, [](const Indices& i) {
    const Expr at = i[0] - 2;
    return select(at >= 0 && at < 4, load(0, DType::f32, {at}), constant(DType::f32, -1));
  });
  EXPECT_EQ(interpret(padded, std::vector{a}).to_reals(),
            (std::vector<double>{-1, -1, 0, 1, 2, 3, -1, -1}));
}

TEST(Interpret, AnEmptyOperandMayBeLoadedInABranchNotTaken) {
  const Tensor a = Tensor::allocate(DType::f32, {0});
  const TensorExpr t = tensor({2}, [](const Indices& i) {
    return select(i[0] < 0, load(0, DType::f32, {i[0]}), constant(DType::f32, 3));
  });
  EXPECT_EQ(interpret(t, std::vector{a}).to_reals(), (std::vector<double>{3, 3}));
}

TEST(Interpret, MatmulIsASumOverProducts) {
  const int64_t m = 7, k = 5, n = 90;
  const Tensor a = iota(DType::f32, {m, k}), b = iota(DType::f32, {k, n});
  const TensorExpr t = tensor({m, n}, [&](const Indices& i) {
    return sum({k}, [&](const Indices& j) {
      return load(0, DType::f32, {i[0], j[0]}) * load(1, DType::f32, {j[0], i[1]});
    });
  });
  const Tensor result = interpret(t, std::vector{a, b});
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double expected = 0;
      for (int64_t l = 0; l < k; ++l) expected += double(i * k + l) * double(l * n + j);
      EXPECT_EQ(result.as<float>()[i * n + j], expected);
    }
  }
}

TEST(Interpret, NestedReductionsSeeOuterVariables) {
  // y[i] = sum over j of max over k of a[i, j, k] * j
  const Tensor a = iota(DType::i32, {2, 3, 4});
  const TensorExpr t = tensor({2}, [](const Indices& i) {
    return sum({3}, [&](const Indices& j) {
      return reduce(ReduceOp::maximum, {4}, [&](const Indices& k) {
        return load(0, DType::i32, {i[0], j[0], k[0]}) * cast(DType::i32, j[0]);
      });
    });
  });
  EXPECT_EQ(interpret(t, std::vector{a}).to_ints(), (std::vector<int64_t>{7 + 22, 19 + 46}));
}

TEST(Interpret, TheSameReductionInsideAnotherBodyIsEvaluatedAnew) {
  const Tensor a = iota(DType::i64, {3});
  const Expr total = sum({3}, [](const Indices& k) { return load(0, DType::i64, {k[0]}); });
  // Both sums have one variable: the second sum is over the first one's.
  const Expr again = reduce(ReduceOp::sum, total->axes,
                            total + load(0, DType::i64, {variable(total->axes[0].variable)}));
  EXPECT_EQ(interpret({{}, again}, std::vector{a}).to_ints(), (std::vector<int64_t>{3 * 3 + 3}));
}

TEST(Interpret, EmptyReductionsGiveTheNeutralElement) {
  const Tensor a = Tensor::allocate(DType::i8, {0}), b = Tensor::allocate(DType::f32, {0});
  const auto over = [](ReduceOp op, DType type, int input) {
    return TensorExpr{{},
                      reduce(op, {0}, [&](const Indices& k) { return load(input, type, {k[0]}); })};
  };
  const std::vector<Tensor> operands = {a, b};
  EXPECT_EQ(interpret(over(ReduceOp::sum, DType::i8, 0), operands).to_ints()[0], 0);
  EXPECT_EQ(interpret(over(ReduceOp::minimum, DType::i8, 0), operands).to_ints()[0], 127);
  EXPECT_EQ(interpret(over(ReduceOp::maximum, DType::i8, 0), operands).to_ints()[0], -128);
  EXPECT_EQ(interpret(over(ReduceOp::product, DType::f32, 1), operands).to_reals()[0], 1);
  EXPECT_EQ(interpret(over(ReduceOp::maximum, DType::f32, 1), operands).to_reals()[0], -INFINITY);
}

TEST(Interpret, PositionsPreferTheFirstOrLastAndNaN) {
  const std::vector<double> values = {2, 5, 1, 5, 1};
  const std::vector<double> with_nan = {2, NAN, 1, NAN, 7};
  const std::vector<Tensor> operands = {Tensor::of(DType::f32, {5}, values),
                                        Tensor::of(DType::f32, {5}, with_nan)};
  const auto position = [&](ReduceOp op, int input) {
    const Expr e =
        reduce(op, {5}, [&](const Indices& k) { return load(input, DType::f32, {k[0]}); });
    return interpret({{}, e}, operands).to_ints()[0];
  };
  EXPECT_EQ(position(ReduceOp::argmax_first, 0), 1);
  EXPECT_EQ(position(ReduceOp::argmax_last, 0), 3);
  EXPECT_EQ(position(ReduceOp::argmin_first, 0), 2);
  EXPECT_EQ(position(ReduceOp::argmin_last, 0), 4);
  EXPECT_EQ(position(ReduceOp::argmax_first, 1), 1);
  EXPECT_EQ(position(ReduceOp::argmin_last, 1), 3);
}

TEST(Interpret, IntegersWrapAtEachOperation) {
  const std::vector<double> values = {200, 255};
  const Tensor a = Tensor::of(DType::u8, {2}, values);
  const TensorExpr t =
      tensor({2}, [](const Indices& i) { return (load(0, DType::u8, {i[0]}) + 100) / 2; });
  EXPECT_EQ(interpret(t, std::vector{a}).to_ints(), (std::vector<int64_t>{22, 49}));
}

TEST(Interpret, U64ComparesAndDividesByItsBits) {
  Tensor a = Tensor::allocate(DType::u64, {1});
  a.as_mutable<uint64_t>()[0] = ~uint64_t{0};
  const Expr x = load(0, DType::u64, {index(0)});
  EXPECT_EQ(interpret({{}, cast(DType::i32, x > 5)}, std::vector{a}).to_ints()[0], 1);
  EXPECT_EQ(interpret({{}, x / 2}, std::vector{a}).as<uint64_t>()[0], ~uint64_t{0} / 2);
  EXPECT_EQ(interpret({{}, cast(DType::f64, x)}, std::vector{a}).to_reals()[0], 0x1p64);
}

TEST(Interpret, NarrowFloatsMoveBitByBit) {
  Tensor a = Tensor::allocate(DType::f16, {65536});
  for (int64_t i = 0; i < 65536; ++i) a.as_mutable<uint16_t>()[i] = static_cast<uint16_t>(i);
  // Not a plain load, so that the elements go through lanes.
  const TensorExpr t = tensor({65536}, [](const Indices& i) {
    return select(i[0] >= 0, load(0, DType::f16, {i[0]}), constant(DType::f16, 0));
  });
  EXPECT_TRUE(identical(interpret(t, std::vector{a}), a));
}

TEST(Interpret, NarrowFloatsAreComputedInF32AndRoundedByCasts) {
  const std::vector<double> values = {1, 1.0009765625};
  const Tensor a = Tensor::of(DType::f16, {2}, values);
  const TensorExpr t = tensor({2}, [](const Indices& i) {
    return cast(DType::f16, cast(DType::f32, load(0, DType::f16, {i[0]})) / 3);
  });
  const Tensor result = interpret(t, std::vector{a});
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(result.to_reals()[i], round_to(DType::f16, values[i] / 3));
}

TEST(Interpret, FlatLoadsReadRowMajorElements) {
  const Tensor a = iota(DType::i16, {2, 6});
  const TensorExpr t = tensor({3, 4}, [](const Indices& i) {
    return load_flat(0, DType::i16, flatten_index(i, {3, 4}));
  });
  EXPECT_EQ(interpret(t, std::vector{a}).to_ints(), a.to_ints());
}

TEST(Interpret, SymbolsTakeTheirValues) {
  const Dim n = Dim::symbol("n");
  const TensorExpr t = tensor({n * 2}, [&](const Indices& i) { return i[0] + dim(n); });
  EXPECT_EQ(interpret(t, {}, {{"n", 2}}).to_ints(), (std::vector<int64_t>{2, 3, 4, 5}));
  EXPECT_THROW(interpret(t, {}), Error);
}

TEST(Interpret, EveryTypeCastsToEveryOther) {
  for (int from = 1; from < dtype_count; ++from) {
    for (int to = 1; to < dtype_count; ++to) {
      const auto a = static_cast<DType>(from), b = static_cast<DType>(to);
      if (a == DType::string || b == DType::string || is_complex(a) || is_complex(b)) continue;
      const std::vector<double> ones(9, 1.0);
      const Tensor x = Tensor::of(a, {9}, ones);
      const TensorExpr t =
          tensor({9}, [&](const Indices& i) { return cast(b, load(0, a, {i[0]})); });
      EXPECT_EQ(interpret(t, std::vector{x}).to_reals(), ones) << name(a) << " to " << name(b);
    }
  }
}

}  // namespace
}  // namespace dlc
