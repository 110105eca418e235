// Reductions along axes, positions of extremes, running sums.
// Next: normalization.cpp.
#include "compiler/ops/registry.h"
#include "compiler/ops/term.h"

namespace dlc {
namespace {

using types::floats;
constexpr DTypes summable = floats | types::indices | one(DType::u32) | one(DType::u64);
constexpr DTypes ordered = summable | one(DType::i8) | one(DType::u8) | types::boolean;

/// Which axes of `data` a node reduces, and the shapes and indices that follow.
class Axes {
 public:
  Axes(Dims shape, const Ints& axes, bool keep)
      : shape_(std::move(shape)), reduced_(shape_.size()), keep_(keep) {
    const auto rank = static_cast<int64_t>(shape_.size());
    for (int64_t axis : axes) reduced_[OpArgs::normalize_axis(axis, rank)] = true;
  }

  Dims extents() const { return pick(true); }
  Dims output_shape() const {
    if (!keep_) return pick(false);
    Dims shape = shape_;
    for (size_t k = 0; k < shape.size(); ++k) {
      if (reduced_[k]) shape[k] = 1;
    }
    return shape;
  }
  /// The indices of an element of the data: `outer` of the output, `inner` along the reduced axes.
  Indices merge(const Indices& outer, const Indices& inner) const {
    Indices merged;
    size_t next_outer = 0, next_inner = 0;
    for (bool reduced : reduced_) {
      merged.push_back(reduced ? inner[next_inner++] : outer[next_outer]);
      if (!reduced || keep_) ++next_outer;
    }
    return merged;
  }

 private:
  Dims pick(bool reduced) const {
    Dims dims;
    for (size_t k = 0; k < shape_.size(); ++k) {
      if (reduced_[k] == reduced) dims.push_back(shape_[k]);
    }
    return dims;
  }

