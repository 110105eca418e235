// The order of nodes: files from elsewhere are not always sorted.
#include <fmt/ranges.h>

#include <map>
#include <numeric>
#include <queue>
#include <set>

#include "frontends/onnx/importer.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<proto::NodeProto>;
using Producers = std::map<std::string, int>;

using Names = std::set<std::string>;

Names names_used(const proto::NodeProto& node);

/// The names that a nested graph uses and does not define itself.
Names free_names(const proto::GraphProto& graph) {
  Names names;
  for (const auto& node : graph.node()) names.merge(names_used(node));
  for (const auto& output : graph.output()) names.insert(output.name());
  for (const auto& input : graph.input()) names.erase(input.name());
  for (const auto& tensor : graph.initializer()) names.erase(tensor.name());
  for (const auto& sparse : graph.sparse_initializer()) names.erase(sparse.values().name());
  for (const auto& node : graph.node()) {
    for (const std::string& output : node.output()) names.erase(output);
  }
  return names;
}

/// The names that must be there before the node is, for its nested graphs as well.
Names names_used(const proto::NodeProto& node) {
  Names names(node.input().begin(), node.input().end());
  for (const auto& attr : node.attribute()) {
    if (attr.has_g()) names.merge(free_names(attr.g()));
  }
  return names;
}

Producers find_producers(const Nodes& nodes) {
  Producers producers;
  for (int k = 0; k < nodes.size(); ++k) {
    for (const std::string& name : nodes[k].output()) {
      if (name.empty() || producers.emplace(name, k).second) continue;
      fail("two nodes give '{}'; names of values must be unique", name);
    }
  }
  return producers;
}

bool is_sorted(const Nodes& nodes, const Producers& producers) {
  for (int k = 0; k < nodes.size(); ++k) {
    for (const std::string& name : names_used(nodes[k])) {
      const auto found = producers.find(name);
      if (found != producers.end() && found->second >= k) return false;
    }
  }
  return true;
}

[[noreturn]] void refuse_cycle(const Nodes& nodes, const std::vector<int>& waiting) {
  std::vector<std::string> names;
  for (int k = 0; k < nodes.size() && names.size() < 5; ++k) {
    if (waiting[k] == 0) continue;
    names.push_back(nodes[k].name().empty() ? nodes[k].op_type() + "_" + std::to_string(k)
                                            : nodes[k].name());
  }
  fail("nodes depend on each other in a cycle; among them: {}", fmt::join(names, ", "));
}

std::vector<int> sorted_nodes(const Nodes& nodes) {
  const Producers producers = find_producers(nodes);
  std::vector<int> order(nodes.size());
  std::iota(order.begin(), order.end(), 0);
  if (is_sorted(nodes, producers)) return order;

  std::vector<std::vector<int>> users(nodes.size());
  std::vector<int> waiting(nodes.size(), 0);
  for (int k = 0; k < nodes.size(); ++k) {
    for (const std::string& name : names_used(nodes[k])) {
      const auto found = producers.find(name);
      if (found == producers.end()) continue;
      users[found->second].push_back(k);
      ++waiting[k];
    }
  }
  // The first of those that are ready: as near to the given order as can be.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int k = 0; k < nodes.size(); ++k) {
    if (waiting[k] == 0) ready.push(k);
  }
  order.clear();
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (int user : users[order.back()]) {
      if (--waiting[user] == 0) ready.push(user);
    }
  }
  if (order.size() < static_cast<size_t>(nodes.size())) refuse_cycle(nodes, waiting);
  return order;
}

}  // namespace

std::vector<int> sorted(const proto::GraphProto& graph) { return sorted_nodes(graph.node()); }
std::vector<int> sorted(const proto::FunctionProto& function) {
  return sorted_nodes(function.node());
}

}  // namespace dlc::onnx
