// Rows of ops that change or give shapes without moving single elements.
// Next: compiler/ops/movement.cpp (Concat, Slice, Pad, ...).
#include <algorithm>
#include <cmath>

#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

/// The elements of `input` in the same row-major order under another shape.
Computed view(const ComputeArgs& args, std::string_view input, const Dims& shape) {
  const Operand data = args[input];
  const Dim have = product(data.shape()), want = product(shape);
  if (have.is_number() && want.is_number() && !(have == want))
    fail("{} elements cannot take the shape [{}]", have.number(), to_string(shape));
  args.require(SizeRule::equal, want, have, "elements of the new shape");
  return tensor(shape, [&](const Indices& i) { return data.raw_flat(flatten_index(i, shape)); });
}

/// What -1 stands for. Equal sizes are cancelled first, so that no division is left in most cases.
Dim remaining(Dims data, const Dims& others) {
  Dims left;
  for (const Dim& other : others) {
    const auto same = std::find(data.begin(), data.end(), other);
    if (same == data.end()) {
      left.push_back(other);
    } else {
      data.erase(same);
    }
  }
  const Dim divisor = product(left);
  if (divisor == Dim(0)) return 0;
  const Dim whole = product(data);
  if (whole.is_number() && divisor.is_number() && whole.number() % divisor.number() != 0)
    fail("{} elements cannot be divided by {}, so -1 in the shape has no value", whole.number(),
         divisor.number());
  return floor_div(whole, divisor);
}

Dims reshaped(const OpArgs& args) {
  const Dims& data = args.shape("data");
  Dims shape = args.values("shape");
  std::optional<size_t> open;
  for (size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] == Dim(0) && !args.integer("allowzero")) {
      if (k >= data.size()) fail("0 at position {} of the shape copies a size that data lacks", k);
      shape[k] = data[k];
    } else if (shape[k] == Dim(-1)) {
      if (open) fail("the shape has more than one -1");
      open = k;
    } else if (shape[k].is_number() && shape[k].number() < 0) {
      fail("the shape has a size of {}", shape[k].number());
    }
  }
  if (!open) return shape;
  Dims others = shape;
  others.erase(others.begin() + static_cast<long>(*open));
  shape[*open] = remaining(data, others);
  return shape;
}

Computed compute_reshape(const ComputeArgs& args) { return view(args, "data", reshaped(args)); }

Computed compute_flatten(const ComputeArgs& args) {
  const Dims& shape = args.shape("input");
  const int64_t rank = args.rank("input"), axis = args.integer("axis");
  const int64_t split =
      axis == rank ? rank : OpArgs::normalize_axis(axis, std::max<int64_t>(rank, 1));
  const auto middle = shape.begin() + split;
  return view(args, "input",
              {product(Dims(shape.begin(), middle)), product(Dims(middle, shape.end()))});
}

Computed compute_squeeze(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  std::vector<bool> dropped(data.size(), false);
  if (args.has("axes")) {
    for (int64_t axis : args.ints("axes")) {
      axis = OpArgs::normalize_axis(axis, args.rank("data"));
      if (data[axis].is_number() && !(data[axis] == Dim(1)))
        fail("axis {} has {} elements, so it cannot be squeezed away", axis, data[axis].number());
      args.require(SizeRule::equal, data[axis], 1, fmt::format("size of data along axis {}", axis));
      dropped[axis] = true;
    }
  } else {
    for (size_t k = 0; k < data.size(); ++k) {
      dropped[k] = data[k] == Dim(1);
      if (!dropped[k])
        args.require(SizeRule::differ, data[k], 1, fmt::format("size of data along axis {}", k));
    }
  }
  Dims shape;
  for (size_t k = 0; k < data.size(); ++k) {
    if (!dropped[k]) shape.push_back(data[k]);
  }
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    for (size_t k = 0, next = 0; k < data.size(); ++k)
      at.push_back(dropped[k] ? index(0) : i[next++]);
    return args["data"].raw(at);
  });
}

