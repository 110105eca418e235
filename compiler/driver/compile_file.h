// From a model file to a program, by way of the cache.
// Next: compile.h (from a graph), cache.h.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "compiler/driver/cache.h"
#include "compiler/driver/compile.h"
#include "frontends/onnx/import.h"

namespace dlc {

struct CompiledFile {
  std::shared_ptr<const Program> program;
  bool from_cache = false;
  std::string cache_problem;  ///< why the cache did not serve, where it should have
  CompileReport report;       ///< of what was compiled now
  double import_ms = 0, compile_ms = 0;
};

/// Runs work somewhere, perhaps not in this process; throws what it throws.
using RunWork = std::function<void(const std::function<void()>&)>;

/// Compiles a model, or maps what was compiled from the same bytes with the same options before.
/// `cache` may be null: then the program is only in memory. Throws what import and compile throw;
/// trouble with the cache is no error. What is compiled for the cache is compiled by `apart`, if it
/// is given (and then `report` stays empty).
CompiledFile compile_file(const std::filesystem::path& path, const onnx::ImportOptions& import,
                          const CompileOptions& options, const Cache* cache,
                          const RunWork& apart = {});

}  // namespace dlc
