// Parts of dlc that are libraries of their own, loaded when they are needed.
// Users: compiler/driver/backend.h, runtime/host/media.h.
#pragma once

#include <filesystem>

namespace dlc {

/// Where such a library belongs: beside the library or program that this function is in, or in
/// ../lib from there.
std::filesystem::path module_path(const char* file);
/// A function of it, by name. It is loaded and stays. Throws Error(failed) with what is missing.
void* module_function(const char* file, const char* function);

}  // namespace dlc
