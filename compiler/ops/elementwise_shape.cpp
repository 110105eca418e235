// Broadcasting of shapes and indices.
#include "compiler/ops/elementwise_shape.h"

#include <algorithm>
#include <optional>

#include "compiler/ir/dim_form.h"

namespace dlc {
namespace {

/// Whether b is min(a, c) with a number c above 1: these two are equal where they broadcast at all.
bool is_capped(const Dim& a, const Dim& b) {
  const std::optional<int64_t> c = range_of(b).high;
  return c && *c > 1 && b == minimum(a, Dim(*c));
}

/// The size that two sizes broadcast to, if they do.
Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  // One of them is 1 at run time, or both are equal: a number other than 1 is the answer already.
  if (a.is_number()) return a;
  if (b.is_number()) return b;
  if (is_capped(a, b)) return a;
  if (is_capped(b, a)) return b;
  const Dim smaller = minimum(a, b), larger = maximum(a, b);
  // 0 and 1 give 0, all others the larger one.
  return (smaller - 1).is_non_negative() ? larger : larger * minimum(smaller, 1);
}

template <typename Check>
Dims broadcast(const Dims& a, const Dims& b, Check check) {
  Dims shape(std::max(a.size(), b.size()), Dim(1));
  for (size_t k = 0; k < shape.size(); ++k) {
    const Dim from_a = k < a.size() ? a[a.size() - 1 - k] : Dim(1);
    const Dim from_b = k < b.size() ? b[b.size() - 1 - k] : Dim(1);
    if (!(from_a == Dim(1)) && !(from_b == Dim(1))) check(from_a, from_b);
    shape[shape.size() - 1 - k] = broadcast_dim(from_a, from_b);
  }
  return shape;
}

}  // namespace

Dims broadcast_shapes(const OpArgs& args, const Dims& a, const Dims& b) {
  return broadcast(
      a, b, [&](const Dim& x, const Dim& y) { args.require(SizeRule::broadcast, x, y, "sizes"); });
}

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  return broadcast(a, b, [](const Dim&, const Dim&) {});
}

void expect_broadcast_to(const OpArgs& args, const Dims& from, const Dims& to,
                         std::string_view what) {
  if (from.size() > to.size())
    fail("{} has {} axes, but must fit into {}", what, from.size(), to.size());
  const Dims both = broadcast_shapes(args, from, to);
  for (size_t k = 0; k < to.size(); ++k)
    args.require(SizeRule::equal, both[k], to[k], fmt::format("size of {} along axis {}", what, k));
}

Dims broadcast_shape(const OpArgs& args) {
  Dims shape;
  for (size_t k = 0; k < args.input_count(); ++k) {
    if (args.input(k).valid()) shape = broadcast_shapes(args, shape, args.shape(k));
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
