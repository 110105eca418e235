// Partition: a graph as a list of things to run, and the kernels among them.
// Next: assemble.h makes a Program of it once the kernels are compiled.
#pragma once

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "compiler/lower/formulas.h"
#include "compiler/lower/kernel.h"

namespace dlc {

struct KernelItem {
  size_t kernel;  ///< index into the list of all kernels
  std::vector<Value> operands, outputs;
};
/// A host function, or (with nested partitions, by attribute name) If, Loop, Scan.
struct NodeItem {
  NodeId node;
  std::vector<std::pair<std::string, std::unique_ptr<struct Partition>>> nested;
};
/// `value` is the bytes of `source` under another shape.
struct AliasItem {
  Value value, source;
};
/// Sizes that the values made so far tell: the symbols in their types are bound.
struct BindItem {
  std::vector<Value> values;
};

struct Partition {
  explicit Partition(Graph g) : graph(std::move(g)) {}
  Graph graph;
  std::vector<NodeRequirement> requirements;  ///< of the kernels: without these, they are not safe
  std::vector<std::variant<KernelItem, NodeItem, AliasItem, BindItem>> items;
  std::map<Value, AxisOrder> orders;  ///< of stored values that are not row-major
};

/// Cuts the graph (without composites) into kernels, which are appended to `kernels`. Throws
/// Error(unsupported) that lists every node which no kernel can compute.
std::unique_ptr<Partition> partition(Graph graph, const FusionOptions& options,
                                     std::vector<Kernel>& kernels);

}  // namespace dlc
