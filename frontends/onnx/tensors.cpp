// The many forms of a TensorProto's elements.
#include "frontends/onnx/tensors.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw data is little-endian");

// Keeps the arithmetic on bytes within 63 bits; no memory is that large.
constexpr int64_t largest_count = int64_t{1} << 48;
// A sparse tensor can ask for any number of zeros in a few bytes.
constexpr int64_t largest_dense_bytes = int64_t{1} << 32;

/// Natural alignment of an element, up to 8 bytes.
size_t alignment(DType dtype) {
  if (is_complex(dtype)) return dtype == DType::c64 ? 4 : 8;
  return static_cast<size_t>(std::max(bits(dtype) / 8, 1));
}

/// Copies a repeated field whose entries have `stride` bytes of the element each in their lowest
/// bytes.
template <typename Field>
Tensor from_field(DType dtype, Shape shape, const Field& field, int64_t entries, size_t stride) {
  if (field.size() != entries) {
    fail("{} values for shape {} of {}, but {} are needed", field.size(), to_string(shape),
         name(dtype), entries);
  }
  Tensor result = Tensor::allocate(dtype, std::move(shape));
  auto* to = static_cast<uint8_t*>(result.mutable_data());
  for (int k = 0; k < field.size(); ++k) {
    const auto value = field.Get(k);
    std::memcpy(to + static_cast<size_t>(k) * stride, &value, stride);
  }
  return result;
}

Tensor from_strings(const proto::TensorProto& tensor, Shape shape, int64_t count) {
  if (tensor.string_data_size() != count) {
    fail("{} strings for shape {}, but {} are needed", tensor.string_data_size(), to_string(shape),
         count);
  }
  return Tensor::strings(std::move(shape),
                         {tensor.string_data().begin(), tensor.string_data().end()});
}

Tensor from_typed_field(const proto::TensorProto& tensor, DType dtype, Shape shape, int64_t count) {
  switch (dtype) {
    case DType::string:
      return from_strings(tensor, std::move(shape), count);
    case DType::f32:
      return from_field(dtype, std::move(shape), tensor.float_data(), count, 4);
    case DType::c64:
      return from_field(dtype, std::move(shape), tensor.float_data(), 2 * count, 4);
    case DType::f64:
      return from_field(dtype, std::move(shape), tensor.double_data(), count, 8);
    case DType::c128:
      return from_field(dtype, std::move(shape), tensor.double_data(), 2 * count, 8);
    case DType::i64:
      return from_field(dtype, std::move(shape), tensor.int64_data(), count, 8);
    case DType::u64:
      return from_field(dtype, std::move(shape), tensor.uint64_data(), count, 8);
    case DType::u32:
      return from_field(dtype, std::move(shape), tensor.uint64_data(), count, 4);
    default:
      break;
  }
  // Everything else comes in int32_data: an element each, or the bytes of packed elements.
  const bool packed = bits(dtype) < 8;
  const int64_t entries = packed ? byte_size(dtype, count) : count;
  const size_t stride = packed ? 1 : static_cast<size_t>(bits(dtype) / 8);
  return from_field(dtype, std::move(shape), tensor.int32_data(), entries, stride);
}

/// Any byte but 0 is true: kernels count on 0 and 1.
Tensor clean_booleans(Tensor tensor) {
  const auto given = tensor.as<uint8_t>();
  if (std::all_of(given.begin(), given.end(), [](uint8_t b) { return b <= 1; })) return tensor;
  Tensor clean = tensor.clone();
  for (uint8_t& b : clean.as_mutable<uint8_t>()) b = b != 0;
  return clean;
}

int64_t parse_number(const proto::StringStringEntryProto& entry) {
  int64_t value = 0;
  const std::string& text = entry.value();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    fail("external data: {} '{}' is no number of bytes", entry.key(), text);
  }
  return value;
}

Shape shape_of(const google::protobuf::RepeatedField<int64_t>& dims) {
  return Shape(dims.begin(), dims.end());
}

/// The position of a sparse tensor's `k`-th value among all elements.
int64_t dense_position(const std::vector<int64_t>& indices, size_t k, bool linear,
                       const Shape& shape, int64_t count) {
  if (linear) {
    if (indices[k] < 0 || indices[k] >= count) {
      fail("index {} is outside a sparse tensor of shape {}", indices[k], to_string(shape));
    }
    return indices[k];
  }
  int64_t position = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t index = indices[k * shape.size() + d];
    if (index < 0 || index >= shape[d]) {
      fail("index {} of dimension {} is outside a sparse tensor of shape {}", index, d,
           to_string(shape));
    }
    position = position * shape[d] + index;
  }
  return position;
}

}  // namespace

DType dtype_from_number(int64_t number) {
  if (number <= 0) fail("an element type is missing");
  if (number >= dtype_count) {
    fail_as(ErrorCode::unsupported, "element type {} is not supported", number);
  }
  return static_cast<DType>(number);
}

