// Rows of linear models and support vector machines of ai.onnx.ml.
// Next: ml.h (transforms of scores, labels), ml_trees.cpp.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/ops/index_math.h"
#include "compiler/ops/ml.h"
#include "compiler/ops/registry.h"
#include "runtime/host/labels.h"

namespace dlc {
namespace {

constexpr DTypes features = one(DType::f32) | one(DType::f64) | one(DType::i64) | one(DType::i32);

int64_t count(const Reals& values) { return static_cast<int64_t>(values.size()); }

Term number(const Term& like, double value) {
  return {like.build(), like.build().scalar(like.dtype(), value)};
}

/// x times the transposed rows of coefficients, of which there are `rows`.
Term product_with_rows(const OpArgs& args, const Term& x, const Reals& coefficients, int64_t rows) {
  if (rows < 1 || coefficients.empty() || count(coefficients) % rows != 0)
    fail("{} coefficients are not {} rows", coefficients.size(), rows);
  const int64_t width = count(coefficients) / rows;
  common_dim(args, x.shape()[1], width, "features and coefficients");
  const Value w = real_constant(x.build(), x.dtype(), {rows, width}, coefficients);
  return apply("MatMul", x, transpose({x.build(), w}, {1, 0}));
}

Term add_list(const OpArgs& args, const Term& x, const Reals& values, std::string_view attr) {
  if (values.empty()) return x;
  common_dim(args, x.shape()[1], count(values), std::string(attr));
  return apply("Add", x, real_constant(x.build(), x.dtype(), {count(values)}, values));
}

Term in_f32(const Term& x) { return cast(DType::f32, x); }

std::vector<Value> expand_linear_regressor(const OpArgs& args, Builder& build,
                                           std::span<const Value> inputs) {
  const Term scores =
      add_list(args,
               product_with_rows(args, feature_rows(build, inputs[0]), args.reals("coefficients"),
                                 args.integer("targets")),
               args.reals("intercepts"), "targets and intercepts");
  return {in_f32(post_transform(scores, args.text("post_transform")))};
}

/// [-s, s] for one score of two classes
Term both_signs(const Term& score) {
  Builder& build = score.build();
  return {build, build("Concat", {apply("Neg", score), score}, {{"axis", int64_t{1}}})};
}

/// [1 - s, s]
Term with_rest(const Term& score) {
  Builder& build = score.build();
  const Term rest = number(score, 1) - score;
  return {build, build("Concat", {rest, score}, {{"axis", int64_t{1}}})};
}

/// The one label where a single score reaches the threshold, else 0 or "".
Value label_above(const Term& score, double threshold, const std::optional<Tensor>& labels) {
  Builder& build = score.build();
  const Term flat = reshape(score, {score.shape()[0]});
  const Term reached = apply("GreaterOrEqual", flat, number(flat, threshold));
  if (!labels) return cast(DType::i64, reached);
  Tensor otherwise = Tensor::allocate(labels->dtype(), {1});
  return select(reached, {build, build.constant(*labels)}, {build, build.constant(otherwise)});
}

std::vector<Value> expand_linear_classifier(const OpArgs& args, Builder& build,
                                            std::span<const Value> inputs) {
  const auto labels = class_labels(args, "classlabels_ints", "classlabels_strings");
  const Term x = feature_rows(build, inputs[0]);
  const Reals coefficients = args.reals("coefficients");
  if (!x.shape()[1].is_number() || x.shape()[1] == Dim(0))
    fail_as(ErrorCode::unsupported, "the number of features must be known");
  const int64_t rows = count(coefficients) / x.shape()[1].number();
  const Term raw = add_list(args, product_with_rows(args, x, coefficients, rows),
                            args.reals("intercepts"), "classes and intercepts");
  const std::string transform = args.text("post_transform");
  const bool two = rows == 1 && labels && labels->size() == 2;
  const Term signs = two ? both_signs(raw) : raw;
  Term scores = two && transform == "NONE" ? with_rest(raw) : signs;
  const Dim classes = scores.shape()[1];
  if (labels && classes != Dim(1)) common_dim(args, classes, labels->size(), "scores and labels");
  scores = post_transform(scores, transform);
  const Value label = classes == Dim(1) ? label_above(scores, transform == "NONE" ? 0 : 0.5, labels)
                                        : label_of(best_class(two ? signs : scores), labels);
  return {label, in_f32(scores)};
}

// --- support vectors

/// K[n, v]: of each row of x and each support vector.
Term kernel(const OpArgs& args, const Term& x, const Reals& vectors, int64_t rows) {
  const Term dot = product_with_rows(args, x, vectors, rows);
  Reals parameters = args.reals("kernel_params");
  parameters.resize(3);
  const double gamma = parameters[0], coef0 = parameters[1], degree = parameters[2];
  const std::string type = args.text("kernel_type");
  if (type == "LINEAR") return dot;
  if (type == "POLY") {
    const Term base = dot * gamma + coef0;
    return apply("Pow", base, number(base, degree));
  }
  if (type == "SIGMOID") return apply("Tanh", dot * gamma + coef0);
  if (type != "RBF") fail("kernel_type '{}' is not known", type);
  // |x - s|^2 without the cancellation that |x|^2 - 2 x s + |s|^2 has
  Builder& build = x.build();
  const int64_t width = count(vectors) / rows;
  const Value s = real_constant(build, x.dtype(), {1, rows, width}, vectors);
  const Term apart = apply("Sub", reshape(x, {x.shape()[0], 1, width}), s);
  const Term distances(
      build, build("ReduceSum", {square(apart), build.ints({2})}, {{"keepdims", int64_t{0}}}));
  return exp(distances * -gamma);
}

std::vector<Value> expand_svm_regressor(const OpArgs& args, Builder& build,
                                        std::span<const Value> inputs) {
  const Term x = feature_rows(build, inputs[0]);
  const int64_t vectors = args.integer("n_supports");
  const Reals coefficients = args.reals("coefficients"), rho = args.reals("rho");
  if (rho.size() != 1) fail("rho must have one number, not {}", rho.size());
  const Term k = vectors > 0 ? kernel(args, x, args.reals("support_vectors"), vectors) : x;
  Term scores = product_with_rows(args, k, coefficients, 1) + rho[0];
  if (args.integer("one_class") != 0) {
    const Term positive = apply("Greater", scores, number(scores, 0));
    scores = select(positive, number(scores, 1), number(scores, -1));
  }
  return {in_f32(post_transform(scores, args.text("post_transform")))};
}

/// A machine of several classes: one vote between each two of them.
class Voting {
 public:
  Voting(const OpArgs& args, const Term& x, int64_t classes)
      : args_(args), x_(x), classes_(classes), sizes_(args.ints("vectors_per_class")) {
    if (static_cast<int64_t>(sizes_.size()) != classes)
      fail("vectors_per_class has {} numbers for {} classes", sizes_.size(), classes);
    if (std::any_of(sizes_.begin(), sizes_.end(), [](int64_t n) { return n < 0; }))
      fail("vectors_per_class has a negative number");
    vectors_ = std::accumulate(sizes_.begin(), sizes_.end(), int64_t{0});
    pairs_ = classes * (classes - 1) / 2;
    const Reals rho = args.reals("rho");
    if (count(rho) < pairs_) fail("rho has {} numbers for {} pairs", rho.size(), pairs_);
    const Term k = kernel(args, x, args.reals("support_vectors"), vectors_);
    const Reals weights = pair_weights(args.reals("coefficients"));
    scores_.emplace(add_list(
        args, apply("MatMul", k, real_constant(x.build(), x.dtype(), {vectors_, pairs_}, weights)),
        Reals(rho.begin(), rho.begin() + pairs_), "rho"));
  }

