// If, Loop and Scan in the interpreter: ONNX If-25, Loop-25, Scan-25.
#include "compiler/ops/evaluate_control.h"

#include <cassert>
#include <cstring>

#include "compiler/ir/attr.h"
#include "compiler/ops/op_def.h"

namespace dlc {
namespace {

const Graph& nested(const Node& node, std::string_view attr) {
  const auto found = node.attrs.find(attr);
  if (found == node.attrs.end()) fail("attribute {} is missing", attr);
  return *std::get<std::shared_ptr<const Graph>>(found->second);
}

/// Splits a shape around `axis` into how often, how long and how many bytes: for copying slices.
struct Strides {
  int64_t outer = 1, inner_bytes;
  Strides(const Shape& shape, int64_t axis, DType dtype) : inner_bytes(byte_size(dtype, 1)) {
    if (bits(dtype) < 8) {
      fail_as(ErrorCode::unsupported, "loops over slices of {} are not supported", name(dtype));
    }
    for (int64_t k = 0; k < static_cast<int64_t>(shape.size()); ++k) {
      if (k < axis) outer *= shape[k];
      if (k > axis) inner_bytes *= shape[k];
    }
  }
};

Tensor slice(const Tensor& tensor, int64_t axis, int64_t at) {
  Shape shape = tensor.shape();
  const Strides strides(shape, axis, tensor.dtype());
  const int64_t length = shape[axis];
  shape.erase(shape.begin() + axis);
  Tensor result = Tensor::allocate(tensor.dtype(), shape);
  const char* from = static_cast<const char*>(tensor.data());
  char* to = static_cast<char*>(result.mutable_data());
  for (int64_t k = 0; k < strides.outer; ++k) {
    std::memcpy(to + k * strides.inner_bytes, from + (k * length + at) * strides.inner_bytes,
                static_cast<size_t>(strides.inner_bytes));
  }
  return result;
}

/// The slices side by side along a new `axis`. Without any, the type of the body's output tells the
/// shape, with 0 for sizes that it does not know.
Tensor stack(const std::vector<Tensor>& slices, int64_t axis, bool reversed, const Type& type) {
  Shape shape;
  if (slices.empty()) {
    for (const Dim& dim : type.shape) shape.push_back(dim.as_number().value_or(0));
  } else {
    shape = slices[0].shape();
  }
  const int64_t length = static_cast<int64_t>(slices.size());
  axis = OpArgs::normalize_axis(axis, static_cast<int64_t>(shape.size()) + 1);
  shape.insert(shape.begin() + axis, length);
  Tensor result = Tensor::allocate(type.dtype, shape);
  const Strides strides(shape, axis, type.dtype);
  for (int64_t at = 0; at < length; ++at) {
    const Tensor& part = slices[reversed ? length - 1 - at : at];
    if (part.shape() != slices[0].shape()) fail("iterations give slices of different shapes");
    const char* from = static_cast<const char*>(part.data());
    char* to = static_cast<char*>(result.mutable_data());
    for (int64_t k = 0; k < strides.outer; ++k) {
      std::memcpy(to + (k * length + at) * strides.inner_bytes, from + k * strides.inner_bytes,
                  static_cast<size_t>(strides.inner_bytes));
    }
  }
  return result;
}

bool truth(const Datum& datum) {
  if (datum.kind != Datum::Kind::tensor || datum.tensor.size() != 1) {
    fail("a condition must be a tensor of one bool");
  }
  return datum.tensor.to_ints()[0] != 0;
}

std::vector<Datum> evaluate_if(const Node& node, std::span<const Datum> inputs,
                               const SymbolValues& symbols) {
  const Graph& branch = nested(node, truth(inputs[0]) ? "then_branch" : "else_branch");
  return evaluate_graph(branch, inputs.subspan(1), symbols);
}

std::vector<Datum> evaluate_loop(const Node& node, std::span<const Datum> inputs,
                                 const SymbolValues& symbols) {
  const Graph& body = nested(node, "body");
  const size_t captures = capture_count(node);
  const size_t states = inputs.size() - 2 - captures;
  const size_t scans = body.outputs().size() - 1 - states;
  const bool bounded = inputs[0].kind == Datum::Kind::tensor;
  if (bounded && inputs[0].tensor.size() < 1) fail("the trip count has no element");
  const int64_t trips = bounded ? inputs[0].tensor.to_ints()[0] : 0;
  bool go_on = inputs[1].kind == Datum::Kind::none || truth(inputs[1]);

  std::vector<Datum> state(inputs.begin() + 2, inputs.begin() + 2 + static_cast<long>(states));
  std::vector<std::vector<Tensor>> stacked(scans);
  for (int64_t trip = 0; go_on && (!bounded || trip < trips); ++trip) {
    std::vector<Datum> arguments = {Tensor::scalar(DType::i64, static_cast<double>(trip)),
                                    Tensor::scalar(DType::boolean, go_on)};
    arguments.insert(arguments.end(), state.begin(), state.end());
    arguments.insert(arguments.end(), inputs.end() - static_cast<long>(captures), inputs.end());
    std::vector<Datum> results = evaluate_graph(body, arguments, symbols);
    go_on = truth(results[0]);
    for (size_t k = 0; k < states; ++k) state[k] = std::move(results[1 + k]);
    for (size_t k = 0; k < scans; ++k) stacked[k].push_back(results[1 + states + k].tensor);
  }
  for (size_t k = 0; k < scans; ++k) {
    const Type& type = body.type(body.outputs()[1 + states + k]);
    state.emplace_back(stack(stacked[k], 0, false, type));
  }
  return state;
}

std::vector<Datum> evaluate_scan(const Node& node, std::span<const Datum> inputs,
                                 const SymbolValues& symbols) {
  const Graph& body = nested(node, "body");
  const size_t captures = capture_count(node);
  const size_t sequences = static_cast<size_t>(integer_attr(node, "num_scan_inputs"));
  const size_t states = inputs.size() - captures - sequences;
  const size_t scans = body.outputs().size() - states;
  const Ints input_axes = integers_attr(node, "scan_input_axes", sequences);
  const Ints input_directions = integers_attr(node, "scan_input_directions", sequences);
  const Ints output_axes = integers_attr(node, "scan_output_axes", scans);
  const Ints output_directions = integers_attr(node, "scan_output_directions", scans);

  const auto axis_of = [&](size_t k) {
    return OpArgs::normalize_axis(input_axes[k], inputs[states + k].tensor.rank());
  };
  const int64_t length = inputs[states].tensor.shape()[axis_of(0)];
  for (size_t k = 0; k < sequences; ++k) {
    if (inputs[states + k].tensor.shape()[axis_of(k)] != length) {
      fail("the scanned inputs have different lengths");
    }
  }
  std::vector<Datum> state(inputs.begin(), inputs.begin() + static_cast<long>(states));
  std::vector<std::vector<Tensor>> stacked(scans);
  for (int64_t at = 0; at < length; ++at) {
    std::vector<Datum> arguments = state;
    for (size_t k = 0; k < sequences; ++k) {
      const int64_t position = input_directions[k] ? length - 1 - at : at;
      arguments.emplace_back(slice(inputs[states + k].tensor, axis_of(k), position));
    }
    arguments.insert(arguments.end(), inputs.end() - static_cast<long>(captures), inputs.end());
    std::vector<Datum> results = evaluate_graph(body, arguments, symbols);
    for (size_t k = 0; k < states; ++k) state[k] = std::move(results[k]);
    for (size_t k = 0; k < scans; ++k) stacked[k].push_back(results[states + k].tensor);
  }
  for (size_t k = 0; k < scans; ++k) {
    const Type& type = body.type(body.outputs()[states + k]);
    state.emplace_back(stack(stacked[k], output_axes[k], output_directions[k] != 0, type));
  }
  return state;
}

}  // namespace

std::vector<Datum> evaluate_control(const Node& node, std::span<const Datum> inputs,
                                    const SymbolValues& symbols) {
  if (node.op == "If") return evaluate_if(node, inputs, symbols);
  if (node.op == "Loop") return evaluate_loop(node, inputs, symbols);
  if (node.op == "Scan") return evaluate_scan(node, inputs, symbols);
  fail_as(ErrorCode::unsupported, "op {} cannot be evaluated", node.op);
}

}  // namespace dlc
