// Small help with text: splitting, lists, near misses, units.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dlc::cli {

std::vector<std::string_view> split(std::string_view text, char separator);

/// "; did you mean 'x'?" with the nearest of `names`, or nothing if none is near.
std::string did_you_mean(std::string_view wrong, std::span<const std::string> names);

std::string human_bytes(double bytes);      ///< "12.3 MB", in powers of 1000
std::string human_count(double count);      ///< "4.09 G", for operations and parameters
std::string human_ms(double milliseconds);  ///< "3.52 ms", "12.1 us", "1.40 s"

/// "a, b, c"
std::string join(std::span<const std::string> parts, std::string_view separator = ", ");

}  // namespace dlc::cli
