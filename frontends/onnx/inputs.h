// The inputs that a caller of a model supplies, with the caller's options applied.
#pragma once

#include <vector>

#include "frontends/onnx/import.h"
#include "frontends/onnx/types.h"

namespace dlc::onnx {

/// The inputs of `graph` without initializer, in order. Options fix sizes in `symbols`. Throws
/// Error(usage) for options that name nothing or contradict the model.
std::vector<DeclaredInput> graph_inputs(const proto::GraphProto& graph,
                                        const ImportOptions& options, Symbols& symbols);

}  // namespace dlc::onnx
