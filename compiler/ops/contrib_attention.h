// What com.microsoft's forms of attention share. In contrib_attention_parts.cpp.
#pragma once

#include "compiler/ops/term.h"

namespace dlc::contrib {

/// The number that a size is. Throws Error(unsupported), mentioning `what`, where it is symbolic.
int64_t number_of(const Dim& dim, std::string_view what);
/// [batch, sequence, heads * size] -> [batch, heads, sequence, size]
Term split_heads(const Term& x, int64_t heads);
Term merge_heads(const Term& x);  ///< the other way
/// Each head `times` times in a row.
Term repeat_heads(const Term& x, int64_t times);
Term concat(const Term& a, Value b, int64_t axis);
Term slice(const Term& x, const Dim& begin, const Dim& end, int64_t axis);
Term range(Builder& build, const Dim& size);  ///< 0, 1, ... size - 1 in i64
/// The attribute `scale`, or 1 / sqrt(head_size).
double scale_or(const OpArgs& args, const Dim& head_size);

/// The inputs of a node by name.
class Inputs {
 public:
  Inputs(const OpArgs& args, Builder& build, std::span<const Value> inputs)
      : args_(args), build_(build), inputs_(inputs) {}
  Value operator[](std::string_view name) const {
    const size_t k = args_.position(name);
    return k < inputs_.size() ? inputs_[k] : Value();
  }
  Term term(std::string_view name) const { return {build_, (*this)[name]}; }
  bool has(std::string_view name) const { return args_.has(name); }

 private:
  const OpArgs& args_;
  Builder& build_;
  std::span<const Value> inputs_;
};

}  // namespace dlc::contrib
