// Tests of making, printing and rewriting expressions.
// Next: interpret_test.cpp.
#include "compiler/expr/expr.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dlc {
namespace {

Expr f32(double value) { return constant(DType::f32, value); }

TEST(Expr, ConstantsFoldInTheirType) {
  EXPECT_EQ(to_string(f32(1) / f32(3)), "0.33333334");
  EXPECT_EQ(to_string(constant(DType::i8, 100) + 100), "-56");
  EXPECT_EQ(to_string(constant(DType::i32, 7) / 0), "0");
  EXPECT_EQ(to_string(floor_div(index(-7), index(2))), "-4");
  EXPECT_EQ(to_string(floor_mod(index(-7), index(2))), "1");
  EXPECT_EQ(to_string(constant(DType::i32, -7) / 2), "-3");
  EXPECT_EQ(to_string(index(3) < index(4)), "true");
  EXPECT_EQ(to_string(cast(DType::i32, f32(-2.7))), "-2");
  EXPECT_EQ(to_string(constant_integer(DType::u64, -1)), "18446744073709551615");
  EXPECT_EQ(to_string(binary(BinaryOp::shift_left, constant(DType::u8, 3), constant(DType::u8, 8))),
            "0");
}

TEST(Expr, NeutralElementsVanish) {
  const Expr x = load(0, DType::f32, {variable(fresh_variable())});
  EXPECT_EQ((x + 0).identity(), x.identity());
  EXPECT_EQ((1 * x).identity(), x.identity());
  EXPECT_EQ((x / 1).identity(), x.identity());
  EXPECT_EQ(cast(DType::f32, x).identity(), x.identity());
  EXPECT_EQ((-(-x)).identity(), x.identity());
  EXPECT_EQ(to_string(x * 0), "a[i0] * 0") << "NaN and infinity times 0 are not 0";
}

TEST(Expr, CastsThatOnlyWidenedAreUndone) {
  const Expr half = load(0, DType::f16, {index(0)});
  EXPECT_EQ(cast(DType::f16, cast(DType::f32, half)).identity(), half.identity());
  const Expr x = load(0, DType::f32, {index(0)});
  EXPECT_EQ(to_string(cast(DType::f32, cast(DType::f16, x))), "f32(f16(a[0]))");
  const Expr big = load(0, DType::i64, {index(0)});
  EXPECT_EQ(to_string(cast(DType::i64, cast(DType::f64, big))), "i64(f64(a[0]))");
}

TEST(Expr, SizesFoldToOneDim) {
  const Dim batch = Dim::symbol("batch");
  EXPECT_EQ(to_string(dim(batch) * 2 + dim(batch)), "3*batch");
  EXPECT_EQ(to_string(floor_div(dim(batch), index(2))), to_string(dim(floor_div(batch, Dim(2)))));
}

TEST(Expr, TextHasFewParentheses) {
  const TensorExpr t = tensor({4, 8}, [](const Indices& i) {
    const Expr x = load(0, DType::f32, {i[0], i[1] + 2});
    return (x + load(1, DType::f32, {i[1]})) * 0.5 - exp(-x);
  });
  EXPECT_EQ(to_string(t.body), "(a[i0, i1 + 2] + b[i1]) * 0.5 - exp(-a[i0, i1 + 2])");
  const TensorExpr product = tensor({4, 8}, [](const Indices& i) {
    return sum({16}, [&](const Indices& k) {
      return load(0, DType::f32, {i[0], k[0]}) * load(1, DType::f32, {k[0], i[1]});
    });
  });
  EXPECT_EQ(to_string(product.body), "sum(i0 < 16: a[i1, i0] * b[i0, i2])");
}

TEST(Expr, TextOfSharedTermsStaysShort) {
  Expr x = load(0, DType::f32, {index(0)});
  for (int i = 0; i < 60; ++i) x = x * sigmoid(x);
  EXPECT_LT(to_string(x).size(), 5000u);
}

TEST(Expr, SameCountsReductionVariablesByPosition) {
  const auto total = [] {
    return sum({8}, [](const Indices& k) { return load(0, DType::f32, {k[0]}); });
  };
  const Expr a = total(), b = total();
  EXPECT_TRUE(same(a, b));
  EXPECT_EQ(hash(a), hash(b));
  const Expr other = sum({9}, [](const Indices& k) { return load(0, DType::f32, {k[0]}); });
  EXPECT_FALSE(same(a, other));
  const Expr i = variable(fresh_variable()), j = variable(fresh_variable());
  EXPECT_FALSE(same(i, j)) << "free variables are themselves";
}

TEST(Expr, SubstitutionReplacesFreeVariablesOnly) {
  const TensorExpr t = tensor({4}, [](const Indices& i) {
    return sum({3}, [&](const Indices& k) { return load(0, DType::f32, {i[0] + k[0]}); });
  });
  const Expr moved = substitute(t.body, {{t.axes[0].variable, index(5)}});
  EXPECT_EQ(to_string(moved), "sum(i0 < 3: a[i0 + 5])");
  const Expr kept = substitute(t.body, {{t.body->axes[0].variable, index(5)}});
  EXPECT_TRUE(same(kept, t.body));
}

TEST(Expr, AnElementTakenTwiceHasItsOwnReductionVariables) {
  const TensorExpr t = tensor({4}, [](const Indices& i) {
    return sum({3}, [&](const Indices& k) { return load(0, DType::f32, {i[0], k[0]}); });
  });
  const Expr a = t.at({index(0)}), b = t.at({index(1)});
  EXPECT_NE(a->axes[0].variable, b->axes[0].variable);
  EXPECT_NE(a->axes[0].variable, t.body->axes[0].variable);
  EXPECT_EQ(to_string(a), "sum(i0 < 3: a[0, i0])");
}

TEST(Expr, RewriteVisitsSharedTermsOnce) {
  Expr x = load(0, DType::f32, {index(0)});
  for (int i = 0; i < 60; ++i) x = x * x;
  int visited = 0;
  const Expr y = rewrite(x, [&](const Expr& e) {
    ++visited;
    return e->kind == ExprKind::load ? load(1, DType::f32, {index(0)}) : Expr();
  });
  EXPECT_EQ(visited, 62);
  EXPECT_TRUE(same(y, y));
}

TEST(Expr, ARemainderOfZeroHasTheSignOfTheDivisor) {
  for (const double a : {0.0, -0.0, 4.0, -4.0}) {
    const Expr plus = floor_mod(constant(DType::f32, a), constant(DType::f32, 2));
    const Expr minus = floor_mod(constant(DType::f32, a), constant(DType::f32, -2));
    EXPECT_FALSE(std::signbit(plus->real)) << a;
    EXPECT_TRUE(std::signbit(minus->real)) << a;
  }
}

TEST(Expr, WhatAReplacementFoldsToIsNotReplacedAgain) {
  const Expr e = load(0, DType::i64, {index(2)}) + load(1, DType::i64, {});
  const Expr sum = rewrite(e, [](const Expr& node) {
    if (node->kind != ExprKind::load) return Expr();
    return node->input == 1 ? index(0) : load(1, DType::i64, node->args);
  });
  EXPECT_TRUE(same(sum, load(1, DType::i64, {index(2)}))) << to_string(sum);

  const Variable a = fresh_variable(), b = fresh_variable(), c = fresh_variable();
  const Expr moved =
      substitute(variable(a) + variable(c), {{a, variable(b)}, {b, variable(a)}, {c, index(0)}});
  EXPECT_TRUE(same(moved, variable(b)));
}

TEST(Expr, UnflattenInvertsFlatten) {
  const Dims shape = {2, 3, 4};
  for (int64_t at = 0; at < 24; ++at) {
    const Indices indices = unflatten_index(index(at), shape);
    EXPECT_EQ(flatten_index(indices, shape)->integer, at);
  }
  EXPECT_TRUE(unflatten_index(index(0), {}).empty());
  EXPECT_EQ(flatten_index({}, {})->integer, 0);
}

}  // namespace
}  // namespace dlc
