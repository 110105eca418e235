// Image formats that libraries decode: JPEG, PNG, TIFF, WebP.
// Next: media.cpp.
#include <cstdio>  // jpeglib.h counts on it

#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>
#include <webp/decode.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <memory>

#include "runtime/error.h"
#include "runtime/host/media.h"

namespace dlc::host {
namespace {

/// libjpeg's way out of an error: back to where decoding began. No C++ object with a destructor may
/// live in between.
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void leave(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

/// Rows into `image`; false: `errors` has the message.
bool read_jpeg(jpeg_decompress_struct& info, JpegErrors& errors, Bytes file, Image& image) {
  if (setjmp(errors.back) != 0) return false;
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  image.resize(info.output_width, info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = &image.pixels[size_t{3} * info.output_width * info.output_scanline];
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

}  // namespace

Image decode_jpeg(Bytes file) {
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&info);
  const auto destroy = [](jpeg_decompress_struct* i) { jpeg_destroy_decompress(i); };
  const std::unique_ptr<jpeg_decompress_struct, decltype(destroy)> owner(&info, destroy);
  Image image;
  if (!read_jpeg(info, errors, file, image)) fail("a damaged JPEG: {}", errors.message);
  return image;
}

Image decode_png(Bytes file) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  Image image;
  if (png_image_begin_read_from_memory(&png, file.data(), file.size()) != 0) {
    png.format = PNG_FORMAT_RGBA;  // alpha is dropped, not mixed with a background
    image.resize(png.width, png.height);
    std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(png));
    if (png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr) != 0) {
      for (size_t i = 0; i < image.pixels.size() / 3; ++i)
        std::copy_n(&pixels[4 * i], 3, &image.pixels[3 * i]);
      return image;
    }
  }
  const std::string message = png.message;
  png_image_free(&png);
  fail("a damaged PNG: {}", message);
}

namespace {

/// A file in memory, for libtiff.
struct TiffSource {
  Bytes bytes;
  size_t at = 0;
};

tmsize_t read_tiff(thandle_t handle, void* to, tmsize_t size) {
  auto* source = static_cast<TiffSource*>(handle);
  const size_t count = std::min(static_cast<size_t>(size), source->bytes.size() - source->at);
  std::memcpy(to, source->bytes.data() + source->at, count);
  source->at += count;
  return static_cast<tmsize_t>(count);
}

toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  auto* source = static_cast<TiffSource*>(handle);
  if (whence == SEEK_CUR) offset += source->at;
  if (whence == SEEK_END) offset += source->bytes.size();
  source->at = std::min<toff_t>(offset, source->bytes.size());
  return source->at;
}

toff_t size_of_tiff(thandle_t handle) { return static_cast<TiffSource*>(handle)->bytes.size(); }
tmsize_t write_no_tiff(thandle_t, void*, tmsize_t) { return 0; }
int close_tiff(thandle_t) { return 0; }

}  // namespace

Image decode_tiff(Bytes file) {
  TIFFSetErrorHandler(nullptr);  // to stderr, and for the whole process: there is no other way
  TIFFSetWarningHandler(nullptr);
  TiffSource source{file};
  const auto close = [](TIFF* t) { TIFFClose(t); };
  const std::unique_ptr<TIFF, decltype(close)> tiff(
      TIFFClientOpen("image", "rm", &source, read_tiff, write_no_tiff, seek_tiff, close_tiff,
                     size_of_tiff, nullptr, nullptr),
      close);
  uint32_t width = 0, height = 0;
  if (!tiff || TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) == 0 ||
      TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height) == 0)
    fail("a damaged TIFF");
  Image image;
  image.resize(width, height);
  std::vector<uint32_t> pixels(size_t{width} * height);
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, pixels.data(), ORIENTATION_TOPLEFT, 1) ==
      0)
    fail("a damaged TIFF");
  for (size_t i = 0; i < pixels.size(); ++i) {
    image.pixels[3 * i] = static_cast<uint8_t>(TIFFGetR(pixels[i]));
    image.pixels[3 * i + 1] = static_cast<uint8_t>(TIFFGetG(pixels[i]));
    image.pixels[3 * i + 2] = static_cast<uint8_t>(TIFFGetB(pixels[i]));
  }
  return image;
}

Image decode_webp(Bytes file) {
  int width = 0, height = 0;
  if (WebPGetInfo(file.data(), file.size(), &width, &height) == 0) fail("a damaged WebP");
  Image image;
  image.resize(width, height);
  if (WebPDecodeRGBInto(file.data(), file.size(), image.pixels.data(), image.pixels.size(),
                        3 * width) == nullptr)
    fail("a damaged WebP");
  return image;
}

}  // namespace dlc::host
