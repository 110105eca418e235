// Element types of tensors, with ONNX's numbering.
// Next: runtime/numeric.h (conversions), runtime/tensor.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dlc {

/// Values are those of onnx.TensorProto.DataType (ONNX 1.23, opset 28).
enum class DType : uint8_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  c64 = 14,   ///< two f32
  c128 = 15,  ///< two f64
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};
inline constexpr int dtype_count = 27;

/// Bits of one element; 0 for strings and undefined. Elements below 8 bits are packed, the first in
/// the lowest bits.
int bits(DType type);
/// Bytes of `count` elements, rounded up to whole bytes; count * sizeof(std::string) for strings.
int64_t byte_size(DType type, int64_t count);

bool is_float(DType type);    ///< any real floating-point type, the small ones included
bool is_integer(DType type);  ///< signed or unsigned, the small ones included; not boolean
bool is_signed(DType type);   ///< signed integers and floats
bool is_complex(DType type);

/// "f32", "i64", "bool", "str", "f8e4m3fn", ...: the spelling of the text format.
std::string_view name(DType type);
std::optional<DType> parse_dtype(std::string_view text);

}  // namespace dlc
