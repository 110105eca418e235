// Broadcasting of shapes and indices.
#include "compiler/ops/elementwise_shape.h"

#include <algorithm>

namespace dlc {
namespace {

Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  if (a.is_number() && b.is_number())
    fail("sizes {} and {} do not broadcast", a.number(), b.number());
  // One of them is 1 at run time, or both are equal: a number other than 1 is the answer already.
  if (a.is_number()) return a;
  if (b.is_number()) return b;
  // (A symbolic 0 against a symbolic 1 gives 1 where NumPy gives 0: nobody broadcasts so.)
  return maximum(a, b);
}

}  // namespace

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  Dims shape(std::max(a.size(), b.size()), Dim(1));
  for (size_t k = 0; k < shape.size(); ++k) {
    const Dim from_a = k < a.size() ? a[a.size() - 1 - k] : Dim(1);
    const Dim from_b = k < b.size() ? b[b.size() - 1 - k] : Dim(1);
    shape[shape.size() - 1 - k] = broadcast_dim(from_a, from_b);
  }
  return shape;
}

Dims broadcast_shape(const OpArgs& args) {
  Dims shape;
  for (size_t k = 0; k < args.input_count(); ++k) {
    if (args.input(k).valid()) shape = broadcast_shapes(shape, args.shape(k));
  }
  return shape;
}

Indices broadcast_indices(const Indices& indices, const Dims& to, const Dims& from) {
  Indices at(from.size());
  const size_t skipped = to.size() - from.size();
  for (size_t k = 0; k < from.size(); ++k) {
    const Expr& i = indices[skipped + k];
    if (from[k] == Dim(1)) {
      at[k] = index(0);
    } else if (from[k] == to[skipped + k]) {
      at[k] = i;
    } else {
      at[k] = minimum(i, dim(from[k] - 1));
    }
  }
  return at;
}

}  // namespace dlc
