// Decoding of image files. Row: compiler/ops/image.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// ImageDecoder: a u8 vector, the bytes of a file (BMP, JPEG, PNG, PNM, TIFF or WebP) -> u8
/// [height, width, channels]. Errors and threads: runtime/host.h.
void image_decoder(const HostCall& call);

}  // namespace dlc::host
