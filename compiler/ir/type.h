// Type of a value: tensor, sequence, optional or map.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "runtime/dtype.h"
#include "runtime/tensor.h"

namespace dlc {

using Dims = std::vector<Dim>;

struct Type {
  enum class Kind : uint8_t { none, tensor, sequence, optional, map };
  Kind kind = Kind::none;               ///< none: an absent optional input
  DType dtype = DType::undefined;       ///< tensor: of elements; map: of keys
  bool ranked = true;                   ///< false: a tensor of unknown rank, `f32[*]`
  Dims shape;                           ///< tensor with known rank
  std::shared_ptr<const Type> element;  ///< sequence, optional: of elements; map: of values

  static Type tensor(DType dtype, Dims shape);
  static Type unranked(DType dtype);
  static Type sequence(Type element);
  static Type optional(Type element);
  static Type map(DType key, Type value);
  static Type of(const Tensor& tensor) {
    return Type::tensor(tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end()));
  }

  bool is_tensor() const { return kind == Kind::tensor; }
  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  bool is_static() const;  ///< a tensor whose dims are all numbers
  friend bool operator==(const Type& a, const Type& b);
};

/// "f32[batch,3]", "i64[]", "f32[*]", "seq(f32[*])", "opt(...)", "map(i64,f32[])".
std::string to_string(const Type& type);
std::string to_string(const Dims& dims);  ///< "batch,3"
Dim product(const Dims& dims);

}  // namespace dlc
