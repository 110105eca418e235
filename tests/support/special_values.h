// Values at which arithmetic does something of its own: NaN, infinities, zeros, denormals, limits
// of types, halves, and how far apart results are, in steps of their type. Next:
// unit/driver/special_values_test.cpp.
#pragma once

#include <span>
#include <vector>

#include "runtime/tensor.h"

namespace dlc::test {

/// A 1-D tensor of special values of the type; `few`: of the most special ones.
Tensor special_values(DType dtype, bool few = false);

/// 1-D tensors of one length, which meet each value of each type with each of the others; where
/// that are too many, with three types or more, of the few.
std::vector<Tensor> special_operands(std::span<const DType> types);

/// Elements [begin, begin + count) of a 1-D tensor, which goes on with its first after its last.
Tensor stretch(const Tensor& tensor, int64_t begin, int64_t count);

/// How many numbers of the type lie between the two, and one: 0 for the same bits, and for any NaN
/// and any other. Infinite between what is NaN and what is not, and for integers that differ.
double steps_between(DType dtype, double a, double b);

}  // namespace dlc::test
