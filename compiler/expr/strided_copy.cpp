// Moves elements without looking at them: constants of 100 MB are transposed on this way.
// Next: interpret.cpp.
#include "compiler/expr/strided_copy.h"

#include <cassert>
#include <cstring>
#include <optional>

namespace dlc {
namespace {

/// base + sum over axes of strides[axis] * index.
struct Affine {
  int64_t base = 0;
  std::vector<int64_t> strides;

  bool is_number() const {
    for (int64_t stride : strides)
      if (stride != 0) return false;
    return true;
  }
};

Affine combine(const Affine& a, const Affine& b, int64_t factor) {
  Affine sum = a;
  sum.base += factor * b.base;
  for (size_t i = 0; i < sum.strides.size(); ++i) sum.strides[i] += factor * b.strides[i];
  return sum;
}

class AffineReader {
 public:
  AffineReader(const std::vector<Axis>& axes, const lanes::Sizes& sizes)
      : axes_(axes), sizes_(sizes) {}

  std::optional<Affine> operator()(const Expr& e) const {
    Affine form{0, std::vector<int64_t>(axes_.size(), 0)};
    switch (e->kind) {
      case ExprKind::constant:
        form.base = e->integer;
        return form;
      case ExprKind::dim:
        form.base = sizes_(e->dim);
        return form;
      case ExprKind::variable:
        for (size_t i = 0; i < axes_.size(); ++i)
          if (axes_[i].variable == e->variable) form.strides[i] = 1;
        return form;
      case ExprKind::binary:
        return of_binary(e.node());
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<Affine> of_binary(const ExprNode& e) const {
    const bool sum = e.binary == BinaryOp::add || e.binary == BinaryOp::subtract;
    if (!sum && e.binary != BinaryOp::multiply) return std::nullopt;
    const auto a = (*this)(e.args[0]);
    const auto b = a ? (*this)(e.args[1]) : std::nullopt;
    if (!b) return std::nullopt;
    if (sum) return combine(*a, *b, e.binary == BinaryOp::add ? 1 : -1);
    const Affine zero{0, std::vector<int64_t>(axes_.size(), 0)};
    if (b->is_number()) return combine(zero, *a, b->base);
    if (a->is_number()) return combine(zero, *b, a->base);
    return std::nullopt;
  }

  const std::vector<Axis>& axes_;
  const lanes::Sizes& sizes_;
};

struct Loop {
  int64_t extent, stride;  ///< stride in elements of the operand
};

template <typename T>
void copy_row(const T* from, const Loop& loop, T* to) {
  if (loop.stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(loop.extent) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < loop.extent; ++i) to[i] = from[i * loop.stride];
}

template <typename T>
void copy_loops(const void* data, int64_t base, const std::vector<Loop>& loops, void* result) {
  const T* from = static_cast<const T*>(data) + base;
  T* to = static_cast<T*>(result);
  const Loop& row = loops.back();
  const size_t outer = loops.size() - 1;
  std::vector<int64_t> point(outer, 0);
  while (true) {
    copy_row(from, row, to);
    to += row.extent;
    size_t k = outer;
    for (; k > 0; --k) {
      const Loop& loop = loops[k - 1];
      from += loop.stride;
      if (++point[k - 1] < loop.extent) break;
      from -= loop.stride * loop.extent;
      point[k - 1] = 0;
    }
    if (k == 0) return;
  }
}

/// Drops loops of one step and joins those that are one run of elements.
std::vector<Loop> merged(const std::vector<Loop>& loops) {
  std::vector<Loop> result;
  for (const Loop& loop : loops) {
    if (loop.extent == 1) continue;
    if (!result.empty() && result.back().stride == loop.stride * loop.extent) {
      result.back() = {result.back().extent * loop.extent, loop.stride};
    } else {
      result.push_back(loop);
    }
  }
  if (result.empty()) result.push_back({1, 1});
  return result;
}

std::optional<Affine> element_position(const TensorExpr& t, const Tensor& operand,
                                       const lanes::Sizes& sizes) {
  const AffineReader read(t.axes, sizes);
  Affine position{0, std::vector<int64_t>(t.axes.size(), 0)};
  int64_t stride = 1;
  for (size_t i = t.body->args.size(); i-- > 0;) {
    const auto index = read(t.body->args[i]);
    if (!index) return std::nullopt;
    position = combine(position, *index, stride);
    if (!t.body->flat) stride *= operand.shape()[i];
  }
  return position;
}

bool copy_elements(DType type, const void* data, int64_t base, const std::vector<Loop>& loops,
                   void* result) {
  struct Wide {
    uint64_t halves[2];
  };
  switch (type == DType::string ? 0 : bits(type)) {
    case 8:
      copy_loops<uint8_t>(data, base, loops, result);
      return true;
    case 16:
      copy_loops<uint16_t>(data, base, loops, result);
      return true;
    case 32:
      copy_loops<uint32_t>(data, base, loops, result);
      return true;
    case 64:
      copy_loops<uint64_t>(data, base, loops, result);
      return true;
    case 128:
      copy_loops<Wide>(data, base, loops, result);
      return true;
    default:
      return false;
  }
}

}  // namespace

bool copy_strided(const TensorExpr& t, std::span<const Tensor> operands, const lanes::Sizes& sizes,
                  Tensor& result) {
  if (t.body->kind != ExprKind::load) return false;
  const Tensor& operand = operands[static_cast<size_t>(t.body->input)];
  assert(operand.dtype() == t.dtype() && "loads have the operand's element type");
  const auto position = element_position(t, operand, sizes);
  if (!position) return false;
  std::vector<Loop> loops;
  int64_t lowest = position->base, highest = position->base;
  for (size_t i = 0; i < t.axes.size(); ++i) {
    loops.push_back({result.shape()[i], position->strides[i]});
    const int64_t reach = loops.back().stride * (loops.back().extent - 1);
    (reach < 0 ? lowest : highest) += reach;
  }
  const bool fits = lowest >= 0 && highest < operand.size();
  assert(fits && "load outside of its operand");
  if (!fits) return false;
  return copy_elements(t.dtype(), operand.data(), position->base, merged(loops),
                       result.mutable_data());
}

}  // namespace dlc
