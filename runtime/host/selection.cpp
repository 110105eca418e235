// TopK, NonZero, Compress, Unique.
// Next: runtime/host/keys.cpp.
#include "runtime/host/selection.h"

#include <algorithm>
#include <complex>
#include <numeric>

#include "runtime/error.h"
#include "runtime/host/keys.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

int64_t normalize_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) fail("axis {} is outside [-{}, {})", axis, rank, rank);
  return axis < 0 ? axis + rank : axis;
}

/// A shape seen as [outer, length, inner] around an axis.
struct AroundAxis {
  int64_t outer = 1, length, inner = 1;
  AroundAxis(const Shape& shape, int64_t axis) : length(shape[axis]) {
    for (int64_t k = 0; k < static_cast<int64_t>(shape.size()); ++k) {
      if (k < axis) outer *= shape[k];
      if (k > axis) inner *= shape[k];
    }
  }
};

/// The slices of `from` at `picked` positions of the axis.
Tensor pick(const Tensor& from, int64_t axis, const std::vector<int64_t>& picked) {
  const AroundAxis around(from.shape(), axis);
  const auto count = static_cast<int64_t>(picked.size());
  Shape shape = from.shape();
  shape[axis] = count;
  Tensor result = Tensor::allocate(from.dtype(), shape);
  for (int64_t outer = 0; outer < around.outer; ++outer) {
    for (int64_t k = 0; k < count; ++k)
      copy_elements(from, (outer * around.length + picked[k]) * around.inner, result,
                    (outer * count + k) * around.inner, around.inner);
  }
  return result;
}

struct Ranked {
  int64_t key, index;
};

/// Puts the first `k` in order, the best first.
void sort_best(std::vector<Ranked>& items, int64_t k, bool largest) {
  const auto better = [largest](const Ranked& a, const Ranked& b) {
    if (a.key != b.key) return largest ? a.key > b.key : a.key < b.key;
    return a.index < b.index;
  };
  const auto end = items.begin() + k;
  if (end != items.end()) std::nth_element(items.begin(), end, items.end(), better);
  std::sort(items.begin(), end, better);
}

}  // namespace

void top_k(const HostCall& call) {
  const Tensor& x = call.in(0);
  const int64_t axis = normalize_axis(call.attrs.integer("axis"), x.rank());
  if (call.in(1).size() != 1) fail("K must have one element, not {}", call.in(1).size());
  const int64_t k = load_integer(call.in(1).dtype(), call.in(1).data(), 0);
  const AroundAxis around(x.shape(), axis);
  if (k < 0 || k > around.length)
    fail("K is {}, but axis {} has {} elements", k, axis, around.length);
  Shape shape = x.shape();
  shape[axis] = k;
  Tensor values = Tensor::allocate(x.dtype(), shape), indices = Tensor::allocate(DType::i64, shape);
  const std::vector<int64_t> keys = order_keys(x);
  std::vector<Ranked> items(around.length);
  for (int64_t row = 0; row < around.outer * around.inner; ++row) {
    const int64_t outer = row / around.inner, inner = row % around.inner;
    const int64_t first = outer * around.length * around.inner + inner;
    for (int64_t i = 0; i < around.length; ++i) items[i] = {keys[first + i * around.inner], i};
    sort_best(items, k, call.attrs.integer("largest") != 0);
    for (int64_t i = 0; i < k; ++i) {
      const int64_t to = (outer * k + i) * around.inner + inner;
      indices.as_mutable<int64_t>()[to] = items[i].index;
      copy_elements(x, first + items[i].index * around.inner, values, to, 1);
    }
  }
  call.outputs[0] = std::move(values);
  if (call.outputs.size() > 1) call.outputs[1] = std::move(indices);
}

namespace {

bool is_non_zero(const Tensor& x, int64_t i) {
  switch (x.dtype()) {
    case DType::string:
      return !x.as<std::string>()[i].empty();
    case DType::c64:
      return x.as<std::complex<float>>()[i] != std::complex<float>();
    case DType::c128:
      return x.as<std::complex<double>>()[i] != std::complex<double>();
    default:
      return load_real(x.dtype(), x.data(), i) != 0;
  }
}

}  // namespace

