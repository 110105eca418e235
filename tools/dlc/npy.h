// NumPy's file formats: .npy (versions 1 to 3) and .npz (a zip of them).
// Next: inputs.h, which decides what a file is read for.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "runtime/tensor.h"

namespace dlc::cli {

/// Reads one array; big-endian and Fortran-ordered ones too. 'U' and 'S' arrays become strings.
/// Throws Error(failed) when the file cannot be read, Error(invalid) when it is not such a file.
Tensor read_npy(const std::filesystem::path& path);

/// All arrays of an archive by name (without ".npy"), stored or deflated, zip64 included.
std::map<std::string, Tensor> read_npz(const std::filesystem::path& path);

/// The array in `bytes`, which are a whole .npy file.
Tensor parse_npy(std::string_view bytes);
/// The arrays in `bytes`, which are a whole .npz file.
std::map<std::string, Tensor> parse_npz(std::string_view bytes);

/// Writes version 1.0, little-endian, in C order, by way of a temporary file beside it. Types that
/// NumPy does not have are written as f32 (small floats) or int8 / uint8 (small integers).
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace dlc::cli