Computed compute_unsqueeze(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  const Ints axes = args.ints("axes");
  const int64_t rank = args.rank("data") + static_cast<int64_t>(axes.size());
  std::vector<bool> added(rank, false);
  for (int64_t axis : axes) {
    axis = OpArgs::normalize_axis(axis, rank);
    if (added[axis]) fail("axis {} stands twice in axes", axis);
    added[axis] = true;
  }
  Dims shape;
  for (int64_t k = 0, next = 0; k < rank; ++k) shape.push_back(added[k] ? Dim(1) : data[next++]);
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    for (int64_t k = 0; k < rank; ++k) {
      if (!added[k]) at.push_back(i[k]);
    }
    return args["data"].raw(at);
  });
}

Computed compute_transpose(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  Ints perm = args.ints("perm");
  if (perm.empty()) {
    for (int64_t k = args.rank("data"); k-- > 0;) perm.push_back(k);
  }
  if (perm.size() != data.size()) fail("perm has {} axes, data {}", perm.size(), data.size());
  Dims shape;
  std::vector<bool> taken(data.size(), false);
  for (int64_t& axis : perm) {
    axis = OpArgs::normalize_axis(axis, args.rank("data"));
    if (taken[axis]) fail("axis {} stands twice in perm", axis);
    taken[axis] = true;
    shape.push_back(data[axis]);
  }
  return tensor(shape, [&](const Indices& i) {
    Indices at(data.size());
    for (size_t k = 0; k < data.size(); ++k) at[perm[k]] = i[k];
    return args["data"].raw(at);
  });
}

Computed compute_expand(const ComputeArgs& args) {
  const Dims& from = args.shape("input");
  const Dims shape = broadcast_shapes(args, from, args.values("shape"));
  return tensor(shape, [&](const Indices& i) {
    return args["input"].raw(broadcast_indices(i, shape, from));
  });
}

Computed compute_shape(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  const int64_t rank = args.rank("data");
  const auto bound = [&](int64_t at) {
    return std::clamp(at < 0 ? at + rank : at, int64_t{0}, rank);
  };
  const int64_t start = bound(args.integer("start"));
  const int64_t end = args.has_attr("end") ? bound(args.integer("end")) : rank;
  const Dims part(data.begin() + start, data.begin() + std::max(start, end));
  return tensor({static_cast<int64_t>(part.size())},
                [&](const Indices& i) { return pick(part, i[0]); });
}

Computed compute_size(const ComputeArgs& args) {
  const Dim count = product(args.shape("data"));
  return tensor({}, [&](const Indices&) { return dim(count); });
}

Computed compute_constant_of_shape(const ComputeArgs& args) {
  const Attr* value = args.attr("value");
  const Tensor* fill = value ? std::get_if<Tensor>(value) : nullptr;
  if (value && !fill) fail("attribute value must be a tensor");
  const Dims shape = args.values("input");
  for (const Dim& size : shape) {
    if (size.is_number() && size.number() < 0) fail("the shape has a size of {}", size.number());
  }
  return tensor(shape,
                [&](const Indices&) { return fill ? element_of(*fill) : zero_of(DType::f32); });
}

/// The number of steps of a range of reals, in the arithmetic of NumPy's arange.
Dim real_steps(double start, double limit, double delta) {
  const double steps = std::ceil((limit - start) / delta);
  if (!(steps < 1e15)) fail("a range from {} to {} by {} has no end", start, limit, delta);
  return steps > 0 ? static_cast<int64_t>(steps) : 0;
}

