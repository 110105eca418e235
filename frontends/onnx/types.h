// TypeProto to Type, and the names of symbolic sizes.
// Next: inputs.h.
#pragma once

#include <map>
#include <set>
#include <string>

#include "compiler/ir/type.h"
#include "frontends/onnx/proto.h"

namespace dlc::onnx {

/// The symbolic sizes of one model: from the texts that it has for them to Dims. Texts are free in
/// ONNX, names here are identifiers; texts that differ become names that differ.
class Symbols {
 public:
  /// Makes this text or name a number from now on. False: it is another number already.
  bool fix(const std::string& name, int64_t value);
  /// A text that stands alone as the size of a graph input. Only these can be parts of expressions
  /// such as "past+1": what has no size of its own would have no value.
  void add_plain(const std::string& text);
  /// A declared size: a number if fixed, a symbol, or an expression.
  Dim declared(const std::string& text);
  /// A symbol that nobody has used yet, named after `hint`, or the number fixed for that name.
  Dim fresh(const std::string& hint);
  /// The same, but never a number: for sizes that only running the model tells.
  Dim fresh_symbol(const std::string& hint) { return Dim::symbol(unused_name(hint)); }
  bool known(const std::string& name) const { return used_.contains(name); }
  /// How many names there are; one that came later than that has a higher age().
  size_t count() const { return used_.size(); }
  size_t age(const std::string& name) const { return used_.at(name); }
  const std::map<std::string, int64_t>& fixed() const { return fixed_; }

 private:
  std::string unused_name(const std::string& hint);
  bool use(const std::string& name) { return used_.emplace(name, used_.size()).second; }
  Dim named(const std::string& name) const;

  std::map<std::string, int64_t> fixed_;
  std::set<std::string> plain_;               ///< names of graph inputs' sizes
  std::map<std::string, std::string> names_;  ///< text to name
  std::map<std::string, size_t> used_;        ///< name to number, in order of appearance
};

/// A name of letters, digits, `_` and `.` made from any text.
std::string identifier(const std::string& text);

/// Unknown sizes become fresh symbols named after `value`, e.g. "image_d0". Throws
/// Error(unsupported) for sparse and opaque types, Error(invalid) for missing ones, Error(limit)
/// for sizes whose product overflows.
Type type_of(const proto::TypeProto& type, const std::string& value, Symbols& symbols);

/// Whether a value of type `type` can be what a model declares; what is missing in the declaration
/// goes with anything.
bool agrees(const proto::TypeProto& declared, const Type& type);
/// The name that a model declares for size `k` of a tensor; empty if there is none.
std::string declared_name(const proto::TypeProto& declared, size_t k);

/// Whether one value can have both types; symbols and unknown ranks go with anything.
bool compatible(const Type& a, const Type& b);

}  // namespace dlc::onnx
