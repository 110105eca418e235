// Older forms of ops become the newest one, so that nothing behind the importer knows of versions.
// The rows are in upgrade.cpp, and what several of them need in upgrade_rows.h.
#pragma once

#include <string_view>

#include "frontends/onnx/importer.h"

namespace dlc::onnx {

/// Brings a node of any opset to the form of opset 28: changes its op, inputs and attributes, or
/// sets its results. Throws Error(unsupported) for forms that have no equal today.
void upgrade(OnnxNode& node);

/// Whether the op, or what it is called today, has a row.
bool is_known_op(std::string_view op);

}  // namespace dlc::onnx