Tensor TensorReader::read(const proto::TensorProto& tensor) {
  const DType dtype = dtype_from_number(tensor.data_type());
  if (tensor.has_segment()) {
    fail_as(ErrorCode::unsupported, "a tensor in segments is not supported");
  }
  Shape shape = shape_of(tensor.dims());
  const int64_t count = element_count(shape);
  if (count > largest_count) {
    fail_as(ErrorCode::limit, "a tensor of shape {} is too large", to_string(shape));
  }
  if (tensor.data_location() == proto::TensorProto::EXTERNAL) {
    return read_external(tensor, dtype, std::move(shape));
  }
  const auto in_file = raw_data_.find(&tensor);
  if (in_file != raw_data_.end() && !in_file->second.empty()) {
    if (dtype == DType::string) fail("strings cannot be raw data");
    return view(dtype, std::move(shape), in_file->second, file_);
  }
  if (tensor.raw_data().empty()) {
    Tensor result = from_typed_field(tensor, dtype, std::move(shape), count);
    return dtype == DType::boolean ? clean_booleans(std::move(result)) : result;
  }
  if (dtype == DType::string) fail("strings cannot be raw data");
  return view(dtype, std::move(shape), tensor.raw_data().data(), tensor.raw_data().size(), owner_);
}

/// Shares the memory if elements can be read there, copies it otherwise.
Tensor TensorReader::view(DType dtype, Shape shape, const void* data, size_t bytes,
                          std::shared_ptr<const void> owner) {
  const int64_t needed = byte_size(dtype, element_count(shape));
  if (static_cast<int64_t>(bytes) != needed) {
    fail("{} bytes for shape {} of {}, but {} are needed", bytes, to_string(shape), name(dtype),
         needed);
  }
  const bool aligned = reinterpret_cast<uintptr_t>(data) % alignment(dtype) == 0;
  Tensor result;
  if (aligned && owner) {
    result = Tensor::borrow(dtype, std::move(shape), data, std::move(owner));
  } else {
    result = Tensor::allocate(dtype, std::move(shape));
    if (bytes > 0) std::memcpy(result.mutable_data(), data, bytes);
  }
  return dtype == DType::boolean ? clean_booleans(std::move(result)) : result;
}

/// What was copied need not stay in memory a second time.
Tensor TensorReader::view(DType dtype, Shape shape, std::span<const uint8_t> bytes,
                          const std::shared_ptr<const MappedFile>& file) {
  Tensor result = view(dtype, std::move(shape), bytes.data(), bytes.size(), file);
  if (result.data() != bytes.data()) file->release(bytes);
  return result;
}

Tensor TensorReader::read_external(const proto::TensorProto& tensor, DType dtype, Shape shape) {
  std::string location;
  int64_t offset = 0;
  int64_t length = -1;
  for (const proto::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = parse_number(entry);
    if (entry.key() == "length") length = parse_number(entry);
  }
  if (dtype == DType::string) fail("strings cannot be external data");
  const int64_t needed = byte_size(dtype, element_count(shape));
  if (length < 0) length = needed;
  const std::shared_ptr<const MappedFile> file = files_.open(location);
  const auto size = static_cast<int64_t>(file->bytes().size());
  if (offset > size || length > size - offset) {
    fail("external data at '{}': bytes {} to {} are asked for, but the file has {}", location,
         offset, static_cast<uint64_t>(offset) + static_cast<uint64_t>(length), size);
  }
  const auto bytes = file->bytes();
  return view(dtype, std::move(shape),
              bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(length)), file);
}

Tensor TensorReader::read(const proto::SparseTensorProto& sparse) {
  const Tensor values = read(sparse.values());
  const Tensor indices = read(sparse.indices());
  Shape shape = shape_of(sparse.dims());
  const int64_t count = element_count(shape);
  if (values.dtype() == DType::string || bits(values.dtype()) < 8) {
    fail_as(ErrorCode::unsupported, "sparse tensors of {} are not supported", name(values.dtype()));
  }
  if (byte_size(values.dtype(), std::min(count, largest_dense_bytes)) > largest_dense_bytes ||
      count > largest_dense_bytes) {
    fail_as(ErrorCode::limit, "a sparse tensor of shape {} is too large", to_string(shape));
  }
  const bool linear = indices.rank() == 1;
  const int64_t width = linear ? 1 : static_cast<int64_t>(shape.size());
  const Shape expected = linear ? Shape{values.size()} : Shape{values.size(), width};
  if (indices.dtype() != DType::i64 || values.rank() != 1 || indices.shape() != expected) {
    fail("a sparse tensor has {} values but indices of shape {}", values.size(),
         to_string(indices.shape()));
  }
  Tensor dense = Tensor::allocate(values.dtype(), shape);
  const std::vector<int64_t> positions = indices.to_ints();
  const auto element = static_cast<size_t>(bits(values.dtype()) / 8);
  for (int64_t k = 0; k < values.size(); ++k) {
    const int64_t at = dense_position(positions, static_cast<size_t>(k), linear, shape, count);
    std::memcpy(static_cast<uint8_t*>(dense.mutable_data()) + static_cast<size_t>(at) * element,
                static_cast<const uint8_t*>(values.data()) + static_cast<size_t>(k) * element,
                element);
  }
  return dense;
}

}  // namespace dlc::onnx