Computed real_range(const ComputeArgs& args) {
  double bounds[3];
  for (size_t k = 0; k < 3; ++k) {
    const Tensor bound = args.constant_or_fail(args.def().inputs[k].name);
    if (bound.size() != 1) fail("{} must be a scalar", args.def().inputs[k].name);
    bounds[k] = load_real(bound.dtype(), bound.data(), 0);
  }
  if (bounds[2] == 0) fail("delta must not be 0");
  const DType type = arithmetic_type(args.dtype("start"));
  return tensor({real_steps(bounds[0], bounds[1], bounds[2])}, [&](const Indices& i) {
    const Expr value = bounds[0] + cast(type, i[0]) * bounds[2];
    return cast(args.dtype("start"), value);
  });
}

Computed compute_range(const ComputeArgs& args) {
  if (is_float(args.dtype("start"))) return real_range(args);
  const auto bound = [&](std::string_view input) {
    const Dims values = args.values(input);
    if (values.size() != 1) fail("{} must be a scalar", input);
    return values[0];
  };
  const Dim start = bound("start"), limit = bound("limit"), step = bound("delta");
  if (!step.is_number()) args.constant_or_fail("delta");
  const int64_t delta = step.number();
  if (delta == 0) fail("delta must not be 0");
  const Dim way = delta > 0 ? limit - start : start - limit;
  const Dim steps = at_least(ceil_div(way, delta > 0 ? delta : -delta), 0);
  return tensor({steps}, [&](const Indices& i) {
    return cast(args.dtype("start"), dim(start) + i[0] * index(delta));
  });
}

Computed compute_eye_like(const ComputeArgs& args) {
  args.expect_rank("input", 2);
  const DType type = args.has_attr("dtype") ? args.element_type("dtype") : args.dtype("input");
  if (!is_float(type) && !is_integer(type) && type != DType::boolean)
    fail("attribute dtype is not a number type");
  return tensor(args.shape("input"), [&](const Indices& i) {
    return select(equal(i[1], i[0] + index(args.integer("k"))), value_of(type, 1), zero_of(type));
  });
}

}  // namespace

