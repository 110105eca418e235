// Comparing outputs with what was expected, as ONNX's backend tests do.
#pragma once

#include <string>
#include <vector>

#include "runtime/tensor.h"

namespace dlc {

/// Numbers are equal when |got - want| <= absolute + relative * |want|; NaN equals NaN.
struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
};

/// What differs between two values, in words: type, shape, or the first element that does, with how
/// many do and by how much at most. Empty: nothing differs. Types narrower than f32 are compared as
/// f32; strings must be equal.
std::string difference(const Datum& got, const Datum& want, const Tolerance& tolerance);

/// Row-major position as "[1,0,7]"; "" for a scalar.
std::string index_text(int64_t position, const Shape& shape);

/// One element in the shortest form that reads back the same; complex ones as "1+2i".
std::string element_text(const Tensor& tensor, int64_t position);

}  // namespace dlc
