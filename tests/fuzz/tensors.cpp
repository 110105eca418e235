// Fuzzes the readers of tensors: .npy, .npz, and ONNX's test data by a type.
//
//   1 byte: which reader | the file
#include <zlib.h>

#include <array>

#include "compiler/ir/text.h"
#include "frontends/onnx/import.h"
#include "frontends/onnx/proto.h"
#include "onnx-ml.pb.h"
#include "tests/fuzz/fuzz.h"
#include "tools/dlc/npy.h"

namespace dlc::fuzz {
namespace {

constexpr std::array value_types = {"f32[*]",           "seq(f32[*])",     "opt(f32[*])",
                                    "opt(seq(f32[*]))", "map(i64,f32[*])", "map(str,f32[*])"};

void read(unsigned reader, std::string_view file) {
  if (reader == 0) {
    cli::parse_npy(file);
  } else if (reader == 1) {
    cli::parse_npz(file);
  } else {
    const auto* bytes = reinterpret_cast<const uint8_t*>(file.data());
    const Type type = parse_type(value_types[(reader - 2) % value_types.size()]);
    onnx::read_tensor_bytes({bytes, file.size()}, {}, type);
  }
}

std::string npy(const std::string& descr, const std::string& shape, size_t bytes) {
  std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}\n";
  const char size = static_cast<char>(text.size());
  return std::string("\x93NUMPY\1\0", 8) + size + '\0' + text + std::string(bytes, 'a');
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 0xFF);
  return text;
}

/// An archive of one stored member.
std::string npz(const std::string& content, uint32_t crc) {
  const std::string name = "x.npy";
  const std::string sizes = little_endian(crc, 4) + little_endian(content.size(), 4) +
                            little_endian(content.size(), 4) + little_endian(name.size(), 2);
  const std::string local = little_endian(0x04034b50, 4) +
                            std::string("\x14\0\0\0\0\0\0\0\0\0", 10) + sizes +
                            std::string(2, '\0') + name + content;
  const std::string central = little_endian(0x02014b50, 4) +
                              std::string("\x14\0\x14\0\0\0\0\0\0\0\0\0", 12) + sizes +
                              std::string(16, '\0') + name;
  return local + central + little_endian(0x06054b50, 4) + std::string(4, '\0') +
         std::string("\1\0\1\0", 4) + little_endian(central.size(), 4) +
         little_endian(local.size(), 4) + std::string(2, '\0');
}

std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) +
         bytes;
}

std::string tensor(int dtype, const std::string& raw, int64_t size) {
  onnx::proto::TensorProto message;
  message.set_data_type(dtype);
  message.add_dims(size);
  message.set_raw_data(raw);
  return message.SerializeAsString();
}

}  // namespace
}  // namespace dlc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view file(reinterpret_cast<const char*>(data + 1), size - 1);
  dlc::fuzz::accepts([&] { dlc::fuzz::read(data[0] % (2 + dlc::fuzz::value_types.size()), file); });
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  const std::string f32 = npy("<f4", "(2, 3)", 24), text = npy(">U2", "(2,)", 16);
  const std::string pair = tensor(1, std::string(8, 'a'), 2);
  return {'\0' + f32,
          '\0' + text,
          '\0' + npy("|S3", "()", 3),
          '\0' + npy("<c8", "(1,)", 8),
          '\1' + npz(f32, static_cast<uint32_t>(
                              crc32_z(0, reinterpret_cast<const Bytef*>(f32.data()), f32.size()))),
          '\2' + pair,
          '\2' + tensor(16, std::string(4, 'a'), 2),
          '\2' + tensor(22, std::string(1, 'a'), 2),
          '\3' + field(3, pair) + field(3, pair),
          '\4' + field(3, pair),
          '\5' + field(5, field(3, pair)),
          '\6' + std::string("\x18\x07\x18\x09") + field(5, field(3, pair) + field(3, pair)),
          '\7' + field(4, "a") + field(5, field(3, pair))};
}
