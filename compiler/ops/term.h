// Term: values of a graph in formulas, for the bodies of composites.
// Users: normalization.cpp, quantization.cpp, attention.cpp.
#pragma once

#include "compiler/ops/builder.h"

namespace dlc {

/// A value and the builder that adds nodes for what is made of it:
///   Term x(build, input);  Term centered = x - reduce("ReduceMean", x, {1});
/// Operators broadcast as ONNX's ops do; a number takes the element type of the other side.
class Term {
 public:
  Term(Builder& build, Value value) : build_(&build), value_(value) {}
  operator Value() const { return value_; }  // NOLINT: a term is a value
  Builder& build() const { return *build_; }
  const Dims& shape() const { return build_->shape(value_); }
  int64_t rank() const { return static_cast<int64_t>(shape().size()); }
  DType dtype() const { return build_->type(value_).dtype; }

 private:
  Builder* build_;
  Value value_;
};

Term apply(std::string_view op, const Term& x, AttrMap attrs = {});
Term apply(std::string_view op, const Term& x, Value y, AttrMap attrs = {});

Term operator+(const Term& a, const Term& b);
Term operator-(const Term& a, const Term& b);
Term operator*(const Term& a, const Term& b);
Term operator/(const Term& a, const Term& b);
Term operator+(const Term& a, double b);
Term operator*(const Term& a, double b);
Term operator/(const Term& a, double b);
Term sqrt(const Term& x);
Term exp(const Term& x);
Term log(const Term& x);
Term square(const Term& x);
Term select(const Term& condition, const Term& if_true, const Term& if_false);

Term cast(DType dtype, const Term& x);  ///< no node where x has the type already
/// In the type that arithmetic on it is done in: narrow floats as f32.
Term widen(const Term& x);
/// A ReduceXxx op that keeps its axes with size 1; no axes: nothing is reduced.
Term reduce(std::string_view op, const Term& x, Ints axes);
Term reshape(const Term& x, const Dims& shape);
Term transpose(const Term& x, Ints permutation);
/// Adds `count` trailing axes of size 1.
Term append_axes(const Term& x, int64_t count);

}  // namespace dlc