  /// [n, pairs]
  const Term& scores() const { return *scores_; }

  /// [n, classes]: pair (i, j) is a vote for i where its score is positive, else for j
  Term votes() const {
    Reals to_first(pairs_ * classes_), base(classes_);
    int64_t pair = 0;
    for (int64_t i = 0; i < classes_; ++i) {
      for (int64_t j = i + 1; j < classes_; ++j, ++pair) {
        to_first[pair * classes_ + i] += 1;
        to_first[pair * classes_ + j] -= 1;
        base[j] += 1;
      }
    }
    const Term first = cast(x_.dtype(), apply("Greater", scores(), number(scores(), 0)));
    Builder& build = x_.build();
    const Value m = real_constant(build, x_.dtype(), {pairs_, classes_}, to_first);
    return add_list(args_, apply("MatMul", first, m), base, "votes");
  }

 private:
  /// [vectors, pairs]: coefficients are [classes - 1, vectors]; for the pair (i, j) those of i are
  /// in row j - 1 and those of j in row i.
  Reals pair_weights(const Reals& coefficients) const {
    if (count(coefficients) != (classes_ - 1) * vectors_)
      fail("{} coefficients for {} classes and {} vectors", coefficients.size(), classes_,
           vectors_);
    std::vector<int64_t> begin = {0};
    for (int64_t size : sizes_) begin.push_back(begin.back() + size);
    Reals weights(vectors_ * pairs_);
    int64_t pair = 0;
    for (int64_t i = 0; i < classes_; ++i) {
      for (int64_t j = i + 1; j < classes_; ++j, ++pair) {
        for (int64_t v = begin[i]; v < begin[i + 1]; ++v)
          weights[v * pairs_ + pair] = coefficients[(j - 1) * vectors_ + v];
        for (int64_t v = begin[j]; v < begin[j + 1]; ++v)
          weights[v * pairs_ + pair] = coefficients[i * vectors_ + v];
      }
    }
    return weights;
  }

