// Options that several commands share: where the model is and how it is compiled.
// Next: model.h, which does it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "compiler/driver/cache.h"
#include "compiler/driver/compile.h"
#include "frontends/onnx/import.h"

namespace dlc::cli {

struct ModelOptions {
  std::vector<std::string> shapes;  ///< "name:1x3x224x224"
  std::vector<std::string> dims;    ///< "batch=4"
  std::string backend = "auto";
  CompileOptions compile;
  std::string cache;  ///< a folder; empty: the default one
  bool no_cache = false;
  uint64_t cache_mb = 4096;
  bool verbose = false;
};

/// --shape, --dim, -O, --disable-pass, --print-after, --vector-bits, --backend, -v.
void add_model_options(CLI::App& command, ModelOptions& options);
/// --cache, --no-cache, --cache-size.
void add_cache_options(CLI::App& command, ModelOptions& options);
/// What they ask for; null: no cache. A default one that cannot be used is reported if `verbose`;
/// one that was asked for, by an Error.
std::unique_ptr<Cache> open_cache(const ModelOptions& options);

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
