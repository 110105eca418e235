// Row of ImageDecoder, which runs as a C++ function: runtime/host/image.h.
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/image.h"

namespace dlc {
namespace {

std::vector<Type> infer_image(const OpArgs& args) {
  args.expect_rank("encoded_stream", 1);
  const std::string format = args.text("pixel_format");
  if (format != "RGB" && format != "BGR" && format != "Grayscale")
    fail("pixel_format is '{}', but must be 'RGB', 'BGR' or 'Grayscale'", format);
  const Dim channels = format == "Grayscale" ? 1 : 3;
  return {Type::tensor(DType::u8, {fresh_dim(args, "height"), fresh_dim(args, "width"), channels})};
}

}  // namespace

const std::vector<OpDef>& image_file_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ImageDecoder",
       .doc = "The pixels [height, width, channels] of an image file: BMP, JPEG, PNG, PNM, TIFF or "
              "WebP. An alpha channel is dropped.",
       .source = "ONNX ImageDecoder-20",
       .inputs = {{"encoded_stream", one(DType::u8)}},
       .outputs = {"image"},
       .attrs = {{"pixel_format", "RGB"}},
       .host = host::image_decoder,
       .infer = infer_image,
       .samples = {"encoded_stream: u8[13]{80, 53, 10, 50, 32, 49, 10, 50, 53, 53, 10, 7, 200}, "
                   "pixel_format=\"Grayscale\"",
                   "encoded_stream: u8[14]{80, 54, 10, 49, 32, 49, 10, 50, 53, 53, 10, 1, 2, 3}"}},
  };
  return rows;
}

}  // namespace dlc
