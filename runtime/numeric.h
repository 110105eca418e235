// Reading and writing single elements of any numeric type, with exact rounding.
// Slow on purpose: for the interpreter, file readers, printing and comparing.
#pragma once

#include <cstdint>

#include "runtime/dtype.h"

namespace dlc {

float f16_to_float(uint16_t bits);
uint16_t float_to_f16(float value);  ///< round to nearest even; overflow gives infinity
float bf16_to_float(uint16_t bits);
uint16_t float_to_bf16(float value);  ///< round to nearest even; NaN stays NaN

/// Decodes / encodes the 2- to 8-bit float types (f8*, f4e2m1, f8e8m0) by ONNX's rules. `saturate`
/// as in Cast: out-of-range values become the largest finite value instead of infinity or NaN; but
/// what is infinite stays so in f8e5m2, the one type that can say it.
double decode_small_float(DType type, uint8_t bits);
/// f8e8m0 rounds up, as Cast's default.
uint8_t encode_small_float(DType type, double value, bool saturate = true);

/// Cast's `round_mode` for f8e8m0 (powers of two): to the power above, below, or the nearest (from
/// 1.5 times a power on: the next). Signs are dropped; without `saturate`, 0 and what is out of
/// range give NaN.
enum class PowerRounding : uint8_t { up, down, nearest };
uint8_t encode_f8e8m0(double value, bool saturate, PowerRounding rounding);

/// Element `index` of `data` as double (booleans 0 or 1; complex: the real part). Strings: assert.
double load_real(DType type, const void* data, int64_t index);
/// Rounds to the type: floats to nearest even, integers towards zero and then wrapped.
void store_real(DType type, void* data, int64_t index, double value);

/// The same through int64: exact for all integer types (u64 by its bits). Floats are converted.
int64_t load_integer(DType type, const void* data, int64_t index);
void store_integer(DType type, void* data, int64_t index, int64_t value);

/// value rounded to `type` and back: what storing and loading it gives.
double round_to(DType type, double value);
/// value wrapped to the range of an integer type (or 0/1 for boolean).
int64_t wrap_to(DType type, int64_t value);

}  // namespace dlc
