// Whole files, read and written with errors that name them.
#include "tools/dlc/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "runtime/error.h"

namespace dlc::cli {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_as(ErrorCode::failed, "there is no such file");
  if (fs::is_directory(status)) fail_as(ErrorCode::failed, "this is a folder, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_as(ErrorCode::failed, "the file cannot be read: {}", std::strerror(errno));
  std::string bytes(static_cast<size_t>(fs::file_size(path)), '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    fail_as(ErrorCode::failed, "the file cannot be read: {}", std::strerror(errno));
  return bytes;
}

void write_file(const fs::path& path, std::string_view bytes) {
  fs::path part = path;
  part += ".part" + std::to_string(getpid());
  std::ofstream file(part, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    const std::string reason = std::strerror(errno);
    std::error_code ignored;
    fs::remove(part, ignored);
    fail_as(ErrorCode::failed, "{}: cannot be written: {}", path.string(), reason);
  }
  std::error_code error;
  fs::rename(part, path, error);
  if (error)
    fail_as(ErrorCode::failed, "{}: cannot be written: {}", path.string(), error.message());
}

}  // namespace dlc::cli
