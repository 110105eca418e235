// Host kernels over sequences and optionals.
#include "runtime/host/sequence.h"

#include <gtest/gtest.h>

#include "runtime/error.h"

namespace dlc::host {
namespace {

using Reals = std::vector<double>;

Datum f32(Shape shape, Reals values) { return Tensor::of(DType::f32, std::move(shape), values); }
Datum number(int64_t value) { return Tensor::scalar(DType::i64, static_cast<double>(value)); }
Datum list(std::vector<Reals> rows) {
  std::vector<Datum> items;
  for (Reals& row : rows) {
    const auto size = static_cast<int64_t>(row.size());
    items.push_back(f32({size}, std::move(row)));
  }
  return Datum::sequence(std::move(items));
}

Datum call(HostFunction function, std::vector<Datum> inputs,
           std::map<std::string, int64_t> attributes = {}) {
  Attributes attrs;
  for (const auto& [name, value] : attributes) attrs.set(name, value);
  std::vector<Datum> outputs(1);
  function({inputs, outputs, attrs});
  return outputs[0];
}

std::vector<Reals> rows(const Datum& sequence) {
  EXPECT_EQ(sequence.kind, Datum::Kind::sequence);
  std::vector<Reals> result;
  for (const Datum& item : sequence.items) result.push_back(item.tensor.to_reals());
  return result;
}
using Rows = std::vector<Reals>;

TEST(Sequence, ElementsAreCopiesOfTheInputs) {
  float memory[] = {1, 2};
  const Datum sequence =
      call(sequence_construct, {Tensor::borrow(DType::f32, {2}, memory), f32({1}, {3})});
  memory[0] = 9;
  EXPECT_EQ(rows(sequence), (Rows{{1, 2}, {3}}));
}

TEST(Sequence, PositionsCountFromBothEnds) {
  const Datum three = list({{1}, {2}, {3}});
  EXPECT_EQ(call(sequence_at, {three, number(-1)}).tensor.to_reals(), (Reals{3}));
  EXPECT_EQ(rows(call(sequence_insert, {three, f32({1}, {9}), number(-3)})),
            (Rows{{9}, {1}, {2}, {3}}));
  EXPECT_EQ(rows(call(sequence_insert, {three, f32({1}, {9}), number(3)})),
            (Rows{{1}, {2}, {3}, {9}}));
  EXPECT_EQ(rows(call(sequence_insert, {three, f32({1}, {9})})), (Rows{{1}, {2}, {3}, {9}}));
  EXPECT_EQ(rows(call(sequence_erase, {three, number(0)})), (Rows{{2}, {3}}));
  EXPECT_EQ(rows(call(sequence_erase, {three})), (Rows{{1}, {2}}));
  EXPECT_EQ(call(sequence_length, {three}).tensor.to_ints(), (std::vector<int64_t>{3}));
}

TEST(Sequence, PositionsOutsideAreErrors) {
  const Datum one = list({{1}}), none = call(sequence_empty, {});
  EXPECT_THROW(call(sequence_at, {one, number(1)}), Error);
  EXPECT_THROW(call(sequence_at, {one, number(-2)}), Error);
  EXPECT_THROW(call(sequence_at, {none, number(0)}), Error);
  EXPECT_THROW(call(sequence_insert, {one, f32({1}, {9}), number(2)}), Error);
  EXPECT_THROW(call(sequence_erase, {none}), Error);
  EXPECT_THROW(call(sequence_length, {f32({1}, {1})}), Error);
}

TEST(Sequence, ConcatenatesAndStacks) {
  const Datum parts = Datum::sequence({f32({2, 1}, {1, 2}), f32({2, 2}, {3, 4, 5, 6})});
  Datum joined = call(concat_from_sequence, {parts}, {{"axis", -1}, {"new_axis", 0}});
  EXPECT_EQ(joined.tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(joined.tensor.to_reals(), (Reals{1, 3, 4, 2, 5, 6}));
  joined =
      call(concat_from_sequence, {list({{1, 2}, {3, 4}, {5, 6}})}, {{"axis", -1}, {"new_axis", 1}});
  EXPECT_EQ(joined.tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(joined.tensor.to_reals(), (Reals{1, 3, 5, 2, 4, 6}));
  EXPECT_THROW(call(concat_from_sequence, {parts}, {{"axis", 0}, {"new_axis", 0}}), Error);
  EXPECT_THROW(call(concat_from_sequence, {parts}, {{"axis", 0}, {"new_axis", 1}}), Error);
  EXPECT_THROW(
      call(concat_from_sequence, {call(sequence_empty, {})}, {{"axis", 0}, {"new_axis", 0}}),
      Error);
}

TEST(Sequence, SplitsByLengthsOrOneByOne) {
  const Datum x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::map<std::string, int64_t> columns = {{"axis", 1}, {"keepdims", 1}};
  EXPECT_EQ(rows(call(split_to_sequence, {x, number(2)}, columns)), (Rows{{1, 2, 4, 5}, {3, 6}}));
  const Datum lengths = Tensor::ints(std::vector<int64_t>{1, 0, 2});
  EXPECT_EQ(rows(call(split_to_sequence, {x, lengths}, columns)), (Rows{{1, 4}, {}, {2, 3, 5, 6}}));
  const Datum single = call(split_to_sequence, {x}, {{"axis", 0}, {"keepdims", 0}});
  EXPECT_EQ(rows(single), (Rows{{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(single.items[0].tensor.shape(), (Shape{3}));
  EXPECT_EQ(call(split_to_sequence, {x}, columns).items[0].tensor.shape(), (Shape{2, 1}));
  EXPECT_THROW(call(split_to_sequence, {x, number(0)}, columns), Error);
  const Datum wrong = Tensor::ints(std::vector<int64_t>{1, 1});
  EXPECT_THROW(call(split_to_sequence, {x, wrong}, columns), Error);
}

TEST(Optional, HoldsSomethingOrNothing) {
  const Datum held = call(optional, {f32({1}, {5})}), empty = call(optional, {});
  EXPECT_EQ(call(optional_get_element, {held}).tensor.to_reals(), (Reals{5}));
  EXPECT_EQ(call(optional_has_element, {held}).tensor.to_ints(), (std::vector<int64_t>{1}));
  EXPECT_EQ(call(optional_has_element, {empty}).tensor.to_ints(), (std::vector<int64_t>{0}));
  EXPECT_EQ(call(optional_has_element, {}).tensor.to_ints(), (std::vector<int64_t>{0}));
  EXPECT_THROW(call(optional_get_element, {empty}), Error);
}

}  // namespace
}  // namespace dlc::host
