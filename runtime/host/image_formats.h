// Decoded images, and the decoders of simple formats. Users: image.cpp, media.h (other formats).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/error.h"

namespace dlc::host {

/// Eight bits for each of red, green and blue, row by row from the top.
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;

  /// Black pixels. Throws Error(limit) for sizes that no file of reasonable length has.
  void resize(int64_t new_width, int64_t new_height) {
    constexpr int64_t most = int64_t{1} << 28;  // pixels
    if (new_width < 1 || new_height < 1) fail("the image has no pixels");
    if (new_width > most || new_height > most / new_width)
      fail_as(ErrorCode::limit, "an image of {} x {} pixels is too large", new_width, new_height);
    width = new_width;
    height = new_height;
    pixels.assign(static_cast<size_t>(3 * width * height), 0);
  }
};

using Bytes = std::span<const uint8_t>;

// Each throws Error(invalid) for a damaged file, Error(unsupported) for a rare form.
Image decode_bmp(Bytes file);
Image decode_pnm(Bytes file);

}  // namespace dlc::host
