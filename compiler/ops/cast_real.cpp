// The rules of Cast for the f8 types. Conversions of single numbers: runtime/numeric.h.
#include "compiler/ops/cast_real.h"

#include <cmath>

#include "runtime/error.h"

namespace dlc {
namespace {

/// The least magnitude that does not round to a finite value of an f8 type, and whether ties at it
/// still do (they go to the even one of the greatest finite value and the next power step).
struct Overflow {
  double from;
  bool inclusive;
};
Overflow overflow_of(DType type) {
  if (type == DType::f8e4m3fn) return {464, false};
  if (type == DType::f8e4m3fnuz) return {248, true};
  return {61440, true};
}

/// Without saturation, what is too large becomes infinite in f8e5m2 and NaN in the other f8 types.
Expr cast_unsaturated(DType to, const Expr& x) {
  const Overflow overflow = overflow_of(to);
  const Expr magnitude = abs(x);
  const Expr over = overflow.inclusive ? magnitude >= overflow.from : magnitude > overflow.from;
  const Expr infinite = x * INFINITY;
  return cast(to, select(over, to == DType::f8e5m2 ? infinite : constant(x.dtype(), NAN), x));
}

/// A cast saturates but for infinities, which f8e5m2 keeps.
Expr cast_saturated(DType to, const Expr& x) {
  if (to != DType::f8e5m2) return cast(to, x);
  constexpr double greatest = 57344;
  return cast(to, clamp(x, -greatest, greatest));
}

/// Powers of two, of the magnitude: the power above is what a cast gives. Without saturation, 0 and
/// what is out of range give NaN.
Expr cast_to_power(const Expr& x, bool saturate, const std::string& mode) {
  if (mode != "up" && mode != "down" && mode != "nearest")
    fail("round_mode is '{}', but must be 'up', 'down' or 'nearest'", mode);
  const Expr magnitude = abs(x);
  const Expr above = cast(x.dtype(), cast(DType::f8e8m0, magnitude));
  const Expr below = select(equal(above, magnitude), above, above * 0.5);
  Expr power = magnitude;
  if (mode == "down") power = below;
  if (mode == "nearest") power = select(magnitude < below * 1.5, below, below * 2.0);
  if (saturate) return cast(DType::f8e8m0, power);
  const Expr inside = power >= 0x1p-127 && power <= 0x1p127;
  return cast(DType::f8e8m0, select(inside, power, constant(x.dtype(), NAN)));
}

}  // namespace

Expr cast_real(DType to, const Expr& x, bool saturate, const std::string& round_mode) {
  if (to == DType::f8e8m0) return cast_to_power(x, saturate, round_mode);
  const bool has_range = to == DType::f8e4m3fn || to == DType::f8e4m3fnuz || to == DType::f8e5m2 ||
                         to == DType::f8e5m2fnuz;
  if (!has_range) return cast(to, x);
  return saturate ? cast_saturated(to, x) : cast_unsaturated(to, x);
}

}  // namespace dlc
