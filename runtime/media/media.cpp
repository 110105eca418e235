// What libdlc-media.so offers.
#include "runtime/host/media.h"

namespace dlc::host {

Image decode_jpeg(Bytes file);
Image decode_png(Bytes file);
Image decode_tiff(Bytes file);
Image decode_webp(Bytes file);
void full_match(const std::string& pattern, std::span<const std::string> texts, uint8_t* results);

}  // namespace dlc::host

extern "C" __attribute__((visibility("default"))) const dlc::host::Media* dlc_media() {
  using namespace dlc::host;
  static constexpr Media media = {decode_jpeg, decode_png, decode_tiff, decode_webp, full_match};
  return &media;
}
