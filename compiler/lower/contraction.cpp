// MatMul, Gemm and Conv as kernels. Batches that only A has become rows; loads become flat;
// convolutions of single pixels become matmuls.
#include "compiler/lower/contraction.h"

#include "compiler/expr/simplify.h"
#include "compiler/ops/elementwise_shape.h"

#include <algorithm>

namespace dlc {
namespace {

/// Loads by row-major position, so that strides are plain to see.
TensorExpr with_flat_loads(const TensorExpr& t, const Formulas& formulas) {
  TensorExpr result = t;
  result.body = replace_loads(t.body, [&](const ExprNode& node) {
    if (node.flat || node.input < 0) return Expr();
    const Dims shape = formulas.stored_type(Value{node.input}).shape;
    return load_flat(node.input, node.dtype, flatten_index(node.args, shape));
  });
  return simplify(result);
}

struct Shapes {
  Dims batch, a_batch, b_batch;
  Dim m = 1, n = 1, k = 1;
  bool a_vector = false, b_vector = false;  // rank 1: no m, no n in the result
};

Shapes matmul_shapes(const Dims& a, const Dims& b, const Contraction& c) {
  Shapes s;
  s.a_vector = a.size() == 1;
  s.b_vector = b.size() == 1;
  if (s.a_vector) {
    s.k = a[0];
  } else {
    s.m = a[a.size() - (c.transpose_a ? 1 : 2)];
    s.k = a[a.size() - (c.transpose_a ? 2 : 1)];
    s.a_batch.assign(a.begin(), a.end() - 2);
  }
  if (!s.b_vector) {
    s.n = b[b.size() - (c.transpose_b ? 2 : 1)];
    s.b_batch.assign(b.begin(), b.end() - 2);
  }
  s.batch = broadcast_shapes(s.a_batch, s.b_batch);
  return s;
}

/// f16 and bf16 are summed in f32, bytes in i32.
Expr widened(const Expr& e, DType type) { return type == e.dtype() ? e : cast(type, e); }

/// Element [batch..., row, column] of an operand that may be transposed or a vector.
TensorExpr operand_view(const Formulas& formulas, Value value, const Dims& batch,
                        const Dims& own_batch, Dim rows, Dim columns, bool transposed, bool vector,
                        bool vector_is_row, DType type) {
  Dims shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return tensor(shape, [&](const Indices& i) {
    const Indices outer(i.begin(), i.end() - 2);
    Expr row = i[i.size() - 2], column = i[i.size() - 1];
    if (vector) return widened(formulas.element(value, {vector_is_row ? column : row}), type);
    Indices at = broadcast_indices(outer, batch, own_batch);
    if (transposed) std::swap(row, column);
    at.push_back(row);
    at.push_back(column);
    return widened(formulas.element(value, at), type);
  });
}

/// The anchor's own value [batch..., m, n], with absent axes for vectors: alpha * sum + beta *
/// bias.
TensorExpr matmul_sum(const Formulas& formulas, const Graph& graph, const Anchor& anchor,
                      const Shapes& s, DType type) {
  const Node& node = graph.node(anchor.node);
  const Contraction& c = anchor.contraction;
  return tensor(graph.type(node.outputs[0]).shape, [&](const Indices& i) {
    Indices at(i.begin(), i.begin() + static_cast<long>(s.batch.size()));
    size_t next = s.batch.size();
    at.push_back(s.a_vector ? index(0) : i[next++]);
    at.push_back(s.b_vector ? index(0) : i[next++]);
    Expr value = load(MatmulKernel::accumulated, type, at);
    if (c.alpha != 1) value = value * c.alpha;
    if (c.bias >= 0) {
      const Value bias = node.inputs[c.bias];
      const Expr added =
          widened(formulas.element(bias, broadcast_indices(i, graph.type(node.outputs[0]).shape,
                                                           graph.type(bias).shape)),
                  type);
      value = value + (c.beta == 1 ? added : added * c.beta);
    }
    const DType result = graph.type(node.outputs[0]).dtype;
    return result == type ? value : cast(result, value);
  });
}

bool uses_variables(const TensorExpr& t, size_t first, size_t last) {
  bool used = false;
  visit(t.body, [&](const Expr& e) {
    for (size_t k = first; k < last; ++k) {
      used = used || (e->kind == ExprKind::variable && e->variable == t.axes[k].variable);
    }
  });
  return used;
}

/// Axes [0, count) of `t` as one, the first of the result.
TensorExpr merge_axes(const TensorExpr& t, size_t count) {
  Dims merged, shape;
  for (size_t k = 0; k < count; ++k) merged.push_back(t.axes[k].extent);
  shape.push_back(product(merged));
  for (size_t k = count; k < t.axes.size(); ++k) shape.push_back(t.axes[k].extent);
  return tensor(shape, [&](const Indices& i) {
    Indices at = unflatten_index(i[0], merged);
    at.insert(at.end(), i.begin() + 1, i.end());
    return t.at(at);
  });
}

TensorExpr without_axes(const TensorExpr& t, size_t count) {
  return {{t.axes.begin() + static_cast<long>(count), t.axes.end()}, t.body};
}

/// When B is the same for all `batches` leading axes, these are rows: [b, m, k] x [k, n] = [b * m,
/// k] x [k, n].
void merge_batches(MatmulKernel& kernel, size_t batches, const Formulas& formulas) {
  if (batches == 0 || uses_variables(kernel.b, 0, batches)) return;
  const TensorExpr a = with_flat_loads(merge_axes(kernel.a, batches + 1), formulas);
  // Rows that are not evenly spaced would have to be copied: better to keep the batches then.
  const Expr& read = a.body->kind == ExprKind::cast ? a.body->args[0] : a.body;
  if (read->kind == ExprKind::load && !stride_of(read->args[0], a.axes[0].variable)) return;
  kernel.a = a;
  kernel.b = without_axes(kernel.b, batches);
  TensorExpr output = merge_axes(kernel.outputs[0], batches + 1);
  output.body = replace_loads(output.body, [&](const ExprNode& node) {
    if (node.input != MatmulKernel::accumulated) return Expr();
    return load(MatmulKernel::accumulated, node.dtype,
                {variable(output.axes[0].variable), variable(output.axes[1].variable)});
  });
  kernel.outputs = {output};
}

void flatten_loads(MatmulKernel& kernel, const Formulas& formulas) {
  kernel.a = with_flat_loads(kernel.a, formulas);
  kernel.b = with_flat_loads(kernel.b, formulas);
  for (TensorExpr& output : kernel.outputs) output = with_flat_loads(output, formulas);
}

MatmulKernel make_matmul(const Formulas& formulas, const Graph& graph, const Anchor& anchor) {
  const Node& node = graph.node(anchor.node);
  const Contraction& c = anchor.contraction;
  const Value a = node.inputs[c.a], b = node.inputs[c.b];
  const Shapes s = matmul_shapes(graph.type(a).shape, graph.type(b).shape, c);
  MatmulKernel kernel;
  kernel.accumulator = arithmetic_type(graph.type(node.outputs[0]).dtype);
  kernel.a = operand_view(formulas, a, s.batch, s.a_batch, s.m, s.k, c.transpose_a, s.a_vector,
                          true, kernel.accumulator);
  kernel.b = operand_view(formulas, b, s.batch, s.b_batch, s.k, s.n, c.transpose_b, s.b_vector,
                          false, kernel.accumulator);
  TensorExpr output =
      formulas.epilogue(anchor, matmul_sum(formulas, graph, anchor, s, kernel.accumulator));
  const AxisOrder& order = formulas.order(anchor.result);
  output.axes = to_memory(output.axes, order);
  kernel.outputs = {output};
  if (order.empty() && !s.a_vector && !s.b_vector) merge_batches(kernel, s.batch.size(), formulas);
  flatten_loads(kernel, formulas);
  return kernel;
}

TensorExpr whole(const Formulas& formulas, const Graph& graph, Value value) {
  return tensor(graph.type(value).shape,
                [&](const Indices& i) { return formulas.element(value, i); });
}

/// The same elements, axes in the order [n, spatial..., c].
TensorExpr with_channels_last(const TensorExpr& t) {
  return {to_memory(t.axes, channels_last(t.axes.size())), t.body};
}

ConvolutionKernel make_convolution(const Formulas& formulas, const Graph& graph,
                                   const Anchor& anchor) {
  const Node& node = graph.node(anchor.node);
  const Contraction& c = anchor.contraction;
  ConvolutionKernel kernel;
  kernel.parameters = c;
  kernel.x =
      with_flat_loads(with_channels_last(whole(formulas, graph, node.inputs[c.a])), formulas);
  kernel.w = with_flat_loads(whole(formulas, graph, node.inputs[c.b]), formulas);
  const AxisOrder order = channels_last(kernel.x.axes.size());
  const TensorExpr sum = tensor(graph.type(node.outputs[0]).shape, [&](const Indices& i) {
    const Expr value = load(MatmulKernel::accumulated, DType::f32, to_memory(i, order));
    return c.bias < 0 ? value : value + formulas.element(node.inputs[c.bias], {i[1]});
  });
  const TensorExpr output = formulas.epilogue(anchor, sum);
  kernel.row_major = formulas.order(anchor.result).empty();
  kernel.winograd = formulas.options().winograd && !c.exact;
  kernel.output = with_flat_loads(
      {to_memory(output.axes, formulas.order(anchor.result)), output.body}, formulas);
  return kernel;
}

/// A kernel of one position and all channels of a pixel side by side: a matmul, pixels by channels.
bool is_pointwise(const ConvolutionKernel& kernel) {
  const auto all = [](const Ints& numbers, int64_t value) {
    return std::all_of(numbers.begin(), numbers.end(), [&](int64_t n) { return n == value; });
  };
  const Contraction& c = kernel.parameters;
  const Dims w = kernel.w.shape();
  if (c.group != 1 || !all(c.strides, 1) || !all(c.pads_begin, 0) || !all(c.pads_end, 0)) {
    return false;
  }
  if (std::any_of(w.begin() + 2, w.end(), [](const Dim& k) { return !(k == Dim(1)); }))
    return false;
  if (kernel.x.body->kind != ExprKind::load) return false;
  const std::optional<Expr> stride =
      stride_of(kernel.x.body->args[0], kernel.x.axes.back().variable);
  return stride && same(*stride, index(1));
}

MatmulKernel as_matmul(const ConvolutionKernel& kernel, const Formulas& formulas) {
  MatmulKernel result;
  result.a = kernel.x;
  const Dims x = kernel.x.shape(), w = kernel.w.shape();
  Dims b_shape(x.begin(), x.end() - 2);
  const size_t batches = b_shape.size();
  b_shape.push_back(w[1]);
  b_shape.push_back(w[0]);
  result.b = tensor(b_shape, [&](const Indices& i) {
    Indices at = {i[batches + 1], i[batches]};
    at.resize(w.size(), index(0));
    return kernel.w.at(at);
  });
  result.outputs = {kernel.output};
  merge_batches(result, batches, formulas);
  flatten_loads(result, formulas);
  return result;
}

}  // namespace

void add_gates(MatmulKernel& kernel, const Formulas& formulas, Value product,
               const std::vector<TensorExpr>& results) {
  const TensorExpr element = kernel.outputs[0];
  const Dims shape = formulas.stored_type(product).shape;
  const size_t merged = shape.size() - element.axes.size() + 1;
  kernel.gates = static_cast<int>(floor_div(shape.back(), results[0].axes.back().extent).number());
  kernel.outputs.clear();
  for (const TensorExpr& result : results) {
    TensorExpr output = merged > 1 ? merge_axes(result, merged) : result;
    const std::vector<Axis> axes = kernel.outputs.empty() ? output.axes : kernel.outputs[0].axes;
    const Indices own = own_indices(axes);
    output = {axes, output.at(own)};
    output.body = replace_loads(output.body, [&](const ExprNode& node) {
      if (node.input != product.id) return Expr();
      Indices at = own;
      at.back() = node.flat ? unflatten_index(node.args[0], shape).back() : node.args.back();
      return element.at(at);
    });
    kernel.outputs.push_back(with_flat_loads(output, formulas));
  }
}

std::vector<TensorExpr> outputs_without_sums(const Kernel& contraction) {
  std::vector<TensorExpr> outputs;
  if (const auto* matmul = std::get_if<MatmulKernel>(&contraction)) {
    outputs = matmul->outputs;
  } else {
    outputs = {std::get<ConvolutionKernel>(contraction).output};
  }
  const bool reads = std::any_of(outputs.begin(), outputs.end(), [](const TensorExpr& output) {
    return loads(output.body, MatmulKernel::accumulated);
  });
  return reads ? std::vector<TensorExpr>() : outputs;
}

Kernel make_contraction(const Formulas& formulas, const Graph& graph, const Anchor& anchor) {
  if (anchor.contraction.kind == Contraction::Kind::matmul) {
    return make_matmul(formulas, graph, anchor);
  }
  ConvolutionKernel kernel = make_convolution(formulas, graph, anchor);
  if (!kernel.row_major && is_pointwise(kernel)) return as_matmul(kernel, formulas);
  return kernel;
}

std::vector<Expr> contraction_reads(const Formulas& formulas, const Graph& graph,
                                    const Anchor& anchor) {
  const Kernel kernel = make_contraction(formulas, graph, anchor);
  if (const auto* matmul = std::get_if<MatmulKernel>(&kernel)) {
    return {matmul->a.body, matmul->b.body, matmul->outputs[0].body};
  }
  const auto& convolution = std::get<ConvolutionKernel>(kernel);
  return {convolution.x.body, convolution.w.body, convolution.output.body};
}

}  // namespace dlc
