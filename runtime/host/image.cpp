// Image files: which decoder a file is for, and the simple formats.
// Next: media.h (formats that libraries decode).
#include "runtime/host/image.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/error.h"
#include "runtime/host/media.h"

namespace dlc::host {

namespace {

/// Numbers of `count` bytes, the lowest first.
uint32_t little(Bytes file, size_t at, size_t count) {
  if (at + count > file.size()) fail("the image is cut off");
  uint32_t value = 0;
  for (size_t k = count; k-- > 0;) value = value << 8 | file[at + k];
  return value;
}

}  // namespace

/// Uncompressed, of 24 or 32 bits a pixel or with a palette: blue, green, red, from the bottom up.
Image decode_bmp(Bytes file) {
  const uint32_t first = little(file, 10, 4), header = little(file, 14, 4);
  if (header < 40) fail_as(ErrorCode::unsupported, "a BMP of this age is not supported");
  const auto width = static_cast<int32_t>(little(file, 18, 4));
  const auto height = static_cast<int32_t>(little(file, 22, 4));
  const uint32_t bits = little(file, 28, 2), compression = little(file, 30, 4);
  const bool plain = compression == 0 || (compression == 3 && bits == 32);
  if (!plain || (bits != 8 && bits != 24 && bits != 32))
    fail_as(ErrorCode::unsupported, "a compressed BMP, or one of {} bits, is not supported", bits);
  const int64_t rows = height < 0 ? -static_cast<int64_t>(height) : height;
  Image image;
  image.resize(width, rows);
  const size_t row_bytes = (static_cast<size_t>(width) * bits + 31) / 32 * 4;
  for (int64_t y = 0; y < rows; ++y) {
    const auto from = static_cast<size_t>(height < 0 ? y : rows - 1 - y) * row_bytes + first;
    if (from + row_bytes > file.size()) fail("the image is cut off");
    for (int64_t x = 0; x < width; ++x) {
      size_t at = from + static_cast<size_t>(x) * (bits / 8);
      if (bits == 8) at = 14 + header + size_t{4} * file[at];
      uint8_t* to = &image.pixels[static_cast<size_t>(3 * (y * width + x))];
      for (size_t k = 0; k < 3; ++k) to[k] = static_cast<uint8_t>(little(file, at + 2 - k, 1));
    }
  }
  return image;
}

namespace {

/// The header of a PNM: numbers in text, with comments.
class PnmReader {
 public:
  explicit PnmReader(Bytes file) : file_(file) {}

  int64_t number() {
    skip();
    int64_t value = 0;
    bool any = false;
    for (; at_ < file_.size() && file_[at_] >= '0' && file_[at_] <= '9'; ++at_, any = true) {
      value = value * 10 + (file_[at_] - '0');
      if (value > int64_t{1} << 30) fail("a number in the image's header is too large");
    }
    if (!any) fail("a number in the image's header is missing");
    return value;
  }
  uint8_t byte() {
    if (at_ >= file_.size()) fail("the image is cut off");
    return file_[at_++];
  }
  size_t at_ = 2;  ///< behind the magic number

 private:
  void skip() {
    while (at_ < file_.size()) {
      if (file_[at_] == '#') {
        while (at_ < file_.size() && file_[at_] != '\n') ++at_;
      } else if (std::string_view(" \t\r\n").find(static_cast<char>(file_[at_])) !=
                 std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }

  Bytes file_;
};

}  // namespace

/// P2, P3 (text), P5 and P6 (bytes): gray or red, green, blue.
Image decode_pnm(Bytes file) {
  const char kind = static_cast<char>(file[1]);
  const bool text = kind == '2' || kind == '3', gray = kind == '2' || kind == '5';
  PnmReader reader(file);
  const int64_t width = reader.number(), height = reader.number(), most = reader.number();
  if (most < 1 || most > 65535) fail("the image's greatest value is {}", most);
  if (!text) reader.byte();  // one white space
  Image image;
  image.resize(width, height);
  const auto sample = [&] {
    int64_t value = text ? reader.number() : reader.byte();
    if (!text && most > 255) value = value << 8 | reader.byte();
    return static_cast<uint8_t>((std::min(value, most) * 255 + most / 2) / most);
  };
  for (size_t i = 0; i < image.pixels.size(); i += gray ? 3 : 1) {
    const uint8_t value = sample();
    std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(i), gray ? 3 : 1, value);
  }
  return image;
}

namespace {

Image decode(Bytes file) {
  struct Format {
    std::string_view magic;
    Image (*decode)(Bytes);
  };
  constexpr Format formats[] = {
      {"BM", decode_bmp},
      {"\xff\xd8\xff", [](Bytes bytes) { return media().decode_jpeg(bytes); }},
      {"\x89PNG", [](Bytes bytes) { return media().decode_png(bytes); }},
      {std::string_view("II*\0", 4), [](Bytes bytes) { return media().decode_tiff(bytes); }},
      {std::string_view("MM\0*", 4), [](Bytes bytes) { return media().decode_tiff(bytes); }},
      {"RIFF", [](Bytes bytes) { return media().decode_webp(bytes); }},
      {"P2", decode_pnm},
      {"P3", decode_pnm},
      {"P5", decode_pnm},
      {"P6", decode_pnm},
  };
  for (const Format& format : formats) {
    if (file.size() < format.magic.size()) continue;
    if (std::memcmp(file.data(), format.magic.data(), format.magic.size()) == 0)
      return format.decode(file);
  }
  fail_as(ErrorCode::unsupported, "the image is in no known format");
}

/// ITU-R 601, in 16 bits.
uint8_t luminance(const uint8_t* p) {
  return static_cast<uint8_t>((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
}

}  // namespace

void image_decoder(const HostCall& call) {
  const Tensor& file = call.in(0);
  const std::string& format = call.attrs.text("pixel_format");
  const Image image = decode(file.as<uint8_t>());
  const int64_t channels = format == "Grayscale" ? 1 : 3;
  uint8_t* to =
      call.out(0, DType::u8, {image.height, image.width, channels}).as_mutable<uint8_t>().data();
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    const uint8_t* pixel = &image.pixels[i];
    if (format == "Grayscale") {
      *to++ = luminance(pixel);
    } else if (format == "BGR") {
      to = std::reverse_copy(pixel, pixel + 3, to);
    } else {
      to = std::copy_n(pixel, 3, to);
    }
  }
}

}  // namespace dlc::host
