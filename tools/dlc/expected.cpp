// What --test-data expects of a model's outputs.
#include "tools/dlc/expected.h"

#include <fmt/format.h>

#include "runtime/error.h"

namespace dlc::cli {

namespace fs = std::filesystem;

std::vector<std::string> differences(const fs::path& folder, const LoadedModel& model,
                                     std::span<const Datum> outputs, const Tolerance& tolerance) {
  std::vector<std::string> lines;
  if (folder.empty()) return lines;
  size_t compared = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const fs::path file = folder / fmt::format("output_{}.pb", i);
    if (!fs::exists(file)) continue;
    ++compared;
    const Datum want = onnx::read_tensor_file(file, model.output_types[i]);
    const std::string text = difference(outputs[i], want, tolerance);
    if (!text.empty())
      lines.push_back(fmt::format("output '{}': {}", model.program->outputs[i].name, text));
  }
  if (compared == 0)
    fail_as(ErrorCode::failed, "{}: there is no output_0.pb to compare with", folder.string());
  return lines;
}

void add_tolerance_options(CLI::App& command, Tolerance& tolerance) {
  command.add_option("--rtol", tolerance.relative, "Relative tolerance with --test-data")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--atol", tolerance.absolute, "Absolute tolerance with --test-data")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace dlc::cli
