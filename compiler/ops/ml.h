// What rows of ai.onnx.ml share.
#pragma once

#include "compiler/ops/builder.h"
#include "compiler/ops/term.h"

namespace dlc {

/// Scores [n, classes] after the transform of that name: NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or
/// PROBIT. Throws Error(invalid) for another name.
Term post_transform(const Term& scores, const std::string& name);
/// The position of the greatest score in each row, the first of equal ones: i64[n].
Term best_class(const Term& scores);

/// The class labels in two attributes, of which one is given: 1-D, of strings or i64; nullopt:
/// none.
std::optional<Tensor> class_labels(const OpArgs& args, std::string_view ints,
                                   std::string_view strings);
/// labels[index], or the index itself where there are none.
Value label_of(const Term& index, const std::optional<Tensor>& labels);

/// X [n, features] of any numbers in f32, or in f64 if it is that. A vector is one row.
Term feature_rows(Builder& build, Value x);

/// An f32 (or f64) constant.
Value real_constant(Builder& build, DType dtype, const Dims& shape, const Reals& values);

}  // namespace dlc
