// Rows of tree ensembles of ai.onnx.ml: their several forms become dlc.TreeScores, which walks the
// trees (runtime/host/trees.h), and what makes scores and labels of its sums.
#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/ops/index_math.h"
#include "compiler/ops/ml.h"
#include "compiler/ops/registry.h"
#include "runtime/host/trees.h"

namespace dlc {
namespace {

constexpr DTypes features =
    one(DType::f32) | one(DType::f64) | one(DType::f16) | one(DType::i64) | one(DType::i32);

/// Trees as dlc.TreeScores takes them. Next nodes: >= 0 a node, else leaf -1 - next.
struct Forest {
  Ints modes, features, if_true, if_false, missing, roots;
  Reals splits;
  Ints member_begin = {0};  ///< of node k: members[member_begin[k] ... member_begin[k + 1]]
  Reals members;
  Ints leaf_begin = {0};  ///< of leaf k, in targets and weights
  Ints targets;
  Reals weights;

  Term scores(const Term& x, DType type, int64_t n_targets, const std::string& aggregate,
              const Reals& base) const {
    AttrMap attrs = {{"modes", modes},           {"features", features},
                     {"if_true", if_true},       {"if_false", if_false},
                     {"missing", missing},       {"roots", roots},
                     {"splits", splits},         {"member_begin", member_begin},
                     {"leaf_begin", leaf_begin}, {"targets", targets},
                     {"weights", weights},       {"n_targets", n_targets},
                     {"aggregate", aggregate},   {"dtype", static_cast<int64_t>(type)}};
    if (!members.empty()) attrs.emplace("members", members);
    if (!base.empty()) attrs.emplace("base", base);
    return apply("dlc.TreeScores", x, std::move(attrs));
  }
};

/// A list of reals, or the tensor of that name with _as_tensor.
Reals reals_of(const OpArgs& args, const std::string& name) {
  if (const Attr* attr = args.attr(name + "_as_tensor")) {
    const auto* tensor = std::get_if<Tensor>(attr);
    if (tensor == nullptr || !is_float(tensor->dtype())) fail("{}_as_tensor is no tensor", name);
    return tensor->to_reals();
  }
  return args.reals(name);
}

template <typename List>
void expect_size(const List& list, size_t size, std::string_view name) {
  if (list.size() != size) fail("{} has {} entries, but needs {}", name, list.size(), size);
}

/// Trees of the older form: nodes and leaves together, each by the ids of its tree and its own.
class OlderForest {
 public:
  /// `votes`: "target" or "class".
  OlderForest(const OpArgs& args, const std::string& votes) {
    trees_ = args.ints("nodes_treeids");
    nodes_ = args.ints("nodes_nodeids");
    const Strings modes = args.strings("nodes_modes");
    const size_t count = trees_.size();
    expect_size(nodes_, count, "nodes_nodeids");
    expect_size(modes, count, "nodes_modes");
    read_votes(args, votes);
    for (size_t k = 0; k < count; ++k) {
      const auto [entry, fresh] = place_.try_emplace({trees_[k], nodes_[k]}, 0);
      if (!fresh) fail("tree {} has two nodes {}", trees_[k], nodes_[k]);
      entry->second = modes[k] == "LEAF" ? add_leaf(k) : inner_++;
    }
    add_inner(args, modes);
    add_roots();
  }

  Forest forest;

 private:
  using Id = std::pair<int64_t, int64_t>;

  void read_votes(const OpArgs& args, const std::string& prefix) {
    const Ints trees = args.ints(prefix + "_treeids"), nodes = args.ints(prefix + "_nodeids");
    const Ints ids = args.ints(prefix + "_ids");
    const Reals weights = reals_of(args, prefix + "_weights");
    expect_size(nodes, trees.size(), prefix + "_nodeids");
    expect_size(ids, trees.size(), prefix + "_ids");
    expect_size(weights, trees.size(), prefix + "_weights");
    for (size_t k = 0; k < trees.size(); ++k)
      votes_[{trees[k], nodes[k]}].emplace_back(ids[k], weights[k]);
  }