  const OpArgs& args_;
  Term x_;
  int64_t classes_, vectors_ = 0, pairs_ = 0;
  Ints sizes_;
  std::optional<Term> scores_;
};

/// A single score becomes two, of both signs, where it is that of two classes.
Term final_scores(const Term& scores, const std::string& transform, bool two_classes) {
  const bool doubled = two_classes && scores.shape()[1] == Dim(1) && transform != "PROBIT";
  const bool plain = scores.shape()[1] == Dim(1) && !doubled && transform != "PROBIT";
  return plain ? scores : post_transform(doubled ? both_signs(scores) : scores, transform);
}

std::vector<Value> expand_svm_classifier(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs) {
  const auto labels = class_labels(args, "classlabels_ints", "classlabels_strings");
  const int64_t classes = labels ? labels->size() : 1;
  const Term x = feature_rows(build, inputs[0]);
  const Reals coefficients = args.reals("coefficients"), rho = args.reals("rho");
  const std::string transform = args.text("post_transform");
  if (args.ints("vectors_per_class").empty()) {  // one linear function for each class
    if (rho.empty()) fail("rho is missing");
    const Term scores = product_with_rows(args, x, coefficients, classes) + rho[0];
    if (rho.size() == 1 && classes == 1)
      return {label_above(scores, std::nextafter(0.0, 1.0), std::nullopt), in_f32(scores)};
    return {label_of(best_class(scores), labels),
            in_f32(final_scores(scores, transform, classes == 2))};
  }
  if (classes < 2) fail("a machine with support vectors for each class needs their labels");
  const Voting voting(args, x, classes);
  Term scores = voting.scores();
  const Reals a = args.reals("prob_a"), b = args.reals("prob_b");
  if (!a.empty()) {
    if (count(a) != classes * (classes - 1) / 2 || a.size() != b.size())
      fail("prob_a and prob_b have {} and {} numbers for {} classes", a.size(), b.size(), classes);
    scores = {build, build("dlc.PairwiseProbabilities", {scores},
                           {{"classes", classes}, {"prob_a", a}, {"prob_b", b}})};
  }
  // Of two classes without probabilities the second has it if no coefficient is negative.
  const bool all_positive =
      std::all_of(coefficients.begin(), coefficients.end(), [](double c) { return c >= 0; });
  Term best = best_class(voting.votes());
  if (classes == 2 && a.empty() && all_positive)
    best = apply("Add", apply("Mul", best, build.constant(Tensor::scalar(DType::i64, 0))),
                 build.constant(Tensor::scalar(DType::i64, 1)));
  return {label_of(best, labels), in_f32(final_scores(scores, transform, classes == 2))};
}

std::vector<Type> infer_probabilities(const OpArgs& args) {
  args.expect_rank("scores", 2);
  const int64_t classes = args.integer("classes");
  const auto pairs = static_cast<size_t>(classes * (classes - 1) / 2);
  if (classes < 2 || classes > 1 << 16 || args.reals("prob_a").size() != pairs ||
      args.reals("prob_b").size() != pairs)
    fail("prob_a and prob_b do not fit {} classes", classes);
  common_dim(args, args.shape("scores")[1], static_cast<int64_t>(pairs), "the scores");
  return {Type::tensor(args.dtype("scores"), {args.shape("scores")[0], classes})};
}

}  // namespace

const std::vector<OpDef>& ml_linear_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ai.onnx.ml.LinearRegressor",
       .doc = "X times the coefficients of each target, plus its intercept.",
       .source = "ONNX ai.onnx.ml.LinearRegressor-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"coefficients"}, {"intercepts"}, {"post_transform", "NONE"}, {"targets", 1}},
       .expand = expand_linear_regressor,
       .samples = {"X: f32[2,3], coefficients=[1.0,-2.0,0.5], intercepts=[0.25]",
                   "X: i64[n,2], coefficients=[1.0,2.5,3.0,4.0], targets=2, "
                   "post_transform=\"SOFTMAX\"",
                   "X: f64[0,1], coefficients=[1.5]"}},
      {.name = "ai.onnx.ml.LinearClassifier",
       .doc = "The best class by a linear function for each, and the scores.",
       .source = "ONNX ai.onnx.ml.LinearClassifier-1",
       .inputs = {{"X", features}},
       .outputs = {"Y", "Z"},
       .attrs = {{"classlabels_ints"},
                 {"classlabels_strings"},
                 {"coefficients", required_attr},
                 {"intercepts"},
                 {"multi_class", 0},
                 {"post_transform", "NONE"}},
       .expand = expand_linear_classifier,
       .samples = {"X: f32[4,2], coefficients=[1.0,-2.0,0.5,1.0,0.25,-1.0], "
                   "intercepts=[0.25,0.5,-1.0], classlabels_strings=[\"a\",\"b\",\"c\"], "
                   "post_transform=\"SOFTMAX_ZERO\"",
                   "X: i64[n,2], coefficients=[1.0,2.5], classlabels_ints=[7,9], "
                   "post_transform=\"LOGISTIC\"",
                   "X: f32[3,1], coefficients=[1.5], classlabels_ints=[4]"}},
      {.name = "ai.onnx.ml.SVMRegressor",
       .doc =
           "The sum of kernel(x, support vector) * coefficient, plus rho; its sign if one_class.",
       .source = "ONNX ai.onnx.ml.SVMRegressor-1",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = {{"coefficients"},
                 {"kernel_params"},
                 {"kernel_type", "LINEAR"},
                 {"n_supports", 0},
                 {"one_class", 0},
                 {"post_transform", "NONE"},
                 {"rho"},
                 {"support_vectors"}},
       .expand = expand_svm_regressor,
       .samples = {"X: f32[3,2], n_supports=2, support_vectors=[1.0,0.5,-1.0,2.0], "
                   "coefficients=[0.5,-0.25], rho=[0.1], kernel_type=\"RBF\", "
                   "kernel_params=[0.5,0.0,3.0]",
                   "X: f64[n,2], n_supports=1, support_vectors=[1.0,0.5], coefficients=[0.5], "
                   "rho=[0.1], kernel_type=\"POLY\", kernel_params=[0.5,1.0,2.0], one_class=1",
                   "X: f32[2,2], coefficients=[0.5,1.5], rho=[0.1]"}},
      {.name = "ai.onnx.ml.SVMClassifier",
       .doc = "The class with the most votes of machines between each two classes (or with the "
              "greatest linear function), and the scores, or probabilities where prob_a and prob_b "
              "are given.",
       .source = "ONNX ai.onnx.ml.SVMClassifier-1",
       .inputs = {{"X", features}},
       .outputs = {"Y", "Z"},
       .attrs = {{"classlabels_ints"},
                 {"classlabels_strings"},
                 {"coefficients"},
                 {"kernel_params"},
                 {"kernel_type", "LINEAR"},
                 {"post_transform", "NONE"},
                 {"prob_a"},
                 {"prob_b"},
                 {"rho"},
                 {"support_vectors"},
                 {"vectors_per_class"}},
       .expand = expand_svm_classifier,
       .samples = {"X: f32[3,2], vectors_per_class=[1,1], support_vectors=[1.0,0.5,-1.0,2.0], "
                   "coefficients=[0.5,-0.25], rho=[0.1], classlabels_ints=[3,5], "
                   "kernel_type=\"SIGMOID\", kernel_params=[0.5,0.0,3.0], prob_a=[-1.5], "
                   "prob_b=[0.25]",
                   "X: f64[n,1], vectors_per_class=[1,1,1], support_vectors=[1.0,0.5,-1.0], "
                   "coefficients=[0.5,-0.25,0.75,1.0,-0.5,0.5], rho=[0.1,0.2,0.3], "
                   "classlabels_strings=[\"a\",\"b\",\"c\"]",
                   "X: f32[2,1], coefficients=[0.5,1.5], rho=[0.1], classlabels_ints=[0,1]"}},
      {.name = "dlc.PairwiseProbabilities",
       .doc = "The probabilities of classes from the scores of machines between each two, by "
              "P(i | i or j) = 1 / (1 + exp(a * score + b)).",
       .source = "ONNX ai.onnx.ml.SVMClassifier-1; Wu, Lin and Weng, 2004",
       .inputs = {{"scores", one(DType::f32) | one(DType::f64)}},
       .attrs = {{"classes", required_attr}, {"prob_a", required_attr}, {"prob_b", required_attr}},
       .host = host::pairwise_probabilities,
       .infer = infer_probabilities,
       .samples = {"scores: f32[2,3], classes=3, prob_a=[-1.5,-1.0,-0.5], prob_b=[0.5,0.25,0.0]",
                   "scores: f64[n,1], classes=2, prob_a=[-1.5], prob_b=[0.5]"}},
  };
  return rows;
}

}  // namespace dlc
