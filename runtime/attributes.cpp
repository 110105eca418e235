// Attributes: looking values up by name and kind.
// Next: runtime/host.h.
#include "runtime/attributes.h"

#include "runtime/error.h"

namespace dlc {
namespace {

template <typename T>
const T& find(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.all().find(name);
  if (found == attributes.all().end()) fail("attribute {} is missing", name);
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) fail("attribute {} has a value of the wrong kind", name);
  return *value;
}

}  // namespace

bool Attributes::has(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && !std::holds_alternative<std::monostate>(found->second);
}

int64_t Attributes::integer(std::string_view name) const { return find<int64_t>(*this, name); }
double Attributes::real(std::string_view name) const { return find<double>(*this, name); }
const std::string& Attributes::text(std::string_view name) const {
  return find<std::string>(*this, name);
}
const Ints& Attributes::ints(std::string_view name) const { return find<Ints>(*this, name); }
const Reals& Attributes::reals(std::string_view name) const { return find<Reals>(*this, name); }
const Strings& Attributes::strings(std::string_view name) const {
  return find<Strings>(*this, name);
}
const Tensor& Attributes::tensor(std::string_view name) const { return find<Tensor>(*this, name); }

}  // namespace dlc
