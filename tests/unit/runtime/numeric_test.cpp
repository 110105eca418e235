// Element types and the conversions between them.
#include "runtime/numeric.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "runtime/error.h"

namespace dlc {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(DType, EveryNameParsesBackToItsType) {
  for (int i = 1; i < dtype_count; ++i) {
    const auto type = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(name(type)), type);
  }
  EXPECT_EQ(parse_dtype("undefined"), std::nullopt);
  EXPECT_EQ(parse_dtype("f33"), std::nullopt);
}

TEST(DType, PackedElementsRoundUpToWholeBytes) {
  EXPECT_EQ(byte_size(DType::u4, 3), 2);
  EXPECT_EQ(byte_size(DType::i2, 5), 2);
  EXPECT_EQ(byte_size(DType::c128, 2), 32);
  EXPECT_EQ(byte_size(DType::f32, 0), 0);
}

TEST(DType, SizesBeyond63BitsAreALimit) {
  try {
    byte_size(DType::f64, int64_t{1} << 61);
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
  }
}

TEST(Numeric, HalfKnowsItsLandmarks) {
  EXPECT_EQ(float_to_f16(1.0f), 0x3c00);
  EXPECT_EQ(float_to_f16(-2.0f), 0xc000);
  EXPECT_EQ(float_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_f16(65519.9f), 0x7bff);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_f16(0x1p-24f), 0x0001);
  EXPECT_EQ(float_to_f16(0x1p-25f), 0x0000);  // a tie, to even
  EXPECT_EQ(float_to_f16(0x1.8p-24f), 0x0002);
  EXPECT_EQ(float_to_f16(-0.0f), 0x8000);
  EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(std::nanf("")))));
}

TEST(Numeric, EveryHalfSurvivesFloatAndBack) {
  for (uint32_t code = 0; code <= 0xffff; ++code) {
    const float value = f16_to_float(static_cast<uint16_t>(code));
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_f16(value), code);
  }
}

