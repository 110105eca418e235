// Fourier transforms: powers of two by halves, other lengths as a convolution of such a length.
#include "runtime/host/fourier.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

using Complex = std::complex<double>;

/// exp(-2 pi i k / n), with k reduced first so that nothing is lost.
Complex root(int64_t k, int64_t n) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

/// The length is a power of two.
void transform_by_halves(std::vector<Complex>& x) {
  const auto n = static_cast<int64_t>(x.size());
  for (int64_t i = 1, j = 0; i < n; ++i) {  // bit reversal
    int64_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j |= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  std::vector<Complex> roots(n / 2);
  for (int64_t k = 0; k < n / 2; ++k) roots[k] = root(k, n);
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * half) {
      for (int64_t k = 0; k < half; ++k) {
        const Complex odd = x[begin + half + k] * roots[k * (n / (2 * half))];
        x[begin + half + k] = x[begin + k] - odd;
        x[begin + k] += odd;
      }
    }
  }
}

/// k n = (k^2 + n^2 - (k - n)^2) / 2 makes the transform a convolution with a chirp (Bluestein).
void transform_by_chirp(std::vector<Complex>& x) {
  const auto n = static_cast<int64_t>(x.size());
  const auto padded = std::bit_ceil(static_cast<uint64_t>(2 * n - 1));
  const auto size = static_cast<int64_t>(padded);
  std::vector<Complex> chirp(n), a(size), b(size);
  for (int64_t k = 0; k < n; ++k) chirp[k] = root(k * k % (2 * n), 2 * n);
  for (int64_t k = 0; k < n; ++k) {
    a[k] = x[k] * chirp[k];
    b[k] = std::conj(chirp[k]);
    if (k > 0) b[size - k] = b[k];
  }
  transform_by_halves(a);
  transform_by_halves(b);
  for (int64_t k = 0; k < size; ++k) a[k] = std::conj(a[k] * b[k]);
  transform_by_halves(a);  // of the conjugate: the inverse, but for the division
  for (int64_t k = 0; k < n; ++k) x[k] = std::conj(a[k]) / static_cast<double>(size) * chirp[k];
}

}  // namespace

void fourier_transform(std::vector<Complex>& x, bool inverse) {
  if (x.size() < 2) return;
  if (inverse)
    for (Complex& value : x) value = std::conj(value);
  if (std::has_single_bit(x.size())) {
    transform_by_halves(x);
  } else {
    transform_by_chirp(x);
  }
  if (inverse)
    for (Complex& value : x) value = std::conj(value);
}

namespace {

/// What one call of DFT is to do.
struct Plan {
  int64_t axis, length;             ///< of the transform
  int64_t outer = 1, inner = 1;     ///< places before and behind the axis
  int64_t read, written;            ///< on the axis
  bool inverse, onesided, is_real;  ///< is_real: of the input
};

std::optional<int64_t> scalar(const HostCall& call, size_t input) {
  if (!call.has(input)) return {};
  const Tensor& value = call.in(input);
  if (value.size() != 1) fail("input {} must be one number", input);
  return load_integer(value.dtype(), value.data(), 0);
}

Plan make_plan(const HostCall& call) {
  const Tensor& x = call.in(0);
  if (x.rank() < 2 || x.shape().back() < 1 || x.shape().back() > 2)
    fail("the input has shape {}, but must end with an axis of 1 or 2", to_string(x.shape()));
  Plan plan{};
  plan.axis = scalar(call, 2).value_or(-2);
  if (plan.axis < 0) plan.axis += x.rank();
  if (plan.axis < 0 || plan.axis >= x.rank() - 1)
    fail("axis {} is no axis of the signal", plan.axis);
  for (int64_t k = 0; k + 1 < x.rank(); ++k) {
    if (k < plan.axis) plan.outer *= x.shape()[k];
    if (k > plan.axis) plan.inner *= x.shape()[k];
  }
  plan.inverse = call.attrs.integer("inverse") != 0;
  plan.onesided = call.attrs.integer("onesided") != 0;
  plan.is_real = x.shape().back() == 1;
  plan.read = x.shape()[plan.axis];
  const bool to_real = plan.onesided && plan.inverse;
  plan.length = scalar(call, 1).value_or(to_real ? 2 * (plan.read - 1) : plan.read);
  if (plan.length < 0 || plan.length > int64_t{1} << 40)
    fail("a transform of length {} is not possible", plan.length);
  plan.written = plan.onesided && !plan.inverse ? plan.length / 2 + 1 : plan.length;
  if (plan.length == 0) plan.written = 0;
  return plan;
}

/// One row of the input, cut or padded with zeros; one half of a symmetric spectrum is completed.
std::vector<Complex> read_row(const Tensor& x, const Plan& plan, int64_t outer, int64_t inner) {
  std::vector<Complex> row(plan.length);
  for (int64_t n = 0; n < std::min(plan.read, plan.length); ++n) {
    const int64_t at = ((outer * plan.read + n) * plan.inner + inner) * (plan.is_real ? 1 : 2);
    const double imaginary = plan.is_real ? 0 : load_real(x.dtype(), x.data(), at + 1);
    row[n] = {load_real(x.dtype(), x.data(), at), imaginary};
  }
  if (plan.onesided && plan.inverse)
    for (int64_t n = 1; n < (plan.length + 1) / 2; ++n) row[plan.length - n] = std::conj(row[n]);
  return row;
}

}  // namespace

void dft(const HostCall& call) {
  const Tensor& x = call.in(0);
  const Plan plan = make_plan(call);
  const int64_t parts = plan.onesided && plan.inverse ? 1 : 2;
  Shape shape = x.shape();
  shape[plan.axis] = plan.written;
  shape.back() = parts;
  Tensor& y = call.out(0, x.dtype(), std::move(shape));
  if (plan.length == 0) return;
  const double scale = plan.inverse ? 1.0 / static_cast<double>(plan.length) : 1.0;
  for (int64_t outer = 0; outer < plan.outer; ++outer) {
    for (int64_t inner = 0; inner < plan.inner; ++inner) {
      std::vector<Complex> row = read_row(x, plan, outer, inner);
      fourier_transform(row, plan.inverse);
      for (int64_t k = 0; k < plan.written; ++k) {
        const int64_t at = ((outer * plan.written + k) * plan.inner + inner) * parts;
        store_real(y.dtype(), y.mutable_data(), at, row[k].real() * scale);
        if (parts == 2) store_real(y.dtype(), y.mutable_data(), at + 1, row[k].imag() * scale);
      }
    }
  }
}

}  // namespace dlc::host
