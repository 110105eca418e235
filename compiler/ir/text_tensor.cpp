// Tensors as text, both ways: decimal elements, exact for every element type; large ones in base64.
// Next: compiler/ir/text.cpp.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "compiler/ir/parser.h"
#include "compiler/ir/text.h"
#include "runtime/numeric.h"

namespace dlc {
namespace {

/// Tensors with more elements are printed as bytes: ten times faster to read, and shorter.
constexpr int64_t max_decimal_elements = 4096;

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(const uint8_t* data, size_t size) {
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (size_t i = 0; i < size; i += 3) {
    uint32_t group = data[i] << 16;
    if (i + 1 < size) group |= data[i + 1] << 8;
    if (i + 2 < size) group |= data[i + 2];
    for (int digit = 0; digit < 4; ++digit) {
      const bool used = i + digit <= size;
      text += used ? base64_digits[(group >> (18 - 6 * digit)) & 63] : '=';
    }
  }
  return text;
}

/// False if `text` is not the base64 form of exactly `size` bytes.
bool from_base64(std::string_view text, uint8_t* data, size_t size) {
  if (text.size() != (size + 2) / 3 * 4) return false;
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (size_t i = 0; i < base64_digits.size(); ++i) {
    values[static_cast<uint8_t>(base64_digits[i])] = static_cast<int8_t>(i);
  }
  for (size_t i = 0; i < size; i += 3) {
    uint32_t group = 0;
    for (size_t digit = 0; digit < 4; ++digit) {
      const char c = text[i / 3 * 4 + digit];
      const bool padding = c == '=' && i + digit > size;
      const int value = padding ? 0 : values[static_cast<uint8_t>(c)];
      if (value < 0) return false;
      group = group << 6 | static_cast<uint32_t>(value);
    }
    for (size_t byte = 0; byte < 3 && i + byte < size; ++byte) {
      data[i + byte] = static_cast<uint8_t>(group >> (16 - 8 * byte));
    }
  }
  return true;
}

template <typename T>
std::string shortest(T value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return std::string(buffer.data(), end);
}

/// The bits of one element of a type of at most 64 bits.
uint64_t element_bits(DType dtype, const void* data, int64_t index) {
  uint64_t value = 0;
  const int width = bits(dtype);
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  if (width < 8) {
    const int64_t bit = index * width;
    return (bytes[bit / 8] >> (bit % 8)) & ((1u << width) - 1);
  }
  std::memcpy(&value, bytes + index * (width / 8), width / 8);
  return value;
}

void set_element_bits(DType dtype, void* data, int64_t index, uint64_t value) {
  const int width = bits(dtype);
  uint8_t* bytes = static_cast<uint8_t*>(data);
  if (width >= 8) {
    std::memcpy(bytes + index * (width / 8), &value, width / 8);
    return;
  }
  const int64_t bit = index * width;
  const unsigned mask = ((1u << width) - 1) << (bit % 8);
  bytes[bit / 8] = static_cast<uint8_t>((bytes[bit / 8] & ~mask) | ((value << (bit % 8)) & mask));
}

/// Stores the value that `text` says, rounded to the type as reading does.
bool store_float(DType dtype, void* data, int64_t index, std::string_view text) {
  const char* end = text.data() + text.size();
  if (dtype == DType::f32) {
    float value = 0;
    const auto [next, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || next != end) return false;
    std::memcpy(static_cast<float*>(data) + index, &value, sizeof value);
    return true;
  }
  double value = 0;
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || next != end) return false;
  store_real(dtype, data, index, value);
  return true;
}

/// The shortest decimal form that reads back as the same bits; else (some NaNs) the bits in hex.
std::string float_text(DType dtype, const void* data, int64_t index) {
  const double value = load_real(dtype, data, index);
  const uint64_t wanted = element_bits(dtype, data, index);
  std::array<uint8_t, 8> scratch{};
  const auto reads_back = [&](const std::string& text) {
    return store_float(dtype, scratch.data(), 0, text) &&
           element_bits(dtype, scratch.data(), 0) == wanted;
  };
  if (dtype == DType::f32 || dtype == DType::f64) {
    std::string text = dtype == DType::f32 ? shortest(static_cast<float>(value)) : shortest(value);
    if (reads_back(text)) return text;
  } else {
    constexpr int enough_digits = 9;
    // 65504 rather than 6.55e+04, though both read back.
    for (int digits = std::abs(value) >= 10 ? 5 : 1; digits <= enough_digits; ++digits) {
      std::array<char, 64> buffer;
      const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::general, digits)
                           .ptr;
      std::string text(buffer.data(), end);
      if (reads_back(text)) return text;
    }
  }
  return fmt::format("{:#x}", wanted);
}

template <typename T>
std::string complex_text(const void* data, int64_t index, DType part) {
  const T* parts = static_cast<const T*>(data) + 2 * index;
  return "(" + float_text(part, parts, 0) + ", " + float_text(part, parts, 1) + ")";
}

