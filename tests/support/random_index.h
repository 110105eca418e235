// Random loads whose indices are inside their operands, for random_expr.cpp.
// Next: random_index.cpp.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/random_expr.h"

namespace dlc::testing {

/// The same numbers on every machine, unlike std's distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 0x9e3779b97f4a7c15 + 1) {}
  /// Takes its numbers from the bytes, which must live as long: small changes of them make other
  /// choices, as fuzzers need it. Once they are used up, numbers come from a fixed seed.
  explicit Random(std::span<const uint8_t> bytes) : engine_(1), bytes_(bytes) {}

  int64_t below(int64_t end) {
    const auto range = static_cast<uint64_t>(end);
    return static_cast<int64_t>(number(range) % range);
  }
  bool chance(int64_t one_in) { return below(one_in) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<size_t>(below(static_cast<int64_t>(from.size())))];
  }

 private:
  uint64_t number(uint64_t range) {
    const size_t width = range <= 1u << 8 ? 1 : range <= 1u << 16 ? 2 : 8;
    if (bytes_.size() < width) return engine_();
    uint64_t value = 0;
    for (uint8_t byte : bytes_.first(width)) value = value << 8 | byte;
    bytes_ = bytes_.subspan(width);
    return value;
  }

  std::mt19937_64 engine_;
  std::span<const uint8_t> bytes_;
};

/// Knows the variables in scope and adds operands to the case.
class RandomIndices {
 public:
  RandomIndices(Random& random, RandomCase& result) : random_(random), case_(result) {}

  Dims shape(bool symbolic);
  Dims reduced_extents();
  int64_t number(const Dim& extent) const;
  void enter(const Indices& variables, const Dims& extents);
  void leave(size_t variables);

  /// An element of a new or known operand, and the greatest magnitude in it.
  std::pair<Expr, double> load(DType type);
  /// An i64 expression and the end of its range.
  std::pair<Expr, int64_t> any_index();

 private:
  struct InScope {
    Expr variable;
    Dim extent;
  };
  struct Index {
    Expr e;
    Dim extent;  ///< 0 <= e < extent
  };
  Dim extent(bool symbolic);
  Index index();
  Index index_of(const InScope& v);
  Index gathered();
  int operand(DType type, const Dims& shape, int64_t end);
  Tensor random_tensor(DType type, const Shape& shape, int64_t end);
  Shape numbers(const Dims& shape) const;

  Random& random_;
  RandomCase& case_;
  std::vector<InScope> scope_;
  std::vector<int64_t> ends_;  ///< by operand: the end its integers were drawn with, or 0
};

}  // namespace dlc::testing
