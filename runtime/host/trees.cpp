// Walks of decision trees. All positions in the attributes were checked when the model was
// compiled, but for circles and the number of features.
#include "runtime/host/trees.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

enum class Mode : int64_t { leq, lt, gte, gt, eq, neq, member };

const Reals& reals_or_none(const Attributes& attrs, std::string_view name) {
  static const Reals none;
  return attrs.has(name) ? attrs.reals(name) : none;
}

struct Forest {
  const Ints &modes, &features, &if_true, &if_false, &missing, &roots;
  const Ints &member_begin, &leaf_begin, &targets;
  const Reals &splits, &members, &weights, &base;

  explicit Forest(const Attributes& attrs)
      : modes(attrs.ints("modes")),
        features(attrs.ints("features")),
        if_true(attrs.ints("if_true")),
        if_false(attrs.ints("if_false")),
        missing(attrs.ints("missing")),
        roots(attrs.ints("roots")),
        member_begin(attrs.ints("member_begin")),
        leaf_begin(attrs.ints("leaf_begin")),
        targets(attrs.ints("targets")),
        splits(attrs.reals("splits")),
        members(reals_or_none(attrs, "members")),
        weights(attrs.reals("weights")),
        base(reals_or_none(attrs, "base")) {}

  bool is_true(size_t node, double x) const {
    if (std::isnan(x) && missing[node] != 0) return true;
    switch (static_cast<Mode>(modes[node])) {
      case Mode::leq:
        return x <= splits[node];
      case Mode::lt:
        return x < splits[node];
      case Mode::gte:
        return x >= splits[node];
      case Mode::gt:
        return x > splits[node];
      case Mode::eq:
        return x == splits[node];
      case Mode::neq:
        return x != splits[node];
      case Mode::member:
        break;
    }
    const auto first = members.begin() + member_begin[node];
    const auto last = members.begin() + member_begin[node + 1];
    return std::find(first, last, x) != last;
  }

  /// The leaf where the row ends.
  size_t leaf(int64_t at, const double* row) const {
    size_t steps = 0;
    while (at >= 0) {
      const auto node = static_cast<size_t>(at);
      if (++steps > modes.size()) fail("a tree leads around in a circle");
      at = is_true(node, row[features[node]]) ? if_true[node] : if_false[node];
    }
    return static_cast<size_t>(-1 - at);
  }
};

/// Combines the votes of leaves.
class Aggregate {
 public:
  Aggregate(const std::string& name, size_t trees) : name_(name), trees_(trees) {}

  double start() const {
    if (name_ == "MIN") return std::numeric_limits<double>::infinity();
    return name_ == "MAX" ? -std::numeric_limits<double>::infinity() : 0;
  }
  double add(double sum, double vote) const {
    if (name_ == "MIN") return std::min(sum, vote);
    return name_ == "MAX" ? std::max(sum, vote) : sum + vote;
  }
  double finish(double sum) const {
    if (std::isinf(sum) && sum == start()) return 0;  // no leaf has a vote for this target
    return name_ == "AVERAGE" ? sum / static_cast<double>(trees_) : sum;
  }

 private:
  const std::string& name_;
  size_t trees_;
};

}  // namespace

void tree_scores(const HostCall& call) {
  const Tensor& x = call.in(0);
  const Forest forest(call.attrs);
  const int64_t rows = x.shape()[0], width = x.shape()[1];
  const auto targets = static_cast<size_t>(call.attrs.integer("n_targets"));
  const int64_t needed =
      forest.features.empty()
          ? 0
          : *std::max_element(forest.features.begin(), forest.features.end()) + 1;
  if (needed > width) fail("X has {} features, but the trees ask for {}", width, needed);
  const Aggregate aggregate(call.attrs.text("aggregate"), forest.roots.size());
  Tensor& y = call.out(0, static_cast<DType>(call.attrs.integer("dtype")),
                       {rows, static_cast<int64_t>(targets)});
  std::vector<double> row(static_cast<size_t>(width)), sums(targets);
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t f = 0; f < width; ++f) row[f] = load_real(x.dtype(), x.data(), n * width + f);
    std::fill(sums.begin(), sums.end(), aggregate.start());
    for (int64_t root : forest.roots) {
      const size_t leaf = forest.leaf(root, row.data());
      for (int64_t v = forest.leaf_begin[leaf]; v < forest.leaf_begin[leaf + 1]; ++v) {
        double& sum = sums[forest.targets[v]];
        sum = aggregate.add(sum, forest.weights[v]);
      }
    }
    for (size_t t = 0; t < targets; ++t) {
      const double base = forest.base.empty() ? 0 : forest.base[t];
      store_real(y.dtype(), y.mutable_data(), n * y.shape()[1] + static_cast<int64_t>(t),
                 aggregate.finish(sums[t]) + base);
    }
  }
}

}  // namespace dlc::host
