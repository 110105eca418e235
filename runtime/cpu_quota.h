// The share of the machine that a container leaves us.
// Next: runtime/thread_pool.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dlc {

/// CPUs that the control groups of a process grant it, as a fraction; nullopt: no quota. The
/// smallest quota on the way from its group to the root counts.
/// membership: the text of /proc/self/cgroup; root: where the hierarchies are mounted
/// (/sys/fs/cgroup; version 2 directly there, version 1 in the folder of its controllers).
std::optional<double> cpu_quota(std::string_view membership, const std::string& root);

}  // namespace dlc
