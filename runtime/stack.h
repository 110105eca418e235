// Stack: collects what each iteration of a Loop or Scan gives into one tensor.
// Next: runtime/control_flow.cpp.
#pragma once

#include <cstdint>

#include "runtime/program.h"
#include "runtime/symbols.h"

namespace dlc {

/// One stacked output. Its memory is used again in the next run, if nobody else holds it by then.
class Stack {
 public:
  /// At most `limit` elements will come; exactly as many if `exact`, which a reversed stack and one
  /// along another axis than 0 need. A negative axis counts from the end of the result's axes.
  void begin(int64_t limit, bool exact, int64_t axis = 0, bool reversed = false);
  /// Before iteration `i`: lets `out` be the place of its element, where that is possible.
  void prepare(int64_t i, Datum& out);
  /// After it: keeps `out`, if it is not there already. Throws Error for what is no tensor, or one
  /// of another type than before.
  void take(int64_t i, const Datum& out);
  /// The stacked tensor. If there was no iteration: as `parameter`, the body's output, says, with 0
  /// for sizes that are not known.
  Tensor finish(int64_t count, const Parameter& parameter, const Symbols& symbols);

 private:
  void learn(const Tensor& element);
  void reserve(int64_t count);
  int64_t place(int64_t i) const { return reversed_ ? limit_ - 1 - i : i; }
  bool is_direct() const;
  int64_t element_axis(size_t element_rank) const;

  int64_t limit_ = 0, axis_ = 0;
  bool exact_ = false, reversed_ = false;
  // Of an element; from the run before until the first one has come.
  DType dtype_ = DType::undefined;
  Shape shape_;
  int64_t element_size_ = 0;
  Tensor memory_;  ///< rank 1, of all elements
};

}  // namespace dlc
