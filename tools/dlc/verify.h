// Verification of a loaded model, for `dlc run --verify` and `dlc bisect`.
#pragma once

#include "compiler/driver/verify.h"
#include "tools/dlc/model.h"

namespace dlc::cli {

/// Reads the model once more, as it was loaded, and follows it from the file to the program.
Verification verify_model(const std::filesystem::path& path, const ModelOptions& options,
                          const LoadedModel& model, ThreadPool& pool);

/// The outputs as the interpreter computes them, without any pass.
std::vector<Datum> interpret_model(const std::filesystem::path& path, const LoadedModel& model);

/// "17 passes and 12 steps agree with the interpreter"
std::string agreement_text(const Verification& verification);

}  // namespace dlc::cli
