// Attributes as numbers. See attr.h.
#include "compiler/ir/attr.h"

namespace dlc {

int64_t integer_attr(const Node& node, std::string_view name, int64_t otherwise) {
  const auto found = node.attrs.find(name);
  return found == node.attrs.end() ? otherwise : std::get<int64_t>(found->second);
}

Ints integers_attr(const Node& node, std::string_view name, size_t count) {
  const auto found = node.attrs.find(name);
  return found == node.attrs.end() ? Ints(count, 0) : std::get<Ints>(found->second);
}

size_t capture_count(const Node& node) {
  if (node.op == "If") return node.inputs.size() - 1;  // all but the condition
  return static_cast<size_t>(integer_attr(node, "captures"));
}

}  // namespace dlc
