// What every fuzz target is: a function that takes any bytes, by the name that libFuzzer calls, and
// inputs to begin from.
// Next: driver.cpp, which runs it (tools/fuzz.sh: libFuzzer does); import.cpp, models.cpp,
// text.cpp, passes.cpp, tensors.cpp, image.cpp, artifact.cpp.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.h"

/// Ends in order, whatever the bytes say: with an Error that blames them, or a result that is
/// right.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace dlc::fuzz {

/// The target's inputs to begin from; the same on every call.
std::vector<std::string> seeds();

/// A finding: ends the process.
template <typename... Args>
[[noreturn]] void finding(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs((fmt::format(format, std::forward<Args>(args)...) + "\n").c_str(), stderr);
  std::abort();
}

/// Whether `work` ends without an Error. One that blames the environment, or us, is a finding.
template <typename Work>
bool accepts(Work&& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::failed) finding("not an error of the input: {}", error.what());
    return false;
  }
}

}  // namespace dlc::fuzz
