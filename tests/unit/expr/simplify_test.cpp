// Tests of the index simplifier: chains of reshapes, transposes, splits and concats vanish.
// Next: simplify_property_test.cpp.
#include "compiler/expr/simplify.h"

#include <gtest/gtest.h>

#include <functional>

namespace dlc {
namespace {

const Dim batch = Dim::symbol("batch"), seq = Dim::symbol("seq");

using View = std::function<Expr(const Indices&)>;

TensorExpr input(const Dims& shape, int number = 0) {
  return tensor(shape, [&](const Indices& i) { return load(number, DType::f32, i); });
}
TensorExpr reshape(const TensorExpr& t, const Dims& shape) {
  return tensor(shape, [&](const Indices& i) {
    return t.at(unflatten_index(flatten_index(i, shape), t.shape()));
  });
}
TensorExpr transpose(const TensorExpr& t, const std::vector<size_t>& order) {
  Dims shape;
  for (size_t axis : order) shape.push_back(t.axes[axis].extent);
  return tensor(shape, [&](const Indices& i) {
    Indices from(order.size());
    for (size_t k = 0; k < order.size(); ++k) from[order[k]] = i[k];
    return t.at(from);
  });
}
TensorExpr slice(const TensorExpr& t, size_t axis, const Dim& begin, const Dim& length) {
  Dims shape = t.shape();
  shape[axis] = length;
  return tensor(shape, [&](Indices i) {
    i[axis] = i[axis] + dim(begin);
    return t.at(i);
  });
}
TensorExpr concat(const TensorExpr& a, const TensorExpr& b, size_t axis) {
  Dims shape = a.shape();
  const Dim middle = shape[axis];
  shape[axis] = middle + b.axes[axis].extent;
  return tensor(shape, [&](const Indices& i) {
    Indices rest = i;
    rest[axis] = i[axis] - dim(middle);
    return select(i[axis] < dim(middle), a.at(i), b.at(rest));
  });
}
std::string text(const TensorExpr& t) {
  // Numbers the axes first, so that the text shows which is which.
  Indices axes;
  for (const Axis& axis : t.axes) axes.push_back(variable(axis.variable));
  axes.push_back(cast(DType::i64, simplify(t).body));
  const std::string all = to_string(load(25, DType::i64, axes));
  const size_t begin = all.find("i64(") + 4;
  return all.substr(begin, all.size() - 2 - begin);
}

TEST(Simplify, AReshapeThereAndBackIsNothing) {
  const Dims shape = {batch, seq, 768};
  const TensorExpr x = input(shape);
  EXPECT_EQ(text(reshape(reshape(x, {batch * seq, 768}), shape)), "a[i0, i1, i2]");
  EXPECT_EQ(text(reshape(reshape(x, {batch, seq, 12, 64}), shape)), "a[i0, i1, i2]");
  EXPECT_EQ(text(reshape(reshape(x, {batch, seq * 768}), shape)), "a[i0, i1, i2]");
  EXPECT_EQ(text(reshape(reshape(x, {batch * seq * 768}), shape)), "a[i0, i1, i2]");
  EXPECT_EQ(text(reshape(reshape(x, {1, batch, 1, seq * 768}), shape)), "a[i0, i1, i2]");
}

TEST(Simplify, SplittingHeadsIsAStride) {
  const TensorExpr x = input({batch, seq, 768});
  const TensorExpr heads = transpose(reshape(x, {batch, seq, 12, 64}), {0, 2, 1, 3});
  EXPECT_EQ(text(heads), "a[i0, i2, i1 * 64 + i3]");
  const TensorExpr merged = reshape(transpose(heads, {0, 2, 1, 3}), {batch, seq, 768});
  EXPECT_EQ(text(merged), "a[i0, i1, i2]");
  EXPECT_EQ(text(reshape(heads, {batch * 12, seq, 64})), "a[i0 // 12, i1, i0 % 12 * 64 + i2]");
}

TEST(Simplify, MergingHeadsReadsHeadAndElement) {
  const TensorExpr x = input({batch, 12, seq, 64});
  const TensorExpr merged = reshape(transpose(x, {0, 2, 1, 3}), {batch * seq, 768});
  EXPECT_EQ(text(merged), "a[i0 // seq, i1 // 64, i0 % seq, i1 % 64]");
}

TEST(Simplify, QuotientsAndRemaindersJoinAgain) {
  const TensorExpr x = input({24});
  EXPECT_EQ(text(reshape(reshape(reshape(x, {4, 6}), {2, 2, 3, 2}), {24})), "a[i0]");
  EXPECT_EQ(text(reshape(reshape(x, {8, 3}), {6, 4})), "a[i0 * 4 + i1]");
  EXPECT_EQ(text(reshape(reshape(input({6, 4}), {3, 8}), {24})), "a[i0 // 4, i0 % 4]");
}

TEST(Simplify, ShuffledChannelsNeedNoDivisionOfTheBatch) {
  const TensorExpr x = input({batch, 32, 7, 7});
  const TensorExpr groups = reshape(x, {batch, 4, 8, 7, 7});
  const TensorExpr shuffled = reshape(transpose(groups, {0, 2, 1, 3, 4}), {batch, 32, 7, 7});
  EXPECT_EQ(text(shuffled), "a[i0, i1 % 4 * 8 + i1 // 4, i2, i3]");
}

TEST(Simplify, AConcatOfBothHalvesReadsTheWhole) {
  const TensorExpr x = input({batch, 10});
  const TensorExpr both = concat(slice(x, 1, 0, 4), slice(x, 1, 4, 6), 1);
  EXPECT_EQ(text(slice(both, 1, 0, 4)), "a[i0, i1]");
  EXPECT_EQ(text(slice(both, 1, 5, 3)), "a[i0, i1 + 5]");
  EXPECT_EQ(text(both), "a[i0, i1]");
}

TEST(Simplify, BranchesKnowTheirCondition) {
  const TensorExpr left = input({batch, 8}), right = reshape(input({batch, 2, 4}, 1), {batch, 8});
  const TensorExpr both = concat(left, right, 1);
  EXPECT_EQ(text(both), "select(i1 < 8, a[i0, i1], b[i0, i1 // 4 - 2, i1 % 4])");
  EXPECT_EQ(text(concat(both, left, 1)),
            "select(i1 < 16, select(i1 < 8, a[i0, i1], b[i0, i1 // 4 - 2, i1 % 4]), "
            "a[i0, i1 - 16])");
  const TensorExpr grown = concat(input({seq}), input({3}, 1), 0);
  EXPECT_EQ(text(grown), "select(i0 < seq, a[i0], b[i0 - seq])");
  EXPECT_EQ(text(slice(grown, 0, seq, 3)), "b[i0]");
}

TEST(Simplify, ClampsInsideTheRangeVanish) {
  const TensorExpr x = input({seq});
  const auto clamped = [&](int64_t offset) {
    return tensor({seq}, [&](const Indices& i) {
      return x.at({clamp(i[0] + index(offset), index(0), dim(seq) - 1)});
    });
  };
  EXPECT_EQ(text(clamped(0)), "a[i0]");
  EXPECT_EQ(text(clamped(1)), "a[min(i0 + 1, seq-1)]");
  const TensorExpr from_end = tensor(
      {seq}, [&](const Indices& i) { return x.at({select(i[0] < 0, i[0] + dim(seq), i[0])}); });
  EXPECT_EQ(text(from_end), "a[i0]");
}

TEST(Simplify, ConditionsBecomeSimple) {
  const Variable v = fresh_variable(), w = fresh_variable();
  const Expr i = variable(v), j = variable(w);
  const Ranges ranges = {{v, 16}, {w, 4}};
  const auto shown = [&](const Expr& e) { return to_string(simplify(e, ranges)); };
  EXPECT_EQ(shown(i + 2 < 5), "i0 < 3");
  EXPECT_EQ(shown(i - 2 >= 0), "i0 >= 2");
  EXPECT_EQ(shown(i * 4 + j < 20), "i0 < 5");
  EXPECT_EQ(shown(i * 4 + j >= 20), "i0 >= 5");
  EXPECT_EQ(shown(i * 4 + j < 64), "true");
  EXPECT_EQ(shown(i < j), "i0 < i1");
  EXPECT_EQ(shown(equal(i + 1, 0)), "false");
  EXPECT_EQ(shown(not_equal(i, i)), "false");
  EXPECT_EQ(shown(i > -1 && j < 9), "true");
  EXPECT_EQ(shown(floor_div(i * 8 + j * 2, index(16))), "i0 // 2");
  EXPECT_EQ(shown(floor_mod(i * 8 + j * 2, index(16))), "i0 % 2 * 8 + i1 * 2");
  EXPECT_EQ(shown(floor_div(i - 16, index(16))), "-1");
  EXPECT_EQ(shown(floor_div(floor_div(i, index(2)), index(3))), "i0 // 6");
}

TEST(Simplify, LoadedIndicesKeepTheirMeaning) {
  const TensorExpr gather = tensor({batch, 8}, [](const Indices& i) {
    const Expr at = load(1, DType::i64, {i[0]});
    return load(0, DType::f32, {select(at < 0, at + 100, at), i[1]});
  });
  EXPECT_EQ(text(gather), "a[select(b[i0] < 0, b[i0] + 100, b[i0]), i1]");
  EXPECT_EQ(text(reshape(gather, {batch * 8})),
            "a[select(b[i0 // 8] < 0, b[i0 // 8] + 100, b[i0 // 8]), i0 % 8]");
}

TEST(Simplify, AReductionOverOneElementHasNoLoop) {
  const TensorExpr t = tensor({4}, [](const Indices& i) {
    return sum({1, 3}, [&](const Indices& k) { return load(0, DType::f32, {i[0], k[0], k[1]}); });
  });
  EXPECT_EQ(to_string(simplify(t).body), "sum(i0 < 3: a[i1, 0, i0])");
  const TensorExpr one = tensor({4}, [](const Indices& i) {
    return sum({1}, [&](const Indices& k) { return load(0, DType::f32, {i[0], k[0]}); });
  });
  EXPECT_EQ(to_string(simplify(one).body), "a[i0, 0]");
}

TEST(Simplify, ReductionsOverReshapedOperandsReadThemDirectly) {
  const TensorExpr x = reshape(input({batch, seq, 12, 64}), {batch * seq, 768});
  const TensorExpr t = tensor({batch, seq}, [&](const Indices& i) {
    return sum({768}, [&](const Indices& k) { return x.at({i[0] * dim(seq) + i[1], k[0]}); });
  });
  EXPECT_EQ(text(t), "sum(i2 < 768: a[i0, i1, i2 // 64, i2 % 64])");
}

TEST(Simplify, NestedSelectsWithSharedTermsStayFast) {
  const TensorExpr t = tensor({64}, [](const Indices& i) {
    Expr x = load(0, DType::f32, {i[0]});
    for (int k = 0; k < 40; ++k) x = select(i[0] < k, x * 2, exp(x));
    return x;
  });
  EXPECT_TRUE(simplify(t).body.valid());
}

TEST(StrideOf, IsTheFactorOfTheVariable) {
  const Variable v = fresh_variable(), w = fresh_variable();
  const Expr i = variable(v), j = variable(w);
  EXPECT_EQ(to_string(*stride_of(i * dim(seq) + j * 3 - i, v)), "seq-1");
  EXPECT_EQ(to_string(*stride_of(i * 4 + j, w)), "1");
  EXPECT_EQ(to_string(*stride_of(j, v)), "0");
  EXPECT_EQ(to_string(*stride_of(load(0, DType::i64, {j}) + i * 2, v)), "2");
  EXPECT_FALSE(stride_of(load(0, DType::i64, {i}), v));
  EXPECT_FALSE(stride_of(floor_div(i, index(2)), v));
  EXPECT_FALSE(stride_of(i * i, v));
}

TEST(Bounds, ComeFromTheRanges) {
  const Variable v = fresh_variable(), w = fresh_variable();
  const Expr i = variable(v), j = variable(w);
  const Ranges ranges = {{v, seq}, {w, 4}};
  EXPECT_EQ(lower_bound(i * 4 + j - 3, ranges), Dim(-3));
  EXPECT_EQ(upper_bound(i * 4 + j, ranges), seq * 4 - 1);
  EXPECT_EQ(upper_bound(floor_mod(i, index(7)), ranges), Dim(6));
  EXPECT_EQ(lower_bound(index(0) - j, ranges), Dim(-3));
  EXPECT_EQ(upper_bound(load(0, DType::i64, {i}), ranges), std::nullopt);
}

}  // namespace
}  // namespace dlc
