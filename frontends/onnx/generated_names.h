// Names that the exporter makes up for values without one, which importing drops again: so a graph
// that is exported and imported keeps its text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace dlc::onnx {

/// What the exporter writes as the model's producer. Other producers' names are their own.
inline constexpr std::string_view own_producer = "dlc";

inline std::string generated_name(int number) { return "dlc_" + std::to_string(number); }

inline bool is_generated_name(std::string_view name) {
  constexpr std::string_view prefix = "dlc_";
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return false;
  const std::string_view digits = name.substr(prefix.size());
  return std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace dlc::onnx
