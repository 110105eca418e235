// Rows of the pooling ops.
// Next: compiler/ops/window.h (strides, borders, ceil_mode).
#include <limits>

#include "compiler/ops/builder.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/window.h"

namespace dlc {
namespace {

Window pool_window(const OpArgs& args) {
  const Dims spatial = spatial_dims(args.shape("X"), "X");
  return make_window(args, spatial, args.ints("kernel_shape"), args.integer("ceil_mode") != 0);
}

Dims pooled_shape(const OpArgs& args, const Window& window) {
  Dims shape = {args.shape("X")[0], args.shape("X")[1]};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

Indices spatial(const Indices& i) { return Indices(i.begin() + 2, i.end()); }

/// The index of an element of X: those of `i` for batch and channel, then `at`.
Indices full_index(const Indices& i, const Indices& at) {
  Indices result = {i[0], i[1]};
  result.insert(result.end(), at.begin(), at.end());
  return result;
}

/// The least value, which no element can be below.
Expr lowest(DType type) {
  if (is_float(type)) return constant(type, -std::numeric_limits<double>::infinity());
  return constant_integer(type, is_signed(type) ? -(int64_t{1} << (bits(type) - 1)) : 0);
}

/// The element of X for one element of a window, the least value in the border.
Expr element_or_lowest(const ComputeArgs& args, const Window& window, const Indices& i,
                       const Indices& element) {
  const Indices at = window.positions(spatial(i), element);
  const Expr x = args["X"](full_index(i, at));
  return select(window.inside(at), x, lowest(x.dtype()));
}

/// Row-major position in X (spatial axes in the other order: storage_order 1) of the first maximum.
Expr position_of_maximum(const ComputeArgs& args, const Window& window, const Indices& i) {
  const Expr best =
      reduce(ReduceOp::argmax_first, {product(window.extents())}, [&](const Indices& j) {
        return element_or_lowest(args, window, i, unflatten_index(j[0], window.extents()));
      });
  Indices at = window.positions(spatial(i), unflatten_index(best, window.extents()));
  const Dims& x = args.shape("X");
  if (args.integer("storage_order") == 0) return flatten_index(full_index(i, at), x);
  Dims turned(x.begin(), x.begin() + 2);
  turned.insert(turned.end(), x.rbegin(), x.rend() - 2);
  return flatten_index(full_index(i, Indices(at.rbegin(), at.rend())), turned);
}

Computed compute_max_pool(const ComputeArgs& args) {
  const Window window = pool_window(args);
  const Dims shape = pooled_shape(args, window);
  std::vector<TensorExpr> outputs = {tensor(shape, [&](const Indices& i) {
    return reduce(ReduceOp::maximum, window.extents(),
                  [&](const Indices& j) { return element_or_lowest(args, window, i, j); });
  })};
  if (args.output_count() > 1) {
    outputs.push_back(
        tensor(shape, [&](const Indices& i) { return position_of_maximum(args, window, i); }));
  }
  return outputs;
}

/// Sum of f(x) over a window, nothing for its border.
Expr window_sum(const ComputeArgs& args, const Window& window, const Indices& i,
                const std::function<Expr(const Expr&)>& f) {
  return sum(window.extents(), [&](const Indices& j) {
    const Indices at = window.positions(spatial(i), j);
    const Expr x = f(args["X"](full_index(i, at)));
    return select(window.inside(at), x, zero_of(x.dtype()));
  });
}

Computed compute_average_pool(const ComputeArgs& args) {
  const Window window = pool_window(args);
  const bool border = args.integer("count_include_pad") != 0;
  bool whole = window.complete && border;  // every window counts all its elements
  bool leaves = false;
  for (size_t k = 0; k < window.rank(); ++k) leaves = leaves || window.leaves_input(k);
  whole = whole || !leaves;
  return tensor(pooled_shape(args, window), [&](const Indices& i) {
    const Expr total = window_sum(args, window, i, [](const Expr& x) { return x; });
    if (whole) return total / static_cast<double>(product(window.extents()).number());
    return total / cast(total.dtype(), window.count(spatial(i), border));
  });
}

Expr power_sum_root(const Expr& total, int64_t p) {
  return p == 1 ? total : p == 2 ? sqrt(total) : pow(total, constant(total.dtype(), 1.0 / p));
}

Expr power(const Expr& x, int64_t p) {
  return p == 1   ? abs(x)
         : p == 2 ? x * x
                  : pow(abs(x), constant(x.dtype(), static_cast<double>(p)));
}

Computed compute_lp_pool(const ComputeArgs& args) {
  const Window window = pool_window(args);
  const int64_t p = args.integer("p");
  if (p < 1) fail("p must be at least 1");
  return tensor(pooled_shape(args, window), [&](const Indices& i) {
    return power_sum_root(window_sum(args, window, i, [&](const Expr& x) { return power(x, p); }),
                          p);
  });
}

Computed compute_global_lp_pool(const ComputeArgs& args) {
  const Dims& x = args.shape("X");
  const Dims window = spatial_dims(x, "X");
  const int64_t p = args.integer("p");
  if (p < 1) fail("p must be at least 1");
  Dims shape = {x[0], x[1]};
  shape.insert(shape.end(), window.size(), Dim(1));
  return tensor(shape, [&](const Indices& i) {
    const auto term = [&](const Indices& j) { return power(args["X"](full_index(i, j)), p); };
    return power_sum_root(sum(window, term), p);
  });
}

/// A reduction over all spatial axes.
std::vector<Value> reduce_spatial(std::string_view op, const OpArgs& args, Builder& build,
                                  std::span<const Value> inputs) {
  Ints axes;
  for (int64_t k = 2; k < args.rank("X"); ++k) axes.push_back(k);
  if (axes.empty()) return {inputs[0]};
  return {build(op, {inputs[0], build.ints(axes)})};
}

std::vector<Value> expand_global_average(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs) {
  return reduce_spatial("ReduceMean", args, build, inputs);
}

std::vector<Value> expand_global_max(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  return reduce_spatial("ReduceMax", args, build, inputs);
}

constexpr DTypes pooled = types::floats | one(DType::i8) | one(DType::u8);

}  // namespace

const std::vector<OpDef>& pool_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "MaxPool",
       .doc = "The maximum of each window of X, and where it is in X. The border never wins.",
       .source = "ONNX MaxPool-22",
       .inputs = {{"X", pooled}},
       .outputs = {"Y", "Indices"},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"ceil_mode", int64_t{0}},
                 {"dilations"},
                 {"kernel_shape", required_attr},
                 {"pads"},
                 {"storage_order", int64_t{0}},
                 {"strides"}},
       .compute = compute_max_pool,
       .samples =
           {"X: f32[1,2,5,6], kernel_shape=[3,2], pads=[1,0,1,1], strides=[2,2], ceil_mode=1",
            "X: f16[n,1,8], kernel_shape=[3], dilations=[2]",
            "X: i8[1,1,4,4], kernel_shape=[2,2], auto_pad=\"SAME_UPPER\"",
            "X: f32[0,1,3], kernel_shape=[2]", "X: f32[1,1,1], kernel_shape=[1]"}},
      {.name = "AveragePool",
       .doc =
           "The mean of each window of X; its border counts as zeros (count_include_pad) or not.",
       .source = "ONNX AveragePool-22",
       .inputs = {{"X", types::floats}},
       .outputs = {"Y"},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"ceil_mode", int64_t{0}},
                 {"count_include_pad", int64_t{0}},
                 {"dilations"},
                 {"kernel_shape", required_attr},
                 {"pads"},
                 {"strides"}},
       .compute = compute_average_pool,
       .samples =
           {"X: f32[1,2,5,6], kernel_shape=[3,2], pads=[1,0,1,1], strides=[2,2], ceil_mode=1",
            "X: f16[n,1,8], kernel_shape=[3], dilations=[2], pads=[1,1], count_include_pad=1",
            "X: f32[0,1,3], kernel_shape=[2]", "X: f32[1,1,1], kernel_shape=[1]"}},
      {.name = "LpPool",
       .doc = "(sum of |x|^p)^(1/p) over each window of X.",
       .source = "ONNX LpPool-22",
       .inputs = {{"X", types::floats}},
       .outputs = {"Y"},
       .attrs = {{"auto_pad", "NOTSET"},
                 {"ceil_mode", int64_t{0}},
                 {"dilations"},
                 {"kernel_shape", required_attr},
                 {"p", int64_t{2}},
                 {"pads"},
                 {"strides"}},
       .compute = compute_lp_pool,
       .samples = {"X: f32[1,2,5,6], kernel_shape=[3,2], pads=[1,0,1,1]",
                   "X: f16[n,1,8], kernel_shape=[3], p=1", "X: f32[1,1,4], kernel_shape=[2], p=3",
                   "X: f32[0,1,3], kernel_shape=[2]", "X: f32[1,1,1], kernel_shape=[1]"}},
      {.name = "GlobalAveragePool",
       .doc = "The mean over all spatial axes.",
       .source = "ONNX GlobalAveragePool-22",
       .inputs = {{"X", types::floats}},
       .outputs = {"Y"},
       .expand = expand_global_average,
       .samples = {"X: f32[2,3,4,5]", "X: f16[n,2,3]", "X: f32[0,1,2]", "X: f32[1,1,1]"}},
      {.name = "GlobalMaxPool",
       .doc = "The maximum over all spatial axes.",
       .source = "ONNX GlobalMaxPool-22",
       .inputs = {{"X", types::floats}},
       .outputs = {"Y"},
       .expand = expand_global_max,
       .samples = {"X: f32[2,3,4,5]", "X: f16[n,2,3]", "X: f32[0,1,2]", "X: f32[1,1,1]"}},
      {.name = "GlobalLpPool",
       .doc = "(sum of |x|^p)^(1/p) over all spatial axes.",
       .source = "ONNX GlobalLpPool-22",
       .inputs = {{"X", types::floats}},
       .outputs = {"Y"},
       .attrs = {{"p", int64_t{2}}},
       .compute = compute_global_lp_pool,
       .samples = {"X: f32[2,3,4,5]", "X: f16[n,2,3], p=1", "X: f32[0,1,2]", "X: f32[1,1,1], p=3"}},
  };
  return rows;
}

}  // namespace dlc
