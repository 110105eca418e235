// Fuzzes ImageDecoder. The formats' libraries are not ours, but how they are called is.
//
//   1 byte: which order of channels | the file
#include "runtime/host/image.h"

#include <algorithm>
#include <array>

#include "tests/fuzz/fuzz.h"

namespace dlc::fuzz {
namespace {

constexpr std::array pixel_formats = {"RGB", "BGR", "Grayscale"};

std::string bmp() {
  std::string file("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 30);
  return file + std::string(24, '\0') + std::string(16, 'a');
}

}  // namespace
}  // namespace dlc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dlc;
  if (size == 0) return 0;
  Tensor file = Tensor::allocate(DType::u8, {static_cast<int64_t>(size - 1)});
  std::copy_n(data + 1, size - 1, file.as_mutable<uint8_t>().data());
  const std::vector<Datum> inputs = {std::move(file)};
  std::vector<Datum> outputs(1);
  Attributes attributes;
  attributes.set("pixel_format", fuzz::pixel_formats[*data % fuzz::pixel_formats.size()]);
  fuzz::accepts(
      [&] { host::image_decoder({.inputs = inputs, .outputs = outputs, .attrs = attributes}); });
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  return {'\0' + bmp(),
          '\1' + bmp(),
          "\2P6\n2 2\n255\nabcdefabcdef",
          std::string("\0P5 2 1 255 ab", 14),
          "\1P3\n1 1\n255\n1 2 3\n",
          "\2P4\n8 1\na",
          std::string("\0\xff\xd8\xff\xe0\0\x10JFIF\0", 12),
          std::string("\0\x89PNG\r\n\x1a\n", 9),
          std::string("\0II*\0\x08\0\0\0", 9),
          std::string("\0RIFF\x1a\0\0\0WEBPVP8L", 17)};
}
