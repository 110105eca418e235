// The table of element types.
// Next: runtime/numeric.cpp.
#include "runtime/dtype.h"

#include <array>
#include <string>

#include "runtime/error.h"

namespace dlc {
namespace {

enum class Family : uint8_t { none, signed_integer, unsigned_integer, real, complex };

struct Row {
  std::string_view name;
  int bits;
  Family family;
};

// By number: dtype.h's order.
constexpr std::array<Row, dtype_count> rows = {{
    {"undefined", 0, Family::none},
    {"f32", 32, Family::real},
    {"u8", 8, Family::unsigned_integer},
    {"i8", 8, Family::signed_integer},
    {"u16", 16, Family::unsigned_integer},
    {"i16", 16, Family::signed_integer},
    {"i32", 32, Family::signed_integer},
    {"i64", 64, Family::signed_integer},
    {"str", 0, Family::none},
    {"bool", 8, Family::none},
    {"f16", 16, Family::real},
    {"f64", 64, Family::real},
    {"u32", 32, Family::unsigned_integer},
    {"u64", 64, Family::unsigned_integer},
    {"c64", 64, Family::complex},
    {"c128", 128, Family::complex},
    {"bf16", 16, Family::real},
    {"f8e4m3fn", 8, Family::real},
    {"f8e4m3fnuz", 8, Family::real},
    {"f8e5m2", 8, Family::real},
    {"f8e5m2fnuz", 8, Family::real},
    {"u4", 4, Family::unsigned_integer},
    {"i4", 4, Family::signed_integer},
    {"f4e2m1", 4, Family::real},
    {"f8e8m0", 8, Family::real},
    {"u2", 2, Family::unsigned_integer},
    {"i2", 2, Family::signed_integer},
}};

const Row& row(DType type) { return rows[static_cast<size_t>(type)]; }

}  // namespace

int bits(DType type) { return row(type).bits; }

int64_t byte_size(DType type, int64_t count) {
  const int64_t unit = type == DType::string ? 8 * sizeof(std::string) : bits(type);
  int64_t total;
  if (__builtin_mul_overflow(count, unit, &total) || __builtin_add_overflow(total, 7, &total))
    fail_as(ErrorCode::limit, "{} elements of {} do not fit in memory", count, name(type));
  return total / 8;
}

bool is_float(DType type) { return row(type).family == Family::real; }
bool is_integer(DType type) {
  return row(type).family == Family::signed_integer || row(type).family == Family::unsigned_integer;
}
bool is_signed(DType type) {
  return row(type).family == Family::signed_integer || row(type).family == Family::real;
}
bool is_complex(DType type) { return row(type).family == Family::complex; }

std::string_view name(DType type) { return row(type).name; }

std::optional<DType> parse_dtype(std::string_view text) {
  for (int i = 1; i < dtype_count; ++i)
    if (rows[i].name == text) return static_cast<DType>(i);
  return std::nullopt;
}

}  // namespace dlc
