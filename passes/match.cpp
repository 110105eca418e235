// Match: what the names of a pattern stand for.
// Next: passes/rewrite.cpp, which finds matches.
#include <algorithm>
#include <cassert>

#include "passes/rewrite.h"

namespace dlc {

Value Match::value(std::string_view name) const {
  const auto found = values_.find(name);
  assert(found != values_.end() && "the pattern has no value of that name");
  return found->second;
}

bool Match::constants(std::initializer_list<std::string_view> names) const {
  return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
    return !has(name) || constant(name) != nullptr;
  });
}

const Attr* Match::attr(std::string_view name) const {
  const auto found = attrs_.find(name);
  return found == attrs_.end() ? nullptr : &found->second;
}

int64_t Match::integer(std::string_view name) const {
  const Attr* found = attr(name);
  assert(found && "the pattern has no attribute of that name, or the row no default");
  return std::get<int64_t>(*found);
}

double Match::real(std::string_view name) const {
  const Attr* found = attr(name);
  assert(found && "the pattern has no attribute of that name, or the row no default");
  if (const auto* integer = std::get_if<int64_t>(found)) return static_cast<double>(*integer);
  return std::get<double>(*found);
}

Ints Match::ints(std::string_view name) const {
  const Attr* found = attr(name);
  return found ? std::get<Ints>(*found) : Ints();
}

const Node& Match::node(std::string_view op) const {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](NodeId id) { return graph().node(id).op == op; });
  assert(found != nodes_.end() && "the pattern has no node of that op");
  return graph().node(*found);
}

Value Match::again(std::string_view op, std::vector<Value> inputs, AttrMap changes) const {
  AttrMap attrs = node(op).attrs;
  for (auto& [name, value] : changes) attrs.insert_or_assign(name, std::move(value));
  return (*build_)(op, std::move(inputs), std::move(attrs));
}

}  // namespace dlc