  int64_t add_leaf(size_t k) {
    for (const auto& [target, weight] : votes_[{trees_[k], nodes_[k]}]) {
      forest.targets.push_back(target);
      forest.weights.push_back(weight);
    }
    forest.leaf_begin.push_back(static_cast<int64_t>(forest.targets.size()));
    return -(static_cast<int64_t>(forest.leaf_begin.size()) - 1);  // leaf 0 is -1
  }

  void add_inner(const OpArgs& args, const Strings& modes) {
    static const std::map<std::string, int64_t, std::less<>> numbers = {
        {"BRANCH_LEQ", 0}, {"BRANCH_LT", 1}, {"BRANCH_GTE", 2},
        {"BRANCH_GT", 3},  {"BRANCH_EQ", 4}, {"BRANCH_NEQ", 5}};
    const Ints features = args.ints("nodes_featureids");
    const Ints if_true = args.ints("nodes_truenodeids"), if_false = args.ints("nodes_falsenodeids");
    const Ints missing = args.ints("nodes_missing_value_tracks_true");
    const Reals values = reals_of(args, "nodes_values");
    expect_size(features, modes.size(), "nodes_featureids");
    expect_size(if_true, modes.size(), "nodes_truenodeids");
    expect_size(if_false, modes.size(), "nodes_falsenodeids");
    expect_size(values, modes.size(), "nodes_values");
    if (!missing.empty()) expect_size(missing, modes.size(), "nodes_missing_value_tracks_true");
    for (size_t k = 0; k < modes.size(); ++k) {
      if (modes[k] == "LEAF") continue;
      const auto mode = numbers.find(modes[k]);
      if (mode == numbers.end()) fail("the mode '{}' of a node is not known", modes[k]);
      forest.modes.push_back(mode->second);
      forest.features.push_back(features[k]);
      forest.splits.push_back(values[k]);
      forest.missing.push_back(missing.empty() ? 0 : missing[k]);
      forest.if_true.push_back(find({trees_[k], if_true[k]}));
      forest.if_false.push_back(find({trees_[k], if_false[k]}));
      forest.member_begin.push_back(0);
    }
  }

  int64_t find(const Id& id) {
    const auto found = place_.find(id);
    if (found == place_.end()) fail("tree {} has no node {}", id.first, id.second);
    has_parent_[id] = true;
    return found->second;
  }

  /// The first node of each tree that is nobody's child.
  void add_roots() {
    int64_t last = 0;
    for (size_t k = 0; k < trees_.size(); ++k) {
      const bool again = !forest.roots.empty() && trees_[k] == last;
      if (again || has_parent_.contains({trees_[k], nodes_[k]})) continue;
      forest.roots.push_back(place_.at({trees_[k], nodes_[k]}));
      last = trees_[k];
    }
  }

