// Conversions between element types, bit by bit.
// Next: runtime/tensor.cpp.
#include "runtime/numeric.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

namespace dlc {
namespace {

/// A float format below 32 bits: sign, exponent, mantissa. `largest` is the code of the greatest
/// finite value without sign; `infinity` and `nan` are codes too (-1: there is none).
struct Format {
  int mantissa;
  int bias;
  int sign;  ///< which bit
  int largest, infinity, nan;
  bool negative_zero = true;
};

constexpr Format f16_format = {10, 15, 15, 0x7bff, 0x7c00, 0x7e00};
constexpr Format bf16_format = {7, 127, 15, 0x7f7f, 0x7f80, 0x7fc0};
constexpr Format e4m3fn_format = {3, 7, 7, 0x7e, -1, 0x7f};
constexpr Format e4m3fnuz_format = {3, 8, 7, 0x7f, -1, 0x80, false};
constexpr Format e5m2_format = {2, 15, 7, 0x7b, 0x7c, 0x7e};
constexpr Format e5m2fnuz_format = {2, 16, 7, 0x7f, -1, 0x80, false};
constexpr Format e2m1_format = {1, 1, 3, 0x7, -1, -1};

const Format& small_format(DType type) {
  switch (type) {
    case DType::f8e4m3fn:
      return e4m3fn_format;
    case DType::f8e4m3fnuz:
      return e4m3fnuz_format;
    case DType::f8e5m2:
      return e5m2_format;
    case DType::f8e5m2fnuz:
      return e5m2fnuz_format;
    default:
      assert(type == DType::f4e2m1 && "a small float");
      return e2m1_format;
  }
}

uint32_t encode(const Format& f, double value, bool saturate) {
  const uint32_t sign = std::signbit(value) ? 1u << f.sign : 0u;
  if (std::isnan(value)) {
    if (f.nan < 0) return sign ? 0u : 1u << f.sign;  // e2m1 has no NaN: ml_dtypes' zeros
    return f.negative_zero ? sign | f.nan : f.nan;
  }
  int64_t code = std::numeric_limits<int32_t>::max();
  if (std::isfinite(value)) {
    // With the quantum of the value's binade, one formula covers denormals and carries.
    int exponent = 0;
    std::frexp(value, &exponent);
    const int quantum =
        value == 0 ? 1 - f.bias - f.mantissa : std::max(exponent - 1, 1 - f.bias) - f.mantissa;
    const auto steps = static_cast<int64_t>(std::nearbyint(std::ldexp(std::fabs(value), -quantum)));
    const int64_t field = quantum + f.mantissa + f.bias - 1;
    code = (field << f.mantissa) + steps;
  }
  if (code > f.largest) {
    const bool stays_infinite = std::isinf(value) && f.infinity >= 0;
    if ((saturate && !stays_infinite) || (f.nan < 0 && f.infinity < 0)) return sign | f.largest;
    if (f.infinity >= 0) return sign | f.infinity;
    return f.negative_zero ? sign | f.nan : f.nan;
  }
  if (code == 0 && !f.negative_zero) return 0;
  return sign | static_cast<uint32_t>(code);
}

double decode(const Format& f, uint32_t bits) {
  const uint32_t magnitude = bits & ((1u << f.sign) - 1);
  const bool negative = bits >> f.sign & 1;
  if (!f.negative_zero && negative && magnitude == 0) return std::nan("");
  double value;
  if (static_cast<int>(magnitude) > f.largest) {
    value = static_cast<int>(magnitude) == f.infinity ? HUGE_VAL : std::nan("");
  } else {
    const int field = static_cast<int>(magnitude >> f.mantissa);
    const int fraction = static_cast<int>(magnitude & ((1u << f.mantissa) - 1));
    value = field == 0 ? std::ldexp(fraction, 1 - f.bias - f.mantissa)
                       : std::ldexp(fraction + (1 << f.mantissa), field - f.bias - f.mantissa);
  }
  return negative ? -value : value;
}

/// Towards zero, then modulo 2^64; NaN and infinities give 0.
uint64_t real_to_bits(double value) {
  if (!std::isfinite(value)) return 0;
  value = std::trunc(value);
  if (std::fabs(value) < 0x1p63) return static_cast<uint64_t>(static_cast<int64_t>(value));
  const double rest = std::fmod(std::fabs(value), 0x1p64);
  const auto magnitude = static_cast<uint64_t>(rest);
  return value < 0 ? ~magnitude + 1 : magnitude;
}

template <typename T>
T read(const void* data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + index * sizeof(T), sizeof(T));
  return value;
}
template <typename T>
void write(void* data, int64_t index, T value) {
  std::memcpy(static_cast<char*>(data) + index * sizeof(T), &value, sizeof(T));
}

/// The element's bits, for types below 64 bits.
uint64_t read_bits(int width, const void* data, int64_t index) {
  switch (width) {
    case 64:
      return read<uint64_t>(data, index);
    case 32:
      return read<uint32_t>(data, index);
    case 16:
      return read<uint16_t>(data, index);
    case 8:
      return read<uint8_t>(data, index);
    default:
      break;
  }
  const int64_t per_byte = 8 / width;
  const int shift = static_cast<int>(index % per_byte) * width;
  return read<uint8_t>(data, index / per_byte) >> shift & ((1u << width) - 1);
}

void write_bits(int width, void* data, int64_t index, uint64_t bits) {
  switch (width) {
    case 64:
      return write(data, index, bits);
    case 32:
      return write(data, index, static_cast<uint32_t>(bits));
    case 16:
      return write(data, index, static_cast<uint16_t>(bits));
    case 8:
      return write(data, index, static_cast<uint8_t>(bits));
    default:
      break;
  }
  const int64_t per_byte = 8 / width;
  const int shift = static_cast<int>(index % per_byte) * width;
  const unsigned mask = ((1u << width) - 1) << shift;
  const unsigned old = read<uint8_t>(data, index / per_byte);
  write(data, index / per_byte,
        static_cast<uint8_t>((old & ~mask) | (static_cast<unsigned>(bits) << shift & mask)));
}

/// The low `width` bits as a signed or unsigned number.
int64_t extend(DType type, uint64_t value) {
  const int unused = 64 - bits(type);
  if (is_signed(type)) return static_cast<int64_t>(value << unused) >> unused;
  return static_cast<int64_t>(value << unused >> unused);
}

}  // namespace

