// Reading CPU quotas of control groups, versions 1 and 2.
// Next: runtime/thread_pool.cpp.
#include "runtime/cpu_quota.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace dlc {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// quota / period of one folder, in either version's files.
std::optional<double> quota_of(const std::string& folder) {
  double quota = 0, period = 0;
  if (std::istringstream v2(first_line(folder + "/cpu.max")); v2 >> quota >> period && period > 0)
    return quota / period;  // "max 100000" is no number: no quota
  std::istringstream v1_quota(first_line(folder + "/cpu.cfs_quota_us"));
  std::istringstream v1_period(first_line(folder + "/cpu.cfs_period_us"));
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

/// The folder of the CPU controller below the root, by the second field of a line
/// "id:controllers:path"; nullopt: a hierarchy of other controllers.
std::optional<std::string> hierarchy(std::string_view controllers) {
  if (controllers.empty()) return std::string();  // version 2
  std::istringstream list{std::string(controllers)};
  for (std::string name; std::getline(list, name, ',');)
    if (name == "cpu") return std::string("/").append(controllers);
  return std::nullopt;
}

}  // namespace

std::optional<double> cpu_quota(std::string_view membership, const std::string& root) {
  std::optional<double> smallest;
  const auto consider = [&](const std::string& folder) {
    if (const auto quota = quota_of(folder))
      smallest = smallest ? std::min(*smallest, *quota) : *quota;
  };
  std::istringstream lines{std::string(membership)};
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto below = hierarchy(std::string_view(line).substr(first + 1, second - first - 1));
    if (!below) continue;
    // Inside a container the path may be one that only the host can see: then only the root is
    // there, and it is the container's own group.
    std::string path = line.substr(second + 1);
    while (path.size() > 1) {
      consider(root + *below + path);
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
    consider(root + *below);
    if (!below->empty()) consider(root + "/cpu");
  }
  return smallest;
}

}  // namespace dlc
