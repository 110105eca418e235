// Confines external data to the model's folder.
#include "frontends/onnx/external_data.h"

#include <algorithm>

#include "runtime/error.h"

namespace dlc::onnx {
namespace {

namespace fs = std::filesystem;

/// Where `location` really is, after symbolic links.
fs::path resolve(const fs::path& folder, const std::string& location) {
  const fs::path relative(location);
  const auto up = [](const fs::path& part) { return part == ".."; };
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() ||
      std::any_of(relative.begin(), relative.end(), up)) {
    fail("external data at '{}': the path must be relative and stay in the model's folder",
         location);
  }
  std::error_code error;
  const fs::path inside = fs::canonical(folder.empty() ? "." : folder, error);
  const fs::path file = error ? fs::path() : fs::canonical(inside / relative, error);
  if (error) {
    fail_as(ErrorCode::failed, "external data at '{}': {}", location, error.message());
  }
  const auto [parent, rest] = std::mismatch(inside.begin(), inside.end(), file.begin(), file.end());
  if (parent != inside.end()) {
    fail(
        "external data at '{}': a symbolic link leads out of the model's folder; put the file "
        "itself there",
        location);
  }
  return file;
}

}  // namespace

std::shared_ptr<const MappedFile> ExternalData::open(const std::string& location) {
  if (folder_.empty()) {
    fail("external data at '{}', but a model in memory has no folder to look in", location);
  }
  std::shared_ptr<const MappedFile>& file = files_[location];
  if (!file) file = MappedFile::open(resolve(folder_, location));
  return file;
}

std::vector<std::string> ExternalData::opened() const {
  std::vector<std::string> locations;
  for (const auto& [location, file] : files_) locations.push_back(location);
  return locations;
}

}  // namespace dlc::onnx
