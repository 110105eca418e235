// User-defined operators, from shared objects.
// The C interface that those have: include/dlc/plugin.h.
#pragma once

#include <filesystem>

#include "dlc/plugin.h"

namespace dlc {

/// Loads a shared object and adds its operators to those that models may use. It stays loaded. Call
/// it before models are imported, not while others are: the table of operators is not locked.
/// Throws Error(invalid) for what is no plugin, or one that says what is wrong.
void load_plugin(const std::filesystem::path& path);

/// Adds one operator, for programs that have their operators in themselves. The same rules hold;
/// `op` must stay.
void add_plugin_op(const dlc_op& op);

}  // namespace dlc
