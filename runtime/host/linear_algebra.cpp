// Host kernels for matrices. Row: compiler/ops/matmul.cpp.
#include "runtime/host/linear_algebra.h"

#include "runtime/error.h"
#include "runtime/numeric.h"

#include <cmath>
#include <utility>

namespace dlc::host {
namespace {

/// Eliminates in place; the determinant is the product of the pivots, negated for each swap.
double determinant_of(std::vector<double>& matrix, int64_t n) {
  double result = 1;
  for (int64_t step = 0; step < n; ++step) {
    int64_t pivot = step;
    for (int64_t row = step + 1; row < n; ++row) {
      if (std::fabs(matrix[row * n + step]) > std::fabs(matrix[pivot * n + step])) pivot = row;
    }
    if (matrix[pivot * n + step] == 0) return 0;
    if (pivot != step) {
      for (int64_t k = 0; k < n; ++k) std::swap(matrix[pivot * n + k], matrix[step * n + k]);
      result = -result;
    }
    result *= matrix[step * n + step];
    for (int64_t row = step + 1; row < n; ++row) {
      const double factor = matrix[row * n + step] / matrix[step * n + step];
      for (int64_t k = step; k < n; ++k) matrix[row * n + k] -= factor * matrix[step * n + k];
    }
  }
  return result;
}

}  // namespace

void determinant(const HostCall& call) {
  const Tensor& x = call.in(0);
  Shape shape = x.shape();
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2])
    fail("a determinant needs square matrices, not {}", to_string(shape));
  const int64_t n = shape.back();
  shape.resize(shape.size() - 2);
  Tensor& y = call.out(0, x.dtype(), std::move(shape));
  std::vector<double> matrix(n * n);
  for (int64_t i = 0; i < y.size(); ++i) {
    for (int64_t k = 0; k < n * n; ++k) matrix[k] = load_real(x.dtype(), x.data(), i * n * n + k);
    store_real(x.dtype(), y.mutable_data(), i, determinant_of(matrix, n));
  }
}

namespace {

/// The inverse beside the matrix while that is turned into 1 (Gauss and Jordan).
std::vector<double> inverse_of(std::vector<double> matrix, int64_t n) {
  std::vector<double> result(n * n);
  for (int64_t k = 0; k < n; ++k) result[k * n + k] = 1;
  for (int64_t step = 0; step < n; ++step) {
    int64_t pivot = step;
    for (int64_t row = step + 1; row < n; ++row)
      if (std::fabs(matrix[row * n + step]) > std::fabs(matrix[pivot * n + step])) pivot = row;
    const double divisor = matrix[pivot * n + step];
    if (divisor == 0) return std::vector<double>(n * n, std::nan(""));
    for (int64_t k = 0; k < n; ++k) {
      std::swap(matrix[pivot * n + k], matrix[step * n + k]);
      std::swap(result[pivot * n + k], result[step * n + k]);
      matrix[step * n + k] /= divisor;
      result[step * n + k] /= divisor;
    }
    for (int64_t row = 0; row < n; ++row) {
      const double factor = matrix[row * n + step];
      if (row == step || factor == 0) continue;
      for (int64_t k = 0; k < n; ++k) {
        matrix[row * n + k] -= factor * matrix[step * n + k];
        result[row * n + k] -= factor * result[step * n + k];
      }
    }
  }
  return result;
}

}  // namespace

void inverse(const HostCall& call) {
  const Tensor& x = call.in(0);
  const Shape& shape = x.shape();
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2])
    fail("an inverse needs square matrices, not {}", to_string(shape));
  const int64_t n = shape.back();
  Tensor& y = call.out(0, x.dtype(), shape);
  std::vector<double> matrix(n * n);
  for (int64_t begin = 0; begin < x.size(); begin += n * n) {
    for (int64_t k = 0; k < n * n; ++k) matrix[k] = load_real(x.dtype(), x.data(), begin + k);
    const std::vector<double> result = inverse_of(matrix, n);
    for (int64_t k = 0; k < n * n; ++k)
      store_real(x.dtype(), y.mutable_data(), begin + k, result[k]);
  }
}

}  // namespace dlc::host
