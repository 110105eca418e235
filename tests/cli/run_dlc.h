// Running the command `dlc` as a user does, and the models that its tests give it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dlc::cli_test {

struct Outcome {
  int exit_code = -1;  ///< minus the signal, if one ended it
  std::string out, err;
};

/// Runs build/bin/dlc with these arguments, in a folder of its own and without standard input.
Outcome run_dlc(const std::vector<std::string>& arguments);

/// A fresh empty folder for the running test.
std::filesystem::path scratch_folder();

/// The trained model that the set-up script fetches.
std::filesystem::path trained_model();

}  // namespace dlc::cli_test
