// Beside libFuzzer's main: `fuzz_TARGET --write-seeds=FOLDER` leaves the target's seeds in a
// folder.
#include <filesystem>

#include "tests/fuzz/fuzz.h"
#include "tools/dlc/files.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--write-seeds=";
  if (*argc != 2 || !std::string_view((*argv)[1]).starts_with(option)) return 0;
  const std::filesystem::path folder = (*argv)[1] + option.size();
  std::filesystem::create_directories(folder);
  size_t number = 0;
  for (const std::string& seed : dlc::fuzz::seeds())
    dlc::cli::write_file(folder / fmt::format("seed-{}", number++), seed);
  std::exit(0);
}
