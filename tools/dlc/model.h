// From a file to a program that can run, with the inputs to run it on.
// Next: run.cpp, bench.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "compiler/driver/compile_file.h"
#include "compiler/driver/stopwatch.h"
#include "tools/dlc/inputs.h"
#include "tools/dlc/options.h"

namespace dlc::cli {

struct LoadedModel {
  std::shared_ptr<const Program> program;
  CompileReport report;
  bool from_cache = false;
  std::string cache_problem;
  std::vector<Datum> inputs;  ///< for the program's inputs, in order
  std::vector<Type> output_types;
  std::vector<std::string> bound;  ///< inputs that became constants, because they decide shapes
  std::vector<std::string> fixed;  ///< inputs whose shapes were compiled in, as given
  std::vector<std::string>
      assumed;                 ///< symbolic dims that nobody gave: made-up inputs have 1 there
  onnx::ImportOptions import;  ///< how the file was read in the end
  double import_ms = 0, compile_ms = 0;
};

/// Reads, compiles and finds inputs for a model. Inputs whose values decide shapes are compiled in,
/// where `source` has them in a file. Throws Error.
LoadedModel load_model(const std::filesystem::path& path, const ModelOptions& options,
                       const InputSource& source);

/// A graph as `options` ask for it.
Graph import_model(const std::filesystem::path& path, const ModelOptions& options);

/// What the user should know about how a model was loaded, on standard error.
void print_load_notes(const LoadedModel& model, const ModelOptions& options);

}  // namespace dlc::cli
