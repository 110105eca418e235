// A pass: a free function over a graph, and its row.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace dlc {

/// What a pass may do to the graph's answer.
enum class Keeps : uint8_t { exactly, within_tolerance, not_signature };

/// A place that a rewrite's pattern fits, but not its conditions.
struct NearMiss {
  std::string rewrite;    ///< "conv-absorbs-batch-norm"
  std::string node;       ///< Graph::describe of the outermost node
  std::string condition;  ///< the first that failed: "weights and statistics are constant"
};

class PassContext {
 public:
  /// `explain`: near misses are wanted.
  explicit PassContext(bool explain = true) : explain_(explain) {}

  /// Adds to a named figure of the report: context.count("folded").
  void count(std::string_view what, int n = 1) { counts_[std::string(what)] += n; }
  const std::map<std::string, int>& counts() const { return counts_; }

  bool explain() const { return explain_; }
  void report(NearMiss miss) { misses_.push_back(std::move(miss)); }
  const std::vector<NearMiss>& near_misses() const { return misses_; }

 private:
  bool explain_;
  std::map<std::string, int> counts_;
  std::vector<NearMiss> misses_;
};

struct Pass {
  std::string_view name;     ///< "fold-constants"
  std::string_view purpose;  ///< one line
  Keeps keeps = Keeps::exactly;
  /// Within tolerance: what elements may be off by, relative to themselves and to the root mean
  /// square of their tensor, beyond what rounding does.
  double tolerance = 0;
  bool required = false;  ///< lowering needs it: it runs at -O0 too and cannot be disabled
  void (*run)(Graph& graph, PassContext& context) = nullptr;
};

/// Runs the pass on the graph, nested ones first.
void run_pass(const Pass& pass, Graph& graph, PassContext& context);

/// All passes in the order in which they run (pipeline.cpp has the list); some run several times.
std::span<const Pass* const> pipeline();
/// Null: no such pass.
const Pass* find_pass(std::string_view name);

}  // namespace dlc
