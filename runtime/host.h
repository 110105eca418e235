// Host kernels: C++ functions over tensors, for what no loop nest says (NMS, TopK, Unique,
// strings). The functions live in runtime/host/, one file per family; compiler/ops rows point at
// them.
#pragma once

#include <cassert>
#include <span>
#include <vector>

#include "runtime/attributes.h"
#include "runtime/tensor.h"

namespace dlc {

/// What a host kernel is called with. Absent optional inputs are Datum kind `none`.
struct HostCall {
  std::span<const Datum> inputs;
  std::span<Datum> outputs;  ///< to be set; those that nobody wants may be left unset
  const Attributes& attrs;

  bool has(size_t input) const {
    return input < inputs.size() && inputs[input].kind != Datum::Kind::none;
  }
  const Tensor& in(size_t input) const {
    assert(has(input) && "the verifier checks required inputs");
    return inputs[input].tensor;
  }
  /// Allocates output `index` and returns it for writing.
  Tensor& out(size_t index, DType dtype, Shape shape) const {
    outputs[index] = Tensor::allocate(dtype, std::move(shape));
    return outputs[index].tensor;
  }
};

/// Throws Error for bad input values; otherwise sets every output. Thread-safe, keeps no state.
using HostFunction = void (*)(const HostCall& call);

}  // namespace dlc
