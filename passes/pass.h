// A pass: a free function over a graph, and its row.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "compiler/ir/graph.h"

namespace dlc {

/// What a pass may do to the graph's answer.
enum class Keeps : uint8_t { exactly, within_tolerance, not_signature };

class PassContext {
 public:
  /// Adds to a named figure of the report: context.count("folded").
  void count(std::string_view what, int n = 1) { counts_[std::string(what)] += n; }
  const std::map<std::string, int>& counts() const { return counts_; }

 private:
  std::map<std::string, int> counts_;
};

struct Pass {
  std::string_view name;     ///< "fold-constants"
  std::string_view purpose;  ///< one line
  Keeps keeps = Keeps::exactly;
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