  Ints trees_, nodes_;
  int64_t inner_ = 0;
  std::map<Id, int64_t> place_;
  std::map<Id, bool> has_parent_;
  std::map<Id, std::vector<std::pair<int64_t, double>>> votes_;
};

DType score_type(const Term& x) { return x.dtype() == DType::f64 ? DType::f64 : DType::f32; }

std::vector<Value> expand_regressor(const OpArgs& args, Builder& build,
                                    std::span<const Value> inputs) {
  const OlderForest trees(args, "target");
  const Term x(build, inputs[0]);
  const Term scores =
      trees.forest.scores(x, score_type(x), args.integer("n_targets"),
                          args.text("aggregate_function"), reals_of(args, "base_values"));
  return {cast(DType::f32, post_transform(scores, args.text("post_transform")))};
}

Term columns(const Term& a, const Term& b) {
  return {a.build(), a.build()("Concat", {a, b}, {{"axis", int64_t{1}}})};
}

/// Scores of two classes from that of the only one with votes, the first: a probability where no
/// weight is negative.
Term binary_scores(const Term& score, const std::string& transform, bool positive) {
  Builder& build = score.build();
  const Term one(build, build.scalar(score.dtype(), 1)), minus = apply("Neg", score);
  if (transform == "LOGISTIC") return post_transform(columns(minus, score), transform);
  return columns(positive ? one - score : minus, score);
}

/// Of two classes where all votes are for one: the second where the score is high enough. That
/// one's score is the column of its votes.
std::vector<Value> expand_binary(const OpArgs& args, const Forest& forest, const Term& x,
                                 const Tensor& labels) {
  Builder& build = x.build();
  const int64_t voted = forest.targets[0];
  const Reals& w = forest.weights;
  const bool positive = std::all_of(w.begin(), w.end(), [](double v) { return v >= 0; });
  const std::string transform = args.text("post_transform");
  const Term both = forest.scores(x, score_type(x), 2, "SUM", reals_of(args, "base_values"));
  const Term score(
      build, build("Slice", {both, build.ints({voted}), build.ints({voted + 1}), build.ints({1})}));
  const Term threshold(build, build.scalar(score.dtype(), positive ? 0.5 : 0));
  const Term index =
      cast(DType::i64, apply("Greater", reshape(score, {score.shape()[0]}), threshold));
  const Term scores =
      voted == 0 ? binary_scores(score, transform, positive) : post_transform(both, transform);
  return {label_of(index, labels), cast(DType::f32, scores)};
}

std::vector<Value> expand_classifier(const OpArgs& args, Builder& build,
                                     std::span<const Value> inputs) {
  const OlderForest trees(args, "class");
  const auto labels = class_labels(args, "classlabels_int64s", "classlabels_strings");
  if (!labels) fail("the labels of the classes are missing");
  const Ints& targets = trees.forest.targets;
  const bool one_class =
      !targets.empty() &&
      std::all_of(targets.begin(), targets.end(), [&](int64_t t) { return t == targets[0]; });
  const Term x(build, inputs[0]);
  if (one_class && labels->size() == 2) return expand_binary(args, trees.forest, x, *labels);
  const Term scores =
      trees.forest.scores(x, score_type(x), labels->size(), "SUM", reals_of(args, "base_values"));
  return {label_of(best_class(scores), labels),
          cast(DType::f32, post_transform(scores, args.text("post_transform")))};
}

// --- TreeEnsemble-5: nodes and leaves apart, lists as tensors or integers

Reals tensor_reals(const OpArgs& args, std::string_view name) {
  const Attr* attr = args.attr(name);
  if (attr == nullptr) return {};
  const auto* tensor = std::get_if<Tensor>(attr);
  if (tensor == nullptr || tensor->dtype() == DType::string) fail("{} must be a tensor", name);
  return tensor->to_reals();
}

Forest newer_forest(const OpArgs& args) {
  Forest forest;
  for (double mode : tensor_reals(args, "nodes_modes"))
    forest.modes.push_back(static_cast<int64_t>(mode));
  const size_t count = forest.modes.size();
  forest.features = args.ints("nodes_featureids");
  forest.splits = tensor_reals(args, "nodes_splits");
  forest.missing = args.ints("nodes_missing_value_tracks_true");
  if (forest.missing.empty()) forest.missing.assign(count, 0);
  expect_size(forest.features, count, "nodes_featureids");
  expect_size(forest.splits, count, "nodes_splits");
  const auto next = [&](const std::string& kind) {
    Ints ids = args.ints("nodes_" + kind + "nodeids");
    const Ints leafs = args.ints("nodes_" + kind + "leafs");
    expect_size(ids, count, "nodes_" + kind + "nodeids");
    expect_size(leafs, count, "nodes_" + kind + "leafs");
    for (size_t k = 0; k < count; ++k)
      if (leafs[k] != 0) ids[k] = -1 - ids[k];
    return ids;
  };
  forest.if_true = next("true");
  forest.if_false = next("false");
  forest.roots = args.ints("tree_roots");
  forest.targets = args.ints("leaf_targetids");
  forest.weights = tensor_reals(args, "leaf_weights");
  for (size_t k = 1; k <= forest.targets.size(); ++k)
    forest.leaf_begin.push_back(static_cast<int64_t>(k));
  // The members of each such node, up to a NaN.
  constexpr int64_t member = 6;
  const Reals members = tensor_reals(args, "membership_values");
  size_t at = 0;
  for (size_t k = 0; k < count; ++k) {
    if (forest.modes[k] == member) {
      for (; at < members.size() && !std::isnan(members[at]); ++at)
        forest.members.push_back(members[at]);
      ++at;
    }
    forest.member_begin.push_back(static_cast<int64_t>(forest.members.size()));
  }
  return forest;
}

std::vector<Value> expand_ensemble(const OpArgs& args, Builder& build,
                                   std::span<const Value> inputs) {
  static constexpr const char* aggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  static constexpr const char* transforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO",
                                               "PROBIT"};
  const int64_t aggregate = args.integer("aggregate_function");
  const int64_t transform = args.integer("post_transform");
  if (aggregate < 0 || aggregate > 3) fail("aggregate_function {} is not known", aggregate);
  if (transform < 0 || transform > 4) fail("post_transform {} is not known", transform);
  const Term x(build, inputs[0]);
  const Term scores =
      newer_forest(args).scores(x, x.dtype(), args.integer("n_targets"), aggregates[aggregate], {});
  return {post_transform(scores, transforms[transform])};
}

// --- the walk

/// Every position in the attributes is inside of what it points into.
std::vector<Type> infer_scores(const OpArgs& args) {
  args.expect_rank("x", 2);
  const auto inside = [](const Ints& list, int64_t low, size_t high, std::string_view name) {
    for (int64_t value : list)
      if (value < low || value >= static_cast<int64_t>(high))
        fail("{} has {}, which is not from {} to {}", name, value, low, high);
  };
  const size_t nodes = args.ints("modes").size();
  const Ints leaf_begin = args.ints("leaf_begin"), member_begin = args.ints("member_begin");
  const size_t votes = args.ints("targets").size();
  expect_size(args.reals("weights"), votes, "weights");
  expect_size(args.reals("splits"), nodes, "splits");
  expect_size(member_begin, nodes + 1, "member_begin");
  for (const char* list : {"features", "if_true", "if_false", "missing"})
    expect_size(args.ints(list), nodes, list);
  if (leaf_begin.empty() || !std::is_sorted(leaf_begin.begin(), leaf_begin.end()) ||
      !std::is_sorted(member_begin.begin(), member_begin.end()))
    fail("leaf_begin and member_begin must ascend");
  const auto leaves = static_cast<int64_t>(leaf_begin.size()) - 1;
  inside(leaf_begin, 0, votes + 1, "leaf_begin");
  inside(member_begin, 0, args.reals("members").size() + 1, "member_begin");
  inside(args.ints("modes"), 0, 7, "modes");
  for (const char* list : {"if_true", "if_false", "roots"})
    inside(args.ints(list), -leaves, nodes, list);
  const Dim& width = args.shape("x")[1];
  constexpr size_t any = size_t{1} << 62;
  inside(args.ints("features"), 0, width.is_number() ? static_cast<size_t>(width.number()) : any,
         "features");
  const int64_t targets = args.integer("n_targets");
  if (targets < 0 || targets > int64_t{1} << 40) fail("n_targets is {}", targets);
  inside(args.ints("targets"), 0, static_cast<size_t>(targets), "targets");
  if (const Reals base = args.reals("base"); !base.empty())
    expect_size(base, static_cast<size_t>(targets), "base values");
  const std::string aggregate = args.text("aggregate");
  if (aggregate != "SUM" && aggregate != "AVERAGE" && aggregate != "MIN" && aggregate != "MAX")
    fail("the aggregate '{}' is not known", aggregate);
  const DType type = args.element_type("dtype");
  if (type != DType::f32 && type != DType::f64 && type != DType::f16)
    fail("dtype must be that of f16, f32 or f64");
  return {Type::tensor(type, {args.shape("x")[0], targets})};
}

/// The attributes that both of the older ops have, and their own.
std::vector<AttrSpec> older_attrs(std::initializer_list<AttrSpec> own) {
  std::vector<AttrSpec> attrs = {{"base_values"},
                                 {"base_values_as_tensor"},
                                 {"nodes_falsenodeids"},
                                 {"nodes_featureids"},
                                 {"nodes_hitrates"},
                                 {"nodes_hitrates_as_tensor"},
                                 {"nodes_missing_value_tracks_true"},
                                 {"nodes_modes"},
                                 {"nodes_nodeids"},
                                 {"nodes_treeids"},
                                 {"nodes_truenodeids"},
                                 {"nodes_values"},
                                 {"nodes_values_as_tensor"},
                                 {"post_transform", "NONE"}};
  attrs.insert(attrs.end(), own.begin(), own.end());
  return attrs;
}

}  // namespace

