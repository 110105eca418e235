// Attribute values that host kernels see.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "runtime/tensor.h"

namespace dlc {

using Ints = std::vector<int64_t>;
using Reals = std::vector<double>;
using Strings = std::vector<std::string>;

/// One attribute without graphs or types. monostate: not given and without a default.
using PlainAttr =
    std::variant<std::monostate, int64_t, double, std::string, Ints, Reals, Strings, Tensor>;

/// Attributes by name, defaults filled in. Accessors throw Error(invalid) where the kind does not
/// fit.
class Attributes {
 public:
  void set(std::string name, PlainAttr value) { values_[std::move(name)] = std::move(value); }
  bool has(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  const Ints& ints(std::string_view name) const;
  const Reals& reals(std::string_view name) const;
  const Strings& strings(std::string_view name) const;
  const Tensor& tensor(std::string_view name) const;
  const std::map<std::string, PlainAttr, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, PlainAttr, std::less<>> values_;
};

}  // namespace dlc