std::string element_text(const Tensor& tensor, int64_t index) {
  const DType dtype = tensor.dtype();
  if (dtype == DType::string) return quote(tensor.as<std::string>()[index]);
  if (dtype == DType::c64) return complex_text<float>(tensor.data(), index, DType::f32);
  if (dtype == DType::c128) return complex_text<double>(tensor.data(), index, DType::f64);
  if (is_float(dtype)) return float_text(dtype, tensor.data(), index);
  const int64_t value = load_integer(dtype, tensor.data(), index);
  if (dtype == DType::u64) return std::to_string(static_cast<uint64_t>(value));
  if (dtype != DType::boolean) return std::to_string(value);
  // A byte that is neither 0 nor 1 is kept: it is what the model has.
  const uint64_t byte = element_bits(dtype, tensor.data(), index);
  return byte > 1 ? fmt::format("{:#x}", byte) : byte == 1 ? "true" : "false";
}

/// One real or integer element at the cursor.
void parse_number(Cursor& in, DType dtype, void* data, int64_t index) {
  const std::string_view text = in.number();
  const char* end = text.data() + text.size();
  const auto complete = [&](const std::from_chars_result& result) {
    return !text.empty() && result.ec == std::errc() && result.ptr == end;
  };
  if (text.starts_with("0x")) {
    uint64_t value = 0;
    const auto result = std::from_chars(text.data() + 2, end, value, 16);
    const int width = bits(dtype);
    if (!complete(result) || (width < 64 && value >> width != 0)) {
      in.fail_here("'{}' is no {} in bits", text, name(dtype));
    }
    set_element_bits(dtype, data, index, value);
    return;
  }
  if (is_float(dtype)) {
    if (!store_float(dtype, data, index, text)) in.fail_here("expected a {} number", name(dtype));
    return;
  }
  int64_t value = 0;
  uint64_t unsigned_value = 0;
  if (dtype == DType::u64 && complete(std::from_chars(text.data(), end, unsigned_value))) {
    store_integer(dtype, data, index, static_cast<int64_t>(unsigned_value));
    return;
  }
  if (!complete(std::from_chars(text.data(), end, value)) || wrap_to(dtype, value) != value) {
    in.fail_here("expected a {} number", name(dtype));
  }
  store_integer(dtype, data, index, value);
}

void parse_element(Cursor& in, Tensor& tensor, int64_t index) {
  const DType dtype = tensor.dtype();
  void* data = tensor.mutable_data();
  if (dtype == DType::string) {
    tensor.as_mutable<std::string>()[index] = in.quoted();
    return;
  }
  if (is_complex(dtype)) {
    const DType part = dtype == DType::c64 ? DType::f32 : DType::f64;
    in.expect("(");
    parse_number(in, part, data, 2 * index);
    in.expect(",");
    parse_number(in, part, data, 2 * index + 1);
    in.expect(")");
    return;
  }
  if (dtype == DType::boolean) {
    const bool yes = in.take_word("true");
    if (yes || in.take_word("false")) return store_integer(dtype, data, index, yes ? 1 : 0);
  }
  parse_number(in, dtype, data, index);
}

}  // namespace

std::string print(const Tensor& tensor, int64_t max_elements) {
  std::string text = to_string(Type::of(tensor)) + "{";
  if (max_elements >= 0 && tensor.size() > max_elements) return text + "...}";
  if (tensor.size() > max_decimal_elements && tensor.dtype() != DType::string) {
    const auto* bytes = static_cast<const uint8_t*>(tensor.data());
    return text + "base64 \"" + to_base64(bytes, static_cast<size_t>(tensor.bytes())) + "\"}";
  }
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (i > 0) text += ", ";
    text += element_text(tensor, i);
  }
  return text + "}";
}

Tensor parse_elements(Cursor& in, const Type& type) {
  if (!type.is_static()) in.fail_here("a tensor's shape is made of numbers");
  if (type.dtype == DType::undefined) in.fail_here("a tensor has an element type");
  Shape shape;
  for (const Dim& dim : type.shape) shape.push_back(dim.number());
  in.expect("{");
  const size_t start = in.position();
  // Elements take at least a character each, so the text bounds what is allocated; base64 is
  // checked against its length.
  const bool packed = in.take_word("base64");
  const std::string bytes = packed ? in.quoted() : "";
  const int64_t count = element_count(shape);
  const int64_t size = type.dtype == DType::string ? count : byte_size(type.dtype, count);
  const int64_t available = static_cast<int64_t>(packed ? bytes.size() : in.remaining() * 16);
  if (size > available) in.fail_here("the tensor has fewer elements than its shape says");
  Tensor tensor = Tensor::allocate(type.dtype, shape);
  if (packed) {
    if (type.dtype == DType::string ||
        !from_base64(bytes, static_cast<uint8_t*>(tensor.mutable_data()), size)) {
      in.set_position(start);
      in.fail_here("these are not the {} bytes of the tensor in base64", size);
    }
  }
  for (int64_t i = 0; i < count && !packed; ++i) {
    if (i > 0) in.expect(",");
    parse_element(in, tensor, i);
  }
  in.expect("}");
  return tensor;
}

}  // namespace dlc
