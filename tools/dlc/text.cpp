// Small help with text.
#include "tools/dlc/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace dlc::cli {
namespace {

/// Insertions, deletions and replacements that make `a` of `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

struct Unit {
  double factor;
  std::string_view name;
};

/// Three digits in the largest of `units` (given from large to small) that is not larger than it.
std::string with_unit(double value, std::span<const Unit> units) {
  const auto fits = [&](const Unit& u) { return std::fabs(value) >= u.factor; };
  const auto found = std::find_if(units.begin(), units.end(), fits);
  const Unit unit = found == units.end() ? units.back() : *found;
  const double scaled = value / unit.factor;
  const int digits = std::fabs(scaled) < 10 ? 2 : std::fabs(scaled) < 100 ? 1 : 0;
  return fmt::format("{:.{}f} {}", scaled, digits, unit.name);
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string> names) {
  const auto nearer = [&](const std::string& a, const std::string& b) {
    return edit_distance(wrong, a) < edit_distance(wrong, b);
  };
  const auto best = std::min_element(names.begin(), names.end(), nearer);
  if (best == names.end() || edit_distance(wrong, *best) > 1 + wrong.size() / 3) return "";
  return fmt::format("; did you mean '{}'?", *best);
}

std::string human_bytes(double bytes) {
  static constexpr std::array<Unit, 4> units = {{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}};
  return bytes < 1e3 ? fmt::format("{:.0f} B", bytes) : with_unit(bytes, units);
}

std::string human_count(double count) {
  static constexpr std::array<Unit, 4> units = {{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  return count < 1e3 ? fmt::format("{:.0f}", count) : with_unit(count, units);
}

std::string human_ms(double milliseconds) {
  static constexpr std::array<Unit, 3> units = {{{1e3, "s"}, {1, "ms"}, {1e-3, "us"}}};
  return with_unit(milliseconds, units);
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

}  // namespace dlc::cli
