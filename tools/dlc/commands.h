// The commands of dlc: each adds itself to the command line, in the file of its name.
// A command prints results on standard output and throws Error for every exit code but 0.
#pragma once

#include <CLI/App.hpp>

namespace dlc::cli {

void add_run(CLI::App& app);
void add_bench(CLI::App& app);
void add_profile(CLI::App& app);
void add_inspect(CLI::App& app);
void add_check(CLI::App& app);
void add_bisect(CLI::App& app);
void add_reduce(CLI::App& app);
void add_doctor(CLI::App& app);
void add_ops(CLI::App& app);
void add_passes(CLI::App& app);
void add_completion(CLI::App& app);

/// "dlc 0.1.0 (a1b2c3d), LLVM 22.1.8, for znver3: avx2 fma f16c"
std::string version_text();

}  // namespace dlc::cli
