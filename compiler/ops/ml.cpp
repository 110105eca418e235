// Shared parts of the classifiers and regressors of ai.onnx.ml.
#include "compiler/ops/ml.h"

#include <numbers>

namespace dlc {
namespace {

Term number(const Term& like, double value) {
  return {like.build(), like.build().scalar(like.dtype(), value)};
}

/// Softmax that leaves scores of 0 (within 1e-7) at exp(-max) times themselves.
Term softmax_zero(const Term& x) {
  const Term highest = reduce("ReduceMax", x, {1});
  const Term tiny = apply("LessOrEqual", apply("Abs", x), number(x, 1e-7));
  const Term e = select(tiny, x * exp(apply("Neg", highest)), exp(x - highest));
  const Term total = reduce("ReduceSum", e, {1});
  return select(apply("Equal", total, number(x, 0)), number(x, 0.5), e / total);
}

/// sqrt(2) * erfinv(2 x - 1) by Winitzki's approximation, which is what runtimes agree on.
Term probit(const Term& x) {
  constexpr double a = 0.147;
  const Term y = x * 2.0 + -1.0;
  const Term one = number(x, 1), zero = number(x, 0);
  const Term rest = (one - y) * (one + y);
  const Term l = log(rest);
  const Term v = l * 0.5 + 2.0 / (std::numbers::pi * a);
  const Term root = sqrt(sqrt(square(v) - l / a) - v);
  const Term size = select(apply("Equal", rest, zero), zero, root);
  return select(apply("Less", y, zero), apply("Neg", size), size) * std::numbers::sqrt2;
}

}  // namespace

Term post_transform(const Term& scores, const std::string& name) {
  if (name == "NONE") return scores;
  if (name == "SOFTMAX") return apply("Softmax", scores, {{"axis", int64_t{1}}});
  if (name == "LOGISTIC") return apply("Sigmoid", scores);
  if (name == "SOFTMAX_ZERO") return softmax_zero(scores);
  if (name == "PROBIT") return probit(scores);
  fail("post_transform '{}' is not known", name);
}

Term best_class(const Term& scores) {
  return apply("ArgMax", scores, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
}

std::optional<Tensor> class_labels(const OpArgs& args, std::string_view ints,
                                   std::string_view strings) {
  Strings names = args.strings(strings);
  const Ints numbers = args.ints(ints);
  if (!names.empty() && !numbers.empty()) fail("{} and {} exclude each other", ints, strings);
  if (!names.empty()) {
    const auto count = static_cast<int64_t>(names.size());
    return Tensor::strings({count}, std::move(names));
  }
  if (!numbers.empty()) return Tensor::ints(numbers);
  return std::nullopt;
}

Value label_of(const Term& index, const std::optional<Tensor>& labels) {
  if (!labels) return index;
  Builder& build = index.build();
  return build("Gather", {build.constant(*labels), index});
}

Term feature_rows(Builder& build, Value x) {
  const DType type = build.type(x).dtype == DType::f64 ? DType::f64 : DType::f32;
  Term rows = cast(type, {build, x});
  if (rows.rank() == 1) rows = reshape(rows, {1, rows.shape()[0]});
  if (rows.rank() != 2) fail("the input has rank {}, but must have 1 or 2", rows.rank());
  return rows;
}

Value real_constant(Builder& build, DType dtype, const Dims& shape, const Reals& values) {
  Shape numbers;
  for (const Dim& dim : shape) numbers.push_back(dim.number());
  return build.constant(Tensor::of(dtype, std::move(numbers), values));
}

}  // namespace dlc
