// What --test-data expects of a model's outputs.
#pragma once

#include <CLI/App.hpp>

#include "compiler/ops/compare.h"
#include "tools/dlc/model.h"

namespace dlc::cli {

/// One line for each output that differs from its output_N.pb in `folder`; none if that is empty.
/// Throws Error(failed) if there is nothing to compare with.
std::vector<std::string> differences(const std::filesystem::path& folder, const LoadedModel& model,
                                     std::span<const Datum> outputs, const Tolerance& tolerance);

/// Adds --rtol and --atol.
void add_tolerance_options(CLI::App& command, Tolerance& tolerance);

}  // namespace dlc::cli