const std::vector<OpDef>& shape_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Reshape",
       .doc =
           "The elements of data in row-major order under another shape. 0 copies the size of data "
           "at that position (unless allowzero), one -1 stands for what is left.",
       .source = "ONNX Reshape-25",
       .inputs = {{"data", moved}, {"shape", types::ints, Presence::required, true}},
       .outputs = {"reshaped"},
       .attrs = {{"allowzero", int64_t{0}}},
       .compute = compute_reshape,
       .final_type = true,
       .samples = {"data: f32[2,3,4], shape=[4,-1]", "data: f16[n,3,4], shape=[0,-1]",
                   "data: i64[1], shape=[1,1,1]", "data: f32[0,3], shape=[3,0], allowzero=1"}},
      {.name = "Flatten",
       .doc = "A matrix: the axes before `axis` as rows, the others as columns.",
       .source = "ONNX Flatten-25",
       .inputs = {{"input", moved}},
       .attrs = {{"axis", int64_t{1}}},
       .compute = compute_flatten,
       .final_type = true,
       .samples = {"input: f32[2,3,4]", "input: bf16[n,3,4], axis=-1", "input: f32[0,3], axis=0",
                   "input: i8[1], axis=1"}},
      {.name = "Squeeze",
       .doc = "Drops axes of one element: those in `axes`, or all.",
       .source = "ONNX Squeeze-25",
       .inputs = {{"data", moved}, {"axes", types::indices, Presence::optional, true}},
       .outputs = {"squeezed"},
       .compute = compute_squeeze,
       .final_type = true,
       .samples = {"data: f32[1,3,1]", "data: f16[n,1,4], axes=[-2]", "data: f32[1,0], axes=[0]",
                   "data: i64[1], axes=[0]"}},
      {.name = "Unsqueeze",
       .doc = "Adds axes of one element, where `axes` says so in the output.",
       .source = "ONNX Unsqueeze-25",
       .inputs = {{"data", moved}, {"axes", types::indices, Presence::required, true}},
       .outputs = {"expanded"},
       .compute = compute_unsqueeze,
       .final_type = true,
       .samples = {"data: f32[2,3], axes=[0,-1]", "data: bf16[n], axes=[1]",
                   "data: f32[0], axes=[0]", "data: bool[], axes=[0]"}},
      {.name = "Transpose",
       .doc = "Axis k of the output is axis perm[k] of data; by default the order is reversed.",
       .source = "ONNX Transpose-25",
       .inputs = {{"data", moved}},
       .outputs = {"transposed"},
       .attrs = {{"perm"}},
       .compute = compute_transpose,
       .final_type = true,
       .samples = {"data: i4[3,5]", "data: u2[2,3,3], perm=[2,0,1]", "data: f4e2m1[5,3]",
                   "data: c64[2,3]", "data: c128[2,3]", "data: str[2,3]", "data: f32[2,3,4]",
                   "data: f16[n,3,4], perm=[1,2,0]", "data: f32[0,3]", "data: i32[1,1]"}},
      {.name = "Expand",
       .doc = "input broadcast with `shape`, by NumPy's rules in both directions.",
       .source = "ONNX Expand-13",
       .inputs = {{"input", moved}, {"shape", types::indices, Presence::required, true}},
       .compute = compute_expand,
       .final_type = true,
       .samples = {"input: f32[3,1], shape=[2,1,4]", "input: bf16[n,1], shape=[1,5]",
                   "input: f32[1], shape=[0]", "input: i64[1], shape=[1]"}},
      {.name = "Shape",
       .doc = "The sizes of data's axes from `start` to before `end`.",
       .source = "ONNX Shape-25",
       .inputs = {{"data"}},
       .outputs = {"shape"},
       .attrs = {{"start", int64_t{0}}, {"end"}},
       .compute = compute_shape,
       .samples = {"data: f32[2,3,4]", "data: f16[n,3,m], start=-2", "data: f32[0,3], end=1",
                   "data: f32[]"}},
      {.name = "Size",
       .doc = "The number of elements of data.",
       .source = "ONNX Size-25",
       .inputs = {{"data"}},
       .outputs = {"size"},
       .compute = compute_size,
       .samples = {"data: f32[2,3,4]", "data: f16[n,3]", "data: f32[0,3]", "data: f32[]"}},
      {.name = "ConstantOfShape",
       .doc = "A tensor of shape `input` whose elements are all `value` (f32 0 by default).",
       .source = "ONNX ConstantOfShape-25",
       .inputs = {{"input", types::indices, Presence::required, true}},
       .attrs = {{"value"}},
       .compute = compute_constant_of_shape,
       .final_type = true,
       .samples = {"input=[2,3]", "input=[0], value=i64[1]{7}", "input=[1], value=f16[1]{0.5}"}},
      {.name = "Range",
       .doc = "start, start + delta, ... up to before limit.",
       .source = "ONNX Range-27",
       .inputs = {{"start", types::numbers, Presence::required, true},
                  {"limit", types::numbers, Presence::required, true},
                  {"delta", types::numbers, Presence::required, true}},
       .compute = compute_range,
       .final_type = true,
       .samples = {"start=1, limit=8, delta=3", "start=10, limit=0, delta=-3",
                   "start: f16[]{0}, limit: f16[]{1}, delta: f16[]{0.25}",
                   "start=0, limit=0, delta=1",
                   "start: i32[]{0}, limit: i32[]{1}, delta: i32[]{1}"}},
      {.name = "EyeLike",
       .doc = "A matrix as large as input with ones on diagonal `k`, zeros elsewhere.",
       .source = "ONNX EyeLike-22",
       .inputs = {{"input", types::movable}},
       .attrs = {{"dtype"}, {"k", int64_t{0}}},
       .compute = compute_eye_like,
       .final_type = true,
       .samples = {"input: f32[3,4]", "input: f16[n,4], k=-1", "input: i32[0,2], k=1",
                   "input: f32[1,1], dtype=7"}},
  };
  return rows;
}

}  // namespace dlc