void non_zero(const HostCall& call) {
  const Tensor& x = call.in(0);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < x.size(); ++i)
    if (is_non_zero(x, i)) found.push_back(i);
  const auto count = static_cast<int64_t>(found.size());
  const auto indices = call.out(0, DType::i64, {x.rank(), count}).as_mutable<int64_t>();
  for (int64_t axis = x.rank() - 1; axis >= 0; --axis) {
    for (int64_t k = 0; k < count; ++k) {
      indices[axis * count + k] = found[k] % x.shape()[axis];
      found[k] /= x.shape()[axis];
    }
  }
}

void compress(const HostCall& call) {
  const Tensor& condition = call.in(1);
  const bool flat = !call.attrs.has("axis");
  const Tensor x = flat ? call.in(0).reshaped({call.in(0).size()}) : call.in(0);
  const int64_t axis = flat ? 0 : normalize_axis(call.attrs.integer("axis"), x.rank());
  std::vector<int64_t> picked;
  for (int64_t i = 0; i < condition.size(); ++i) {
    if (load_integer(condition.dtype(), condition.data(), i) == 0) continue;
    if (i >= x.shape()[axis])
      fail("condition {} is true, but there are only {} elements", i, x.shape()[axis]);
    picked.push_back(i);
  }
  call.outputs[0] = pick(x, axis, picked);
}

namespace {

/// What Unique finds: groups of equal slices, in the order of the output.
struct Groups {
  std::vector<int64_t> first, counts;  ///< of each group
  std::vector<int64_t> inverse;        ///< the group of each slice
};

/// `keys`: [n][width], the slices one after the other.
Groups group(const std::vector<int64_t>& keys, int64_t n, int64_t width, bool sorted) {
  const auto slice = [&](int64_t i) { return std::span(keys).subspan(i * width, width); };
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::lexicographical_compare(slice(a).begin(), slice(a).end(), slice(b).begin(),
                                        slice(b).end());
  });
  std::vector<int64_t> first_of(n);  // the first slice that equals this one
  for (int64_t k = 0; k < n; ++k) {
    const bool again = k > 0 && std::equal(slice(order[k]).begin(), slice(order[k]).end(),
                                           slice(order[k - 1]).begin());
    first_of[order[k]] = again ? first_of[order[k - 1]] : order[k];
  }
  Groups groups;
  std::vector<int64_t> number(n, -1);  // of the group that starts with this slice
  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = sorted ? order[k] : k;
    if (first_of[i] != i) continue;
    number[i] = static_cast<int64_t>(groups.first.size());
    groups.first.push_back(i);
  }
  groups.counts.resize(groups.first.size());
  for (int64_t i = 0; i < n; ++i) {
    groups.inverse.push_back(number[first_of[i]]);
    ++groups.counts[groups.inverse.back()];
  }
  return groups;
}

}  // namespace

void unique(const HostCall& call) {
  const bool flat = !call.attrs.has("axis");
  const Tensor x = flat ? call.in(0).reshaped({call.in(0).size()}) : call.in(0);
  const int64_t axis = flat ? 0 : normalize_axis(call.attrs.integer("axis"), x.rank());
  const AroundAxis around(x.shape(), axis);
  const std::vector<int64_t> keys = order_keys(x);
  std::vector<int64_t> by_slice;
  by_slice.reserve(keys.size());
  for (int64_t i = 0; i < around.length; ++i) {
    for (int64_t outer = 0; outer < around.outer; ++outer) {
      const auto from = keys.begin() + (outer * around.length + i) * around.inner;
      by_slice.insert(by_slice.end(), from, from + around.inner);
    }
  }
  const Groups groups = group(by_slice, around.length, around.outer * around.inner,
                              call.attrs.integer("sorted") != 0);
  call.outputs[0] = pick(x, axis, groups.first);
  const std::vector<int64_t>* const rest[] = {&groups.first, &groups.inverse, &groups.counts};
  for (size_t k = 1; k < std::min<size_t>(call.outputs.size(), 4); ++k)
    call.outputs[k] = Tensor::ints(*rest[k - 1]);
}

}  // namespace dlc::host
