// Property test: simplified expressions have the same elements.
#include <gtest/gtest.h>

#include "compiler/expr/interpret.h"
#include "compiler/expr/simplify.h"
#include "tests/support/random_expr.h"

namespace dlc {
namespace {

using testing::RandomCase;

TEST(SimplifyProperty, SimplifiedExpressionsHaveTheSameElements) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const RandomCase c = testing::random_case(seed);
    for (const TensorExpr& output : c.outputs) {
      const TensorExpr simple = simplify(output);
      const Tensor expected = interpret(output, c.operands, c.symbols);
      const Tensor actual = interpret(simple, c.operands, c.symbols);
      ASSERT_EQ(testing::difference(actual, expected, 1e-12), "")
          << to_string(c) << "simplified: " << to_string(simple.body);
    }
  }
}

TEST(SimplifyProperty, TheSameSeedDrawsTheSameCase) {
  EXPECT_EQ(to_string(testing::random_case(7)), to_string(testing::random_case(7)));
  EXPECT_NE(to_string(testing::random_case(7)), to_string(testing::random_case(8)));
}

}  // namespace
}  // namespace dlc
