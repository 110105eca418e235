// Verification of a loaded model: see verify.h.
#include "tools/dlc/verify.h"

#include <fmt/format.h>

#include "compiler/ops/evaluate.h"
#include "runtime/error.h"
#include "tools/dlc/progress.h"

namespace dlc::cli {

Verification verify_model(const std::filesystem::path& path, const ModelOptions& options,
                          const LoadedModel& model, ThreadPool& pool) {
  const std::string name = path.filename().string();
  const Activity activity("verifying " + name);
  return with_context([&] { return name; },
                      [&] {
                        const Graph graph = onnx::import_file(path, model.import);
                        return verify(graph, model.inputs, options.compile, pool);
                      });
}

std::vector<Datum> interpret_model(const std::filesystem::path& path, const LoadedModel& model) {
  const std::string name = path.filename().string();
  const Activity activity("interpreting " + name);
  return with_context(
      [&] { return name; },
      [&] { return evaluate(onnx::import_file(path, model.import), model.inputs); });
}

std::string agreement_text(const Verification& done) {
  return fmt::format("{} passes and {} steps agree with the interpreter", done.passes, done.steps);
}

}  // namespace dlc::cli