  Dims shape_;
  std::vector<bool> reduced_;
  bool keep_;
};

Ints all_axes(int64_t rank) {
  Ints axes;
  for (int64_t k = 0; k < rank; ++k) axes.push_back(k);
  return axes;
}

/// No axes: all, or none with noop_with_empty_axes.
Axes reduced_axes(const OpArgs& a) {
  Ints axes = a.ints("axes");
  if (axes.empty() && a.integer("noop_with_empty_axes") == 0) axes = all_axes(a.rank("data"));
  return {a.shape("data"), axes, a.integer("keepdims") != 0};
}

/// reduced[i] = after(op over j of before(data[i with j at `axes`])).
template <typename Before, typename After>
Computed reduce_data(const ComputeArgs& a, ReduceOp op, Before before, After after) {
  const Axes axes = reduced_axes(a);
  const Operand data = a["data"];
  return tensor(axes.output_shape(), [&](const Indices& i) {
    const Expr reduced = reduce(op, axes.extents(),
                                [&](const Indices& j) { return before(data(axes.merge(i, j))); });
    return after(reduced);
  });
}

Expr same(const Expr& x) { return x; }
Expr squared(const Expr& x) { return x * x; }

Computed reduce_sum(const ComputeArgs& a) { return reduce_data(a, ReduceOp::sum, same, same); }
Computed reduce_product(const ComputeArgs& a) {
  return reduce_data(a, ReduceOp::product, same, same);
}
Computed reduce_l1(const ComputeArgs& a) {
  return reduce_data(
      a, ReduceOp::sum, [](const Expr& x) { return abs(x); }, same);
}
Computed reduce_sum_square(const ComputeArgs& a) {
  return reduce_data(a, ReduceOp::sum, squared, same);
}
Computed reduce_log_sum(const ComputeArgs& a) {
  return reduce_data(a, ReduceOp::sum, same, [](const Expr& x) { return log(x); });
}

/// Integers go through f64 and are cut, as NumPy does.
Computed reduce_l2(const ComputeArgs& a) {
  const DType type = arithmetic_type(a.dtype("data"));
  const DType wide = is_float(type) ? type : DType::f64;
  return reduce_data(
      a, ReduceOp::sum, [&](const Expr& x) { return squared(cast(wide, x)); },
      [&](const Expr& x) { return cast(type, sqrt(x)); });
}

Computed reduce_mean(const ComputeArgs& a) {
  const Expr count = dim(product(reduced_axes(a).extents()));
  return reduce_data(a, ReduceOp::sum, same,
                     [&](const Expr& x) { return x / cast(x.dtype(), count); });
}

template <ReduceOp op, ReduceOp op_for_bool>
Computed reduce_extreme(const ComputeArgs& a) {
  return reduce_data(a, a.dtype("data") == DType::boolean ? op_for_bool : op, same, same);
}

/// m + log(sum(exp(x - m))) with m = max(x), or 0 where that is infinite.
std::vector<Value> expand_log_sum_exp(const OpArgs& a, Builder& build,
                                      std::span<const Value> inputs) {
  const Value axes = inputs.size() > 1 ? inputs[1] : Value();
  const AttrMap noop = {{"noop_with_empty_axes", a.integer("noop_with_empty_axes")}};
  AttrMap attrs = noop;
  attrs["keepdims"] = a.integer("keepdims");
  const Term x = widen({build, inputs[0]});
  const Term greatest = apply("ReduceMax", x, axes, noop);
  const Term zero(build, build.scalar(x.dtype(), 0));
  const Term m = select(apply("IsInf", greatest), zero, greatest);
  const Term sum = apply("ReduceSum", exp(x - m), axes, attrs);
  const Term result = log(sum) + apply("ReduceMax", m, axes, attrs);
  return {cast(a.dtype("data"), result)};
}

template <ReduceOp first, ReduceOp last>
Computed position_of_extreme(const ComputeArgs& a) {
  const Axes axes(a.shape("data"), {a.integer("axis")}, a.integer("keepdims") != 0);
  const ReduceOp op = a.integer("select_last_index") != 0 ? last : first;
  const Operand data = a["data"];
  return tensor(axes.output_shape(), [&](const Indices& i) {
    return reduce(op, axes.extents(), [&](const Indices& j) { return data(axes.merge(i, j)); });
  });
}

/// 1 at the first maximum along the axis, 0 elsewhere.
Computed hardmax(const ComputeArgs& a) {
  const Operand input = a["input"];
  const int64_t axis = a.axis("axis", a.rank("input"));
  const DType type = arithmetic_type(input.dtype());
  return tensor(input.shape(), [&](const Indices& i) {
    const Expr position =
        reduce(ReduceOp::argmax_first, {input.shape()[axis]}, [&](const Indices& j) {
          Indices at = i;
          at[axis] = j[0];
          return input(at);
        });
    return select(equal(i[axis], position), constant(type, 1), constant(type, 0));
  });
}

/// y[i] = op over the j up to i (exclusive: below i; reverse: from i on, above i) of x[j].
template <ReduceOp op>
Computed running(const ComputeArgs& a) {
  const Operand x = a["x"];
  const Ints given = a.ints("axis");
  if (given.size() != 1) fail("input axis has {} elements, but must have one", given.size());
  const int64_t axis = OpArgs::normalize_axis(given[0], a.rank("x"));
  const DType type = arithmetic_type(x.dtype());
  const double start = op == ReduceOp::sum ? 0 : 1;
  const Expr neutral =
      is_float(type) ? constant(type, start) : constant_integer(type, static_cast<int64_t>(start));
  const bool exclusive = a.integer("exclusive") != 0, reverse = a.integer("reverse") != 0;
  return tensor(x.shape(), [&](const Indices& i) {
    return reduce(op, {x.shape()[axis]}, [&](const Indices& j) {
      Indices at = i;
      at[axis] = j[0];
      const Expr& low = reverse ? i[axis] : j[0];
      const Expr& high = reverse ? j[0] : i[axis];
      return select(exclusive ? low < high : low <= high, x(at), neutral);
    });
  });
}

OpDef reduction(std::string_view name, std::string_view doc, std::string_view source, DTypes data,
                ComputeFunction compute) {
  OpDef def = {
      .name = name,
      .doc = doc,
      .source = source,
      .inputs = {{"data", data}, {"axes", types::ints, Presence::optional, true}},
      .attrs = {{"keepdims", 1}, {"noop_with_empty_axes", 0}},
      .compute = compute,
      .samples = {"data: f32[2,3,4], axes=[1]", "data: f32[2,3,4]", "data: f16[5,2], axes=[-1]",
                  "data: f32[2,3], axes=[0,1], keepdims=0", "data: f32[1]",
                  "data: f32[3,0], axes=[1]", "data: f32[2,3], noop_with_empty_axes=1"}};
  if (data & types::ints) def.samples.push_back("data: i32[5], axes=[0], keepdims=0");
  if (data & types::boolean) def.samples.push_back("data: bool[2,3], axes=[1]");
  return def;
}

OpDef position(std::string_view name, std::string_view doc, std::string_view source,
               ComputeFunction compute) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"data", types::numbers}},
          .attrs = {{"axis", 0}, {"keepdims", 1}, {"select_last_index", 0}},
          .compute = compute,
          .samples = {"data: f32[2,3]", "data: i32[2,5], axis=-1, select_last_index=1",
                      "data: f16[2,3,2], axis=1, keepdims=0", "data: f32[1]",
                      "data: f32[0,3], axis=1"}};
}

