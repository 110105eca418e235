// What is wrong with bytes that do not parse: the kind of file, or where a message breaks off.
#include <cstring>
#include <string_view>

#include "frontends/onnx/reader.h"
#include "frontends/onnx/wire.h"

namespace dlc::onnx {
namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view kind;
};

constexpr Magic magics[] = {
    {0, "PK\3\4"sv, "a ZIP archive (a PyTorch checkpoint, a .npz file, ...)"},
    {0, "\x93NUMPY"sv, "a NumPy array"},
    {0,
     "\x7f"
     "ELF"sv,
     "an executable or a shared object"},
    {0, "\x89HDF"sv, "an HDF5 file (a Keras model?)"},
    {4, "TFL3"sv, "a TensorFlow Lite model"},
    {0, "\x1f\x8b"sv, "a gzip file; unpack it first"},
    {0, "\x28\xb5\x2f\xfd"sv, "a Zstandard file; unpack it first"},
    {0, "\x89PNG"sv, "a PNG image"},
    {0, "\xff\xd8\xff"sv, "a JPEG image"},
    {0, "GGUF"sv, "a GGUF model"},
    {0, "\x80\2"sv, "a Python pickle (a PyTorch checkpoint?)"},
    {0, "version https://git-lfs"sv, "a Git LFS pointer; run `git lfs pull`"},
    {0, "ir_version:"sv, "an ONNX model in text form; convert it to the binary form"},
    {0, "{"sv, "JSON"},
    {0, "<"sv, "XML or HTML"},
};

// Fields of sub-messages worth following: ModelProto.graph, then nodes, initializers and the like.
constexpr uint64_t graph_field = 7;
constexpr uint64_t parts_of_graph[] = {1, 5, 11, 12, 13};
enum class Level { model, graph, leaf };

bool followed(Level level, uint64_t field) {
  if (level == Level::model) return field == graph_field;
  if (level != Level::graph) return false;
  for (uint64_t part : parts_of_graph) {
    if (part == field) return true;
  }
  return false;
}

std::string find_damage(std::span<const uint8_t> bytes, size_t base, Level level) {
  WireReader reader(bytes, base);
  while (const std::optional<WireField> field = reader.next()) {
    if (!field->has_bytes || !followed(level, field->number)) continue;
    const Level next = level == Level::model ? Level::graph : Level::leaf;
    std::string inner = find_damage(field->bytes, field->content, next);
    if (!inner.empty()) return inner;
  }
  return reader.damage();
}

}  // namespace

std::string kind_of_file(std::span<const uint8_t> bytes) {
  for (const Magic& magic : magics) {
    if (bytes.size() < magic.offset + magic.bytes.size()) continue;
    if (std::memcmp(bytes.data() + magic.offset, magic.bytes.data(), magic.bytes.size()) == 0) {
      return std::string(magic.kind);
    }
  }
  return {};
}

std::string explain_damage(std::span<const uint8_t> bytes) {
  return find_damage(bytes, 0, Level::model);
}

}  // namespace dlc::onnx
