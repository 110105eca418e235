// Compares values as ONNX's test runner does: |got - want| <= absolute + relative * |want|.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "runtime/numeric.h"
#include "runtime/tensor.h"

namespace dlc::test {

struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-7;
};

/// NaN is close to NaN, an infinity to itself.
inline bool is_close(double got, double want, const Tolerance& tolerance) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want);
  if (got == want) return true;
  return std::fabs(got - want) <= tolerance.absolute + tolerance.relative * std::fabs(want);
}

/// A complex tensor as its parts, with a last axis of 2.
inline Tensor real_view(const Tensor& tensor) {
  if (!is_complex(tensor.dtype())) return tensor;
  Shape shape = tensor.shape();
  shape.push_back(2);
  const DType part = tensor.dtype() == DType::c64 ? DType::f32 : DType::f64;
  return Tensor::borrow(part, std::move(shape), tensor.data());
}

/// What differs first between two tensors, in words; empty: nothing.
inline std::string difference(const Tensor& got, const Tensor& want,
                              const Tolerance& tolerance = {}) {
  if (got.dtype() != want.dtype())
    return fmt::format("element type {} instead of {}", name(got.dtype()), name(want.dtype()));
  if (got.shape() != want.shape())
    return fmt::format("shape {} instead of {}", to_string(got.shape()), to_string(want.shape()));
  if (got.dtype() == DType::string) return identical(got, want) ? "" : "strings differ";
  if (identical(got, want)) return "";
  const Tensor g = real_view(got), w = real_view(want);
  for (int64_t i = 0; i < g.size(); ++i) {
    const double a = load_real(g.dtype(), g.data(), i), b = load_real(w.dtype(), w.data(), i);
    if (!is_close(a, b, tolerance)) return fmt::format("element {} is {} instead of {}", i, a, b);
  }
  return "";
}

/// The same for sequences, optionals and maps.
inline std::string difference(const Datum& got, const Datum& want,
                              const Tolerance& tolerance = {}) {
  if (got.kind != want.kind)
    return fmt::format("kind {} instead of {}", static_cast<int>(got.kind),
                       static_cast<int>(want.kind));
  if (want.kind == Datum::Kind::tensor) return difference(got.tensor, want.tensor, tolerance);
  if (got.items.size() != want.items.size())
    return fmt::format("{} items instead of {}", got.items.size(), want.items.size());
  if (want.kind == Datum::Kind::map && !identical(got.keys, want.keys)) return "keys differ";
  for (size_t k = 0; k < want.items.size(); ++k) {
    const std::string text = difference(got.items[k], want.items[k], tolerance);
    if (!text.empty()) return fmt::format("item {}: {}", k, text);
  }
  return "";
}

}  // namespace dlc::test
