// The rows of bad_input_test.cpp, a file for each kind: bad_models.cpp, bad_nodes.cpp,
// bad_operands.cpp, bad_use.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/cli/models.h"

namespace dlc::cli_test {

struct BadCase {
  std::string name;
  int exit_code;
  std::vector<std::string> words;  ///< that the message must have
  /// Makes the input in an empty folder; gives the arguments for dlc.
  std::function<std::vector<std::string>(const std::filesystem::path&)> make;
};
inline std::ostream& operator<<(std::ostream& out, const BadCase& bad) { return out << bad.name; }

std::vector<BadCase> file_cases();     ///< what is no ONNX model at all, or a cut one
std::vector<BadCase> graph_cases();    ///< graphs that do not hang together
std::vector<BadCase> node_cases();     ///< nodes whose inputs or attributes do not fit
std::vector<BadCase> operand_cases();  ///< operands that contradict each other
std::vector<BadCase> size_cases();     ///< models that ask for too much
std::vector<BadCase> weight_cases();   ///< initializers and external data
std::vector<BadCase> use_cases();      ///< command lines and input files

/// A row whose model is made by `change` from an empty one, and run with made-up inputs.
BadCase model_case(std::string name, int exit_code, std::vector<std::string> words,
                   std::function<void(Model&)> change);
/// A row that runs on a file with these bytes.
BadCase bytes_case(std::string name, int exit_code, std::vector<std::string> words,
                   std::function<std::string()> bytes);

}  // namespace dlc::cli_test
