// Where a model's inputs come from: files, test data, or made up.
// Next: model.h (loads a model for them), compiler/ops/compare.h (expected outputs).
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontends/onnx/import.h"

namespace dlc::cli {

/// What -i and --test-data say, taken apart.
class InputSource {
 public:
  /// `specs`: "name=@x.npy", "name=random:7", "@all.npz", "ones", ...; `test_data`: a folder, or
  /// empty. Reads archives. Throws Error(usage) for what is not understood.
  InputSource(const std::vector<std::string>& specs, std::filesystem::path test_data);

  /// The value that a file gives to the input at `position`; nullopt: no file does.
  std::optional<Datum> from_file(const onnx::DeclaredInput& input, size_t position) const;

  /// Values for all of `inputs`: from files, else made up. Sizes that neither files nor the model
  /// say are 1; those are listed in `assumed`. Throws Error(usage) for a name the model lacks.
  std::vector<Datum> values(const std::vector<onnx::DeclaredInput>& inputs,
                            std::vector<std::string>& assumed) const;

 private:
  struct Maker {
    enum class Kind : uint8_t { random, ones, file } kind = Kind::random;
    uint64_t seed = 0;
    std::filesystem::path file;
  };
  static Maker parse_maker(std::string_view text);
  const Maker& maker(const std::string& name) const;
  void check_names(const std::vector<onnx::DeclaredInput>& inputs) const;

  std::filesystem::path test_data_;
  std::map<std::string, Maker, std::less<>> by_name_;
  std::map<std::string, Tensor, std::less<>> arrays_;  ///< of .npz archives
  Maker for_others_;
};

/// Adds -i and --test-data.
void add_input_options(CLI::App& command, std::vector<std::string>& specs, std::string& test_data);

}  // namespace dlc::cli
