// Tests of the interpreter over sizes.
#include <gtest/gtest.h>

#include "compiler/expr/interpret.h"

namespace dlc {
namespace {

const Dim batch = Dim::symbol("batch"), seq = Dim::symbol("seq");

/// The elements for operands that are i64 vectors.
std::optional<Dims> elements(const TensorExpr& t, std::vector<std::optional<Dims>> operands) {
  std::vector<Type> types;
  for (const auto& operand : operands)
    types.push_back(
        Type::tensor(DType::i64, {static_cast<int64_t>(operand ? operand->size() : 1)}));
  return interpret_symbolic(t, operands, types);
}

TEST(InterpretSymbolic, SizesAreGatheredAndScaled) {
  const TensorExpr t =
      tensor({2}, [](const Indices& i) { return load(0, DType::i64, {1 - i[0]}) * 2 + i[0]; });
  EXPECT_EQ(elements(t, {{{batch, seq}}}), (Dims{seq * 2, batch * 2 + 1}));
}

TEST(InterpretSymbolic, AProductOfSizesIsAReduction) {
  const TensorExpr t = {{}, reduce(ReduceOp::product, {3}, [](const Indices& k) {
                          return load(0, DType::i64, {k[0]});
                        })};
  EXPECT_EQ(elements(t, {{{batch, seq, 768}}}), (Dims{batch * seq * 768}));
}

TEST(InterpretSymbolic, ScalingInFloatsAndRoundingDownIsADivision) {
  const Expr x = cast(DType::f32, load(0, DType::i64, {index(0)}));
  EXPECT_EQ(elements({{}, cast(DType::i64, floor(x * 0.5))}, {{{seq}}}),
            (Dims{floor_div(seq, Dim(2))}));
  EXPECT_EQ(elements({{}, cast(DType::i64, x * 2.0)}, {{{seq}}}), (Dims{seq * 2}));
  EXPECT_EQ(elements({{}, cast(DType::i64, x * 0.1)}, {{{seq}}}), std::nullopt);
}

TEST(InterpretSymbolic, SelectsTakeTheBranchThatIsKnown) {
  const Expr x = load(0, DType::i64, {index(0)});
  const Expr chosen = select(x < 0, x + 7, x + 1);
  EXPECT_EQ(elements({{}, chosen}, {{{seq}}}), (Dims{seq + 1}));
  const Expr unknown = select(equal(x, 0), x + 7, x + 1);
  EXPECT_EQ(elements({{}, unknown}, {{{seq}}}), std::nullopt);
}

TEST(InterpretSymbolic, UnknownElementsMatterOnlyWhereTheyAreUsed) {
  const TensorExpr t = tensor({2}, [](const Indices& i) {
    return select(i[0] < 1, load(0, DType::i64, {index(0)}), index(4));
  });
  EXPECT_EQ(elements(t, {{{seq}}}), (Dims{seq, 4}));
  EXPECT_EQ(elements(t, {std::nullopt}), std::nullopt);
}

}  // namespace
}  // namespace dlc
