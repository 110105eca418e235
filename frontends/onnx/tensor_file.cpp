// Files of one value, as ONNX's test data has them: TensorProto, and the sequences, optionals and
// maps of onnx-data.proto, which are read off the wire.
#include <limits>

#include "frontends/onnx/import.h"
#include "frontends/onnx/tensors.h"
#include "frontends/onnx/wire.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::onnx {
namespace {

constexpr int deepest_value = 16;

/// Reads messages of one file.
class ValueReader {
 public:
  explicit ValueReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Datum read(std::span<const uint8_t> bytes, const Type& type, int depth = 0) {
    if (depth > deepest_value) fail_as(ErrorCode::limit, "the value nests too deep");
    switch (type.kind) {
      case Type::Kind::sequence:
        return sequence(bytes, *type.element, depth);
      case Type::Kind::optional:
        return optional(bytes, *type.element, depth);
      case Type::Kind::map:
        return map(bytes, type, depth);
      case Type::Kind::tensor:
      case Type::Kind::none:
        break;
    }
    return tensor(bytes);
  }

 private:
  Datum tensor(std::span<const uint8_t> bytes) {
    const auto message = std::make_shared<proto::TensorProto>();
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      fail("not a TensorProto, or a damaged one");
    }
    return TensorReader(message, folder_).read(*message);
  }

  /// Calls `visit` for each field of a message.
  template <typename Visit>
  void fields(std::span<const uint8_t> bytes, const Visit& visit) {
    WireReader reader(bytes);
    while (const std::optional<WireField> field = reader.next()) visit(*field);
    if (!reader.damage().empty()) fail("damaged: {}", reader.damage());
  }

  // SequenceProto: elements in fields 3 (tensors), 5 (sequences), 6 (maps) or 7 (optionals).
  Datum sequence(std::span<const uint8_t> bytes, const Type& element, int depth) {
    std::vector<Datum> items;
    fields(bytes, [&](const WireField& field) {
      const bool value = field.number == 3 || (field.number >= 5 && field.number <= 7);
      if (value && field.has_bytes) items.push_back(read(field.bytes, element, depth + 1));
    });
    return Datum::sequence(std::move(items));
  }

  // OptionalProto: as in a sequence, but one value or none.
  Datum optional(std::span<const uint8_t> bytes, const Type& element, int depth) {
    Datum result;
    fields(bytes, [&](const WireField& field) {
      const bool value = field.number == 3 || (field.number >= 5 && field.number <= 7);
      if (value && field.has_bytes) result = read(field.bytes, element, depth + 1);
    });
    return result;
  }

  // MapProto: keys in fields 3 (integers) or 4 (strings), a sequence of values in 5.
  Datum map(std::span<const uint8_t> bytes, const Type& type, int depth) {
    std::vector<int64_t> numbers;
    std::vector<std::string> strings;
    Datum values = Datum::sequence({});
    fields(bytes, [&](const WireField& field) {
      if (field.number == 3 && !field.has_bytes) {
        numbers.push_back(static_cast<int64_t>(field.value));
      }
      if (field.number == 4) strings.emplace_back(field.bytes.begin(), field.bytes.end());
      if (field.number == 5) values = sequence(field.bytes, *type.element, depth);
    });
    Datum result;
    result.kind = Datum::Kind::map;
    const Shape shape = {static_cast<int64_t>(values.items.size())};
    const bool of_strings = type.dtype == DType::string;
    if ((of_strings ? strings.size() : numbers.size()) != values.items.size()) {
      fail("a map has more keys than values, or fewer");
    }
    result.keys = of_strings ? Tensor::strings(shape, std::move(strings))
                             : Tensor::allocate(type.dtype, shape);
    for (size_t k = 0; !of_strings && k < numbers.size(); ++k) {
      store_integer(type.dtype, result.keys.mutable_data(), static_cast<int64_t>(k), numbers[k]);
    }
    result.items = std::move(values.items);
    return result;
  }

  std::filesystem::path folder_;
};

}  // namespace

Datum read_tensor_bytes(std::span<const uint8_t> bytes, const std::filesystem::path& folder,
                        const Type& type) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail_as(ErrorCode::limit, "more than 2 GB");
  }
  const std::string kind = kind_of_file(bytes);
  if (!kind.empty()) fail("this is {}, not an ONNX tensor", kind);
  return ValueReader(folder).read(bytes, type);
}

Datum read_tensor_file(const std::filesystem::path& path, const Type& type) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  const std::filesystem::path folder = path.parent_path();
  return with_context(
      [&] { return path.string(); },
      [&] { return read_tensor_bytes(file->bytes(), folder.empty() ? "." : folder, type); });
}

}  // namespace dlc::onnx
