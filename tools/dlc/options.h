// Options that several commands share: where the model is and how it is compiled.
// Next: model.h, which does it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "compiler/driver/compile.h"
#include "frontends/onnx/import.h"

namespace dlc::cli {

struct ModelOptions {
  std::vector<std::string> shapes;  ///< "name:1x3x224x224"
  std::vector<std::string> dims;    ///< "batch=4"
  std::string backend = "auto";
  CompileOptions compile;
  bool verbose = false;
};

/// --shape, --dim, -O, --disable-pass, --print-after, --vector-bits, --backend, -v.
void add_model_options(CLI::App& command, ModelOptions& options);

/// `shapes` and `dims` taken apart. Throws Error(usage).
onnx::ImportOptions import_options(const ModelOptions& options);

/// Throws Error(usage) for a pass or number that does not exist.
void check_compile_options(const ModelOptions& options);

/// --threads. 0 means all cores, or what the environment's DLC_THREADS says.
void add_threads_option(CLI::App& command, int& threads);
void add_json_option(CLI::App& command, bool& json);

/// A whole number, nothing before or after it; nullopt if `text` is not one.
std::optional<int64_t> parse_integer(std::string_view text);

}  // namespace dlc::cli