const std::vector<OpDef>& ml_tree_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "ai.onnx.ml.TreeEnsembleRegressor",
       .doc = "The votes of the leaves that each row of X ends in, one leaf a tree, added up (or "
              "their mean, least or greatest) for each target.",
       .source = "ONNX ai.onnx.ml.TreeEnsembleRegressor-3",
       .inputs = {{"X", features}},
       .outputs = {"Y"},
       .attrs = older_attrs({{"aggregate_function", "SUM"},
                             {"n_targets", 1},
                             {"target_ids"},
                             {"target_nodeids"},
                             {"target_treeids"},
                             {"target_weights"},
                             {"target_weights_as_tensor"}}),
       .expand = expand_regressor,
       .samples = {"X: f32[5,2], nodes_treeids=[0,0,0,1], nodes_nodeids=[0,1,2,0], "
                   "nodes_modes=[\"BRANCH_LEQ\",\"LEAF\",\"LEAF\",\"LEAF\"], "
                   "nodes_featureids=[1,0,0,0], nodes_truenodeids=[1,0,0,0], "
                   "nodes_falsenodeids=[2,0,0,0], nodes_values=[0.5,0.0,0.0,0.0], "
                   "target_treeids=[0,0,0,1], target_nodeids=[1,2,2,0], target_ids=[0,0,1,1], "
                   "target_weights=[1.5,-1.0,2.0,0.25], n_targets=2, base_values=[0.5,1.0]"}},
      {.name = "ai.onnx.ml.TreeEnsembleClassifier",
       .doc = "The class with the most votes of the leaves that each row of X ends in, and the "
              "scores of all.",
       .source = "ONNX ai.onnx.ml.TreeEnsembleClassifier-3",
       .inputs = {{"X", features}},
       .outputs = {"Y", "Z"},
       .attrs = older_attrs({{"class_ids"},
                             {"class_nodeids"},
                             {"class_treeids"},
                             {"class_weights"},
                             {"class_weights_as_tensor"},
                             {"classlabels_int64s"},
                             {"classlabels_strings"}}),
       .expand = expand_classifier,
       .samples =
           {"X: f32[5,2], nodes_treeids=[0,0,0], nodes_nodeids=[0,1,2], "
            "nodes_modes=[\"BRANCH_GT\",\"LEAF\",\"LEAF\"], nodes_featureids=[1,0,0], "
            "nodes_truenodeids=[1,0,0], nodes_falsenodeids=[2,0,0], nodes_values=[0.5,0.0,0.0], "
            "class_treeids=[0,0,0], class_nodeids=[1,2,2], class_ids=[0,1,2], "
            "class_weights=[1.5,1.0,2.0], classlabels_strings=[\"a\",\"b\",\"c\"], "
            "post_transform=\"SOFTMAX\"",
            "X: i64[n,2], nodes_treeids=[0,0,0], nodes_nodeids=[0,1,2], "
            "nodes_modes=[\"BRANCH_NEQ\",\"LEAF\",\"LEAF\"], nodes_featureids=[1,0,0], "
            "nodes_truenodeids=[1,0,0], nodes_falsenodeids=[2,0,0], nodes_values=[1.0,0.0,0.0], "
            "class_treeids=[0,0], class_nodeids=[1,2], class_ids=[1,1], "
            "class_weights=[0.75,0.25], classlabels_int64s=[3,5]"}},
      {.name = "ai.onnx.ml.TreeEnsemble",
       .doc = "The votes of the leaves that each row of X ends in, one leaf a tree, as in "
              "TreeEnsembleRegressor; nodes may ask whether a feature is one of several numbers.",
       .source = "ONNX ai.onnx.ml.TreeEnsemble-5",
       .inputs = {{"X", one(DType::f32) | one(DType::f64) | one(DType::f16)}},
       .outputs = {"Y"},
       .attrs = {{"aggregate_function", 1},
                 {"leaf_targetids", required_attr},
                 {"leaf_weights", required_attr},
                 {"membership_values"},
                 {"n_targets", 1},
                 {"nodes_falseleafs", required_attr},
                 {"nodes_falsenodeids", required_attr},
                 {"nodes_featureids", required_attr},
                 {"nodes_hitrates"},
                 {"nodes_missing_value_tracks_true"},
                 {"nodes_modes", required_attr},
                 {"nodes_splits", required_attr},
                 {"nodes_trueleafs", required_attr},
                 {"nodes_truenodeids", required_attr},
                 {"post_transform", 0},
                 {"tree_roots", required_attr}},
       .expand = expand_ensemble,
       .samples = {"X: f32[5,2], nodes_modes=u8[2]{0, 6}, nodes_featureids=[0,1], "
                   "nodes_splits=f32[2]{0.5, 0}, nodes_truenodeids=[1,0], "
                   "nodes_falsenodeids=[2,1], nodes_trueleafs=[0,1], nodes_falseleafs=[1,1], "
                   "leaf_targetids=[0,1,0], leaf_weights=f32[3]{1, 2, 4}, tree_roots=[0], "
                   "membership_values=f32[3]{1, -1, nan}, n_targets=2, aggregate_function=3"}},
      {.name = "dlc.TreeScores",
       .doc = "The votes of the leaves in which each row of x ends, combined by target. Next nodes "
              "from -1 down are leaves; all lists are by node, but those of leaves and votes.",
       .source = "ONNX ai.onnx.ml.TreeEnsemble-5",
       .inputs = {{"x", features}},
       .attrs = {{"aggregate", "SUM"},
                 {"base"},
                 {"dtype", required_attr},
                 {"features", required_attr},
                 {"if_false", required_attr},
                 {"if_true", required_attr},
                 {"leaf_begin", required_attr},
                 {"member_begin", required_attr},
                 {"members"},
                 {"missing", required_attr},
                 {"modes", required_attr},
                 {"n_targets", required_attr},
                 {"roots", required_attr},
                 {"splits", required_attr},
                 {"targets", required_attr},
                 {"weights", required_attr}},
       .host = host::tree_scores,
       .infer = infer_scores,
       .samples = {"x: f32[3,1], dtype=1, features=[0], if_true=[-1], if_false=[-2], "
                   "leaf_begin=[0,1,2], member_begin=[0,1], members=[0.25], missing=[0], "
                   "modes=[1], n_targets=1, roots=[0], splits=[0.5], targets=[0,0], "
                   "weights=[1.5,2.5], base=[0.5]"}},
  };
  return rows;
}

}  // namespace dlc
