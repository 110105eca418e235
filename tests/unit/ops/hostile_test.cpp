// Every row's samples with inputs that contradict each other, interpreted: an Error or a result.
// (Build with the asan preset to see reads outside.) Compiled: tests/unit/driver/hostile_test.cpp.
#include "tests/support/hostile.h"

#include <gtest/gtest.h>

namespace dlc {
namespace {

TEST(Hostile, OtherShapesAndRanksGiveAnErrorOrAResult) {
  int results = 0, errors = 0;
  for (const OpDef* def : all_ops()) {
    for (std::string_view text : def->samples) {
      const Graph sample = sample_graph(*def, text);
      const std::vector<Datum> regular = test::random_inputs(sample, 5);
      std::mt19937 random(11);
      for (size_t k = 0; k < regular.size(); ++k) {
        const Type& type = sample.type(sample.inputs()[k]);
        if (!type.is_tensor() || !type.ranked) continue;
        SCOPED_TRACE(fmt::format("{}: {}, input {}", def->name, text, k));
        test::infer_other_ranks(sample, k);
        for (const Shape& shape : test::changed_shapes(regular[k].tensor.shape())) {
          std::vector<Datum> inputs = regular;
          inputs[k] = test::random_tensor(type.dtype, shape, random);
          ++(test::interpreted(sample, inputs) ? results : errors);
        }
      }
    }
  }
  EXPECT_GT(results, 100);
  EXPECT_GT(errors, 100);
}

}  // namespace
}  // namespace dlc