OpDef running_row(std::string_view name, std::string_view doc, std::string_view source,
                  ComputeFunction compute) {
  return {
      .name = name,
      .doc = doc,
      .source = source,
      .inputs = {{"x", summable}, {"axis", types::indices, Presence::required, true}},
      .attrs = {{"exclusive", 0}, {"reverse", 0}},
      .compute = compute,
      .samples = {"x: f32[5], axis=[0]", "x: f32[2,3], axis=[-1], exclusive=1",
                  "x: i32[3,2], axis=[0], reverse=1", "x: f16[4], axis=[0], exclusive=1, reverse=1",
                  "x: f32[1], axis=[0]", "x: f32[0], axis=[0]"}};
}

}  // namespace

const std::vector<OpDef>& reduce_ops() {
  using enum ReduceOp;
  static const std::vector<OpDef> rows = {
      reduction("ReduceSum", "Adds the elements along `axes`. Sums in f32 or wider, rounds once.",
                "ONNX ReduceSum-13", summable, reduce_sum),
      reduction("ReduceMean", "The mean along `axes`. Integers are divided towards zero.",
                "ONNX ReduceMean-18", summable, reduce_mean),
      reduction("ReduceProd", "Multiplies the elements along `axes`.", "ONNX ReduceProd-18",
                summable, reduce_product),
      reduction("ReduceMax", "The greatest element along `axes`; NaN if one is. For bool: any.",
                "ONNX ReduceMax-20", ordered, reduce_extreme<maximum, any>),
      reduction("ReduceMin", "The least element along `axes`; NaN if one is. For bool: all.",
                "ONNX ReduceMin-20", ordered, reduce_extreme<minimum, all>),
      reduction("ReduceL1", "The sum of the magnitudes along `axes`.", "ONNX ReduceL1-18", summable,
                reduce_l1),
      reduction("ReduceL2", "The square root of the sum of the squares along `axes`.",
                "ONNX ReduceL2-18", summable, reduce_l2),
      reduction("ReduceSumSquare", "The sum of the squares along `axes`.",
                "ONNX ReduceSumSquare-18", summable, reduce_sum_square),
      reduction("ReduceLogSum", "The logarithm of the sum along `axes`.", "ONNX ReduceLogSum-28",
                floats, reduce_log_sum),
      {.name = "ReduceLogSumExp",
       .doc = "log(sum(exp(data))) along `axes`, without overflow.",
       .source = "ONNX ReduceLogSumExp-28",
       .inputs = {{"data", floats}, {"axes", types::ints, Presence::optional, true}},
       .attrs = {{"keepdims", 1}, {"noop_with_empty_axes", 0}},
       .expand = expand_log_sum_exp,
       .samples = {"data: f32[2,3,4], axes=[1]", "data: f16[5,2], axes=[-1]", "data: f32[1]",
                   "data: f32[2,3], axes=[0,1], keepdims=0", "data: f32[3,0], axes=[1]"}},
      position("ArgMax",
               "The position of the greatest element along `axis`, the first or the last.",
               "ONNX ArgMax-13", position_of_extreme<argmax_first, argmax_last>),
      position("ArgMin", "The position of the least element along `axis`, the first or the last.",
               "ONNX ArgMin-13", position_of_extreme<argmin_first, argmin_last>),
      running_row("CumSum", "The sum of the elements up to each one along `axis`.",
                  "ONNX CumSum-14", running<sum>),
      running_row("CumProd", "The product of the elements up to each one along `axis`.",
                  "ONNX CumProd-26", running<product>),
      {.name = "Hardmax",
       .doc = "1 at the first greatest element along `axis`, 0 elsewhere.",
       .source = "ONNX Hardmax-13",
       .inputs = {{"input", floats}},
       .attrs = {{"axis", -1}},
       .compute = hardmax,
       .samples = {"input: f32[2,5]", "input: f16[3,2], axis=0", "input: f32[1]",
                   "input: f32[0,3]"}},
  };
  return rows;
}

}  // namespace dlc
