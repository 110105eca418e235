// Reinterpretation of elements. Row: compiler/ops/cast.cpp.
#include "runtime/host/bit_cast.h"

#include <cstring>

namespace dlc::host {

void bit_cast(const HostCall& call) {
  const Tensor& x = call.in(0);
  Tensor& y = call.out(0, static_cast<DType>(call.attrs.integer("to")), x.shape());
  if (x.bytes() > 0) std::memcpy(y.mutable_data(), x.data(), x.bytes());
}

}  // namespace dlc::host