float f16_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t rest = bits & 0x7fff;
  if (rest >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // Scaling by 2^112 moves the exponent and makes denormals normal, exactly.
  const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

uint16_t float_to_f16(float value) {
  return static_cast<uint16_t>(encode(f16_format, value, false));
}

float bf16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint8_t encode_f8e8m0(double value, bool saturate, PowerRounding rounding) {
  constexpr uint8_t nan = 0xff, largest = 0xfe;
  value = std::fabs(value);
  if (std::isnan(value)) return nan;
  if (std::isinf(value)) return saturate ? largest : nan;
  if (value == 0) return saturate ? 0 : nan;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // [0.5, 1): the lower power is 0.5
  const bool up = rounding == PowerRounding::up
                      ? fraction > 0.5
                      : rounding == PowerRounding::nearest && fraction >= 0.75;
  const int code = exponent - 1 + (up ? 1 : 0) + 127;
  if (code > largest) return saturate ? largest : nan;
  if (code < 0) return saturate ? 0 : nan;
  return static_cast<uint8_t>(code);
}

double decode_small_float(DType type, uint8_t bits) {
  if (type == DType::f8e8m0) return bits == 0xff ? std::nan("") : std::ldexp(1.0, bits - 127);
  return decode(small_format(type), bits);
}

uint8_t encode_small_float(DType type, double value, bool saturate) {
  if (type == DType::f8e8m0) return encode_f8e8m0(value, saturate, PowerRounding::up);
  return static_cast<uint8_t>(encode(small_format(type), value, saturate));
}

double load_real(DType type, const void* data, int64_t index) {
  switch (type) {
    case DType::f32:
      return read<float>(data, index);
    case DType::f64:
      return read<double>(data, index);
    case DType::c64:
      return read<float>(data, 2 * index);
    case DType::c128:
      return read<double>(data, 2 * index);
    case DType::f16:
      return f16_to_float(read<uint16_t>(data, index));
    case DType::bf16:
      return bf16_to_float(read<uint16_t>(data, index));
    case DType::u64:
      return static_cast<double>(read<uint64_t>(data, index));
    case DType::boolean:
      return read<uint8_t>(data, index) != 0;
    default:
      break;
  }
  assert(bits(type) > 0 && "a numeric type");
  const uint64_t raw = read_bits(bits(type), data, index);
  if (is_float(type)) return decode_small_float(type, static_cast<uint8_t>(raw));
  return static_cast<double>(extend(type, raw));
}

void store_real(DType type, void* data, int64_t index, double value) {
  switch (type) {
    case DType::f32:
      return write(data, index, static_cast<float>(value));
    case DType::f64:
      return write(data, index, value);
    case DType::c64:
      write(data, 2 * index, static_cast<float>(value));
      return write(data, 2 * index + 1, 0.0f);
    case DType::c128:
      write(data, 2 * index, value);
      return write(data, 2 * index + 1, 0.0);
    case DType::f16:
      return write(data, index, static_cast<uint16_t>(encode(f16_format, value, false)));
    case DType::bf16:
      return write(data, index, static_cast<uint16_t>(encode(bf16_format, value, false)));
    case DType::boolean:
      return write(data, index, static_cast<uint8_t>(value != 0));
    default:
      break;
  }
  assert(bits(type) > 0 && "a numeric type");
  write_bits(bits(type), data, index,
             is_float(type) ? encode_small_float(type, value) : real_to_bits(value));
}

int64_t load_integer(DType type, const void* data, int64_t index) {
  if (is_integer(type)) return extend(type, read_bits(bits(type), data, index));
  if (type == DType::boolean) return read<uint8_t>(data, index) != 0;
  return static_cast<int64_t>(real_to_bits(load_real(type, data, index)));
}

void store_integer(DType type, void* data, int64_t index, int64_t value) {
  if (is_integer(type)) return write_bits(bits(type), data, index, static_cast<uint64_t>(value));
  if (type == DType::boolean) return write(data, index, static_cast<uint8_t>(value != 0));
  if (type == DType::f32) return write(data, index, static_cast<float>(value));  // rounds once
  store_real(type, data, index, static_cast<double>(value));
}

double round_to(DType type, double value) {
  unsigned char element[16] = {};
  store_real(type, element, 0, value);
  return load_real(type, element, 0);
}

int64_t wrap_to(DType type, int64_t value) {
  if (type == DType::boolean) return value != 0;
  assert(is_integer(type) && "an integer type");
  return extend(type, static_cast<uint64_t>(value));
}

}  // namespace dlc
