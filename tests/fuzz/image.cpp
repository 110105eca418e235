// Fuzzes ImageDecoder. The formats' libraries are not ours, but how they are called is.
#include "runtime/host/image.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace dlc::fuzz {
namespace {

std::string bmp() {
  std::string file("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 30);
  return file + std::string(24, '\0') + std::string(16, 'a');
}

}  // namespace
}  // namespace dlc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dlc;
  Tensor file = Tensor::allocate(DType::u8, {static_cast<int64_t>(size)});
  std::copy_n(data, size, file.as_mutable<uint8_t>().data());
  const std::vector<Datum> inputs = {std::move(file)};
  std::vector<Datum> outputs(1);
  const Attributes none;
  fuzz::accepts(
      [&] { host::image_decoder({.inputs = inputs, .outputs = outputs, .attrs = none}); });
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  return {bmp(),
          "P6\n2 2\n255\nabcdefabcdef",
          "P5 2 1 255 ab",
          "P3\n1 1\n255\n1 2 3\n",
          "P4\n8 1\na",
          std::string("\xff\xd8\xff\xe0\0\x10JFIF\0", 11),
          "\x89PNG\r\n\x1a\n",
          std::string("II*\0\x08\0\0\0", 8),
          std::string("RIFF\x1a\0\0\0WEBPVP8L", 16)};
}
