// Broadcasting: NumPy's rules, with symbolic sizes.
#pragma once

#include "compiler/ops/op_def.h"

namespace dlc {

/// The shape to which all inputs of a node broadcast. Throws Error(invalid) when they do not;
/// symbolic sizes must fit when they are known.
Dims broadcast_shape(const OpArgs& args);
Dims broadcast_shapes(const OpArgs& args, const Dims& a, const Dims& b);
/// The same for shapes that are known to fit.
Dims broadcast_shapes(const Dims& a, const Dims& b);
/// Throws Error(invalid) unless `from` broadcasts to `to` and leaves it as it is.
void expect_broadcast_to(const OpArgs& args, const Dims& from, const Dims& to,
                         std::string_view what);

/// Where the element for `indices` of a tensor of shape `to` is in an operand of shape `from`. A
/// symbolic size that may be 1 or the full size is settled at run time; no index leaves the
/// operand.
Indices broadcast_indices(const Indices& indices, const Dims& to, const Dims& from);

}  // namespace dlc
