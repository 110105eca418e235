// Work in a process of its own.
#pragma once

#include <functional>

namespace dlc::cli {

/// Runs `work` in a copy of this process and waits for it. An Error that it throws is thrown here;
/// a crash becomes one. Whatever memory it took is the system's again afterwards, and nothing else
/// of what it did shows here. Throws Error(failed) if there can be no other process.
void run_apart(const std::function<void()>& work);

}  // namespace dlc::cli
