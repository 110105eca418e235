// Kernels that need libraries for images and regular expressions. They are in libdlc-media.so,
// which is loaded by the first node that needs one, so that other processes do without those
// libraries. Next: runtime/media/.
#pragma once

#include <span>
#include <string>

#include "runtime/host/image_formats.h"

namespace dlc::host {

/// Each throws Error(invalid) for a damaged file or a wrong pattern, Error(unsupported) for a rare
/// form. Thread-safe.
struct Media {
  Image (*decode_jpeg)(Bytes file);
  Image (*decode_png)(Bytes file);
  Image (*decode_tiff)(Bytes file);
  Image (*decode_webp)(Bytes file);
  /// Whether all of each text matches: 1 or 0.
  void (*full_match)(const std::string& pattern, std::span<const std::string> texts,
                     uint8_t* results);
};

/// Throws Error(failed) when the library is not where it belongs.
const Media& media();

}  // namespace dlc::host