TEST(Numeric, BrainFloatRoundsToEvenAndKeepsNan) {
  EXPECT_EQ(float_to_bf16(1.0f), 0x3f80);
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(Numeric, StoringADoubleAsHalfRoundsOnce) {
  // 1 + 2^-11 + 2^-40: by way of f32 it would become a tie and round down.
  EXPECT_EQ(round_to(DType::f16, 1 + 0x1p-11 + 0x1p-40), 1 + 0x1p-10);
  EXPECT_EQ(round_to(DType::bf16, 1 + 0x1p-8 + 0x1p-40), 1 + 0x1p-7);
}

struct SmallFormat {
  DType type;
  double largest, smallest;
};
const SmallFormat small_formats[] = {
    {DType::f8e4m3fn, 448, 0x1p-9},  {DType::f8e4m3fnuz, 240, 0x1p-10},
    {DType::f8e5m2, 57344, 0x1p-16}, {DType::f8e5m2fnuz, 57344, 0x1p-17},
    {DType::f4e2m1, 6, 0.5},
};

TEST(Numeric, SmallFloatsHaveTheirExtremes) {
  for (const SmallFormat& format : small_formats) {
    double largest = 0, smallest = infinity;
    for (int code = 0; code < 1 << bits(format.type); ++code) {
      const double value = decode_small_float(format.type, static_cast<uint8_t>(code));
      if (!std::isfinite(value)) continue;
      largest = std::max(largest, value);
      if (value > 0) smallest = std::min(smallest, value);
    }
    EXPECT_EQ(largest, format.largest) << name(format.type);
    EXPECT_EQ(smallest, format.smallest) << name(format.type);
  }
}

TEST(Numeric, EverySmallFloatCodeSurvivesDecoding) {
  for (const SmallFormat& format : small_formats) {
    for (int code = 0; code < 1 << bits(format.type); ++code) {
      const double value = decode_small_float(format.type, static_cast<uint8_t>(code));
      if (std::isnan(value)) continue;
      EXPECT_EQ(encode_small_float(format.type, value, false), code) << name(format.type);
    }
  }
}

TEST(Numeric, SmallFloatsTakeTheNearestValueAndTiesToEven) {
  std::mt19937_64 random(7);
  for (const SmallFormat& format : small_formats) {
    std::uniform_real_distribution<double> exponent(-20, std::log2(format.largest));
    for (int i = 0; i < 2000; ++i) {
      const double value = std::exp2(exponent(random));
      const uint8_t chosen = encode_small_float(format.type, value);
      const double distance = std::fabs(decode_small_float(format.type, chosen) - value);
      for (int code = 0; code < 1 << (bits(format.type) - 1); ++code) {
        const double other = decode_small_float(format.type, static_cast<uint8_t>(code));
        if (std::isfinite(other)) {
          ASSERT_LE(distance, std::fabs(other - value));
        }
      }
    }
    // Between the two smallest positive values (codes 1 and 2) and between 0 and 1.
    EXPECT_EQ(encode_small_float(format.type, 1.5 * format.smallest), 2);
    EXPECT_EQ(encode_small_float(format.type, 0.5 * format.smallest), 0);
  }
}

TEST(Numeric, OutOfRangeFollowsTheTableOfCast) {
  const auto code = [](DType type, double value, bool saturate) {
    return int{encode_small_float(type, value, saturate)};
  };
  EXPECT_EQ(code(DType::f8e4m3fn, infinity, true), 0x7e);
  EXPECT_EQ(code(DType::f8e4m3fn, -1e6, true), 0xfe);
  EXPECT_EQ(code(DType::f8e4m3fn, -infinity, false), 0xff);
  EXPECT_EQ(code(DType::f8e4m3fn, 464, false), 0x7e);  // a tie with the first value too large
  EXPECT_EQ(code(DType::f8e4m3fn, 464.1, false), 0x7f);
  EXPECT_EQ(code(DType::f8e4m3fnuz, 1e6, true), 0x7f);
  EXPECT_EQ(code(DType::f8e4m3fnuz, 1e6, false), 0x80);
  EXPECT_EQ(code(DType::f8e4m3fnuz, -0.0, true), 0);
  EXPECT_EQ(code(DType::f8e4m3fnuz, -1e-9, true), 0);
  EXPECT_EQ(code(DType::f8e5m2, infinity, true), 0x7c);
  EXPECT_EQ(code(DType::f8e5m2, 1e9, true), 0x7b);
  EXPECT_EQ(code(DType::f8e5m2, -infinity, false), 0xfc);
  EXPECT_EQ(code(DType::f8e5m2, 61440, false), 0x7c);
  EXPECT_EQ(code(DType::f8e5m2fnuz, infinity, false), 0x80);
  EXPECT_EQ(code(DType::f4e2m1, -infinity, true), 0xf);
  EXPECT_EQ(code(DType::f4e2m1, 9, false), 0x7);
  EXPECT_EQ(code(DType::f4e2m1, std::nan(""), true), 0x8);
  EXPECT_EQ(code(DType::f4e2m1, -0.0, true), 0x8);
}

TEST(Numeric, PowersOfTwoRoundByMode) {
  const auto code = [](double value, PowerRounding mode) {
    return int{encode_f8e8m0(value, true, mode)};
  };
  EXPECT_EQ(code(1.1, PowerRounding::up), 128);
  EXPECT_EQ(code(1.9, PowerRounding::down), 127);
  EXPECT_EQ(code(1.49, PowerRounding::nearest), 127);
  EXPECT_EQ(code(1.5, PowerRounding::nearest), 128);
  EXPECT_EQ(code(0, PowerRounding::up), 0);
  EXPECT_EQ(code(infinity, PowerRounding::up), 0xfe);
  EXPECT_EQ(encode_f8e8m0(0, false, PowerRounding::nearest), 0xff);
  EXPECT_EQ(encode_f8e8m0(0x1p128, false, PowerRounding::up), 0xff);
  EXPECT_EQ(decode_small_float(DType::f8e8m0, 0), 0x1p-127);
  EXPECT_TRUE(std::isnan(decode_small_float(DType::f8e8m0, 0xff)));
}

TEST(Numeric, PackedElementsKeepTheirNeighbours) {
  for (DType type : {DType::i4, DType::u4, DType::i2, DType::u2, DType::f4e2m1}) {
    std::vector<uint8_t> bytes(4, 0xff);
    store_integer(type, bytes.data(), 2, 1);
    for (int64_t i = 0; i < 32 / bits(type); ++i) {
      uint8_t expected_bytes = 0xff;
      const double untouched = load_real(type, &expected_bytes, 0);
      EXPECT_EQ(load_real(type, bytes.data(), i), i == 2 ? 1 : untouched) << name(type) << i;
    }
  }
}

TEST(Numeric, IntegersWrapAndTruncateTowardsZero) {
  EXPECT_EQ(wrap_to(DType::i8, 200), -56);
  EXPECT_EQ(wrap_to(DType::u8, -1), 255);
  EXPECT_EQ(wrap_to(DType::i4, 9), -7);
  EXPECT_EQ(wrap_to(DType::u2, 7), 3);
  EXPECT_EQ(wrap_to(DType::boolean, 256), 1);
  EXPECT_EQ(round_to(DType::i32, -2.9), -2);
  EXPECT_EQ(round_to(DType::u8, 256.5), 0);
  EXPECT_EQ(round_to(DType::u64, 0x1p63), 0x1p63);
  EXPECT_EQ(round_to(DType::i64, infinity), 0);
}

TEST(Numeric, SixtyFourBitsAreExactThroughIntegers) {
  for (int64_t value : {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(),
                        int64_t{-1}, (int64_t{1} << 53) + 1}) {
    int64_t element = 0;
    store_integer(DType::i64, &element, 0, value);
    EXPECT_EQ(load_integer(DType::i64, &element, 0), value);
    store_integer(DType::u64, &element, 0, value);
    EXPECT_EQ(load_integer(DType::u64, &element, 0), value);
  }
}

}  // namespace
}  // namespace dlc
