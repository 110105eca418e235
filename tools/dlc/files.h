// Whole files, read and written with errors that name them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace dlc::cli {

/// Throws Error(failed) for a file that is missing, a folder, or unreadable.
std::string read_file(const std::filesystem::path& path);

/// Writes by way of a temporary file beside `path`, so that nobody sees half of it.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace dlc::cli
