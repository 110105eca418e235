// Decoders of image files, one a format. Users: image.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dlc::host {

/// Eight bits for each of red, green and blue, row by row from the top.
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;

  /// Black pixels. Throws Error(limit) for sizes that no file of reasonable length has.
  void resize(int64_t new_width, int64_t new_height);
};

using Bytes = std::span<const uint8_t>;

// Each throws Error(invalid) for a damaged file, Error(unsupported) for a rare form.
Image decode_bmp(Bytes file);
Image decode_pnm(Bytes file);
Image decode_jpeg(Bytes file);
Image decode_png(Bytes file);
Image decode_tiff(Bytes file);
Image decode_webp(Bytes file);

}  // namespace dlc::host
