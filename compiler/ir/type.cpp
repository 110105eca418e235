// Type: making, comparing and printing.
// Next: compiler/ir/graph.h.
#include "compiler/ir/type.h"

#include <algorithm>

#include "runtime/error.h"

namespace dlc {

Type Type::tensor(DType dtype, Dims shape) {
  Type type;
  type.kind = Kind::tensor;
  type.dtype = dtype;
  type.shape = std::move(shape);
  return type;
}

Type Type::unranked(DType dtype) {
  Type type = tensor(dtype, {});
  type.ranked = false;
  return type;
}

Type Type::sequence(Type element) {
  Type type;
  type.kind = Kind::sequence;
  type.element = std::make_shared<const Type>(std::move(element));
  return type;
}

Type Type::optional(Type element) {
  Type type = sequence(std::move(element));
  type.kind = Kind::optional;
  return type;
}

Type Type::map(DType key, Type value) {
  Type type = sequence(std::move(value));
  type.kind = Kind::map;
  type.dtype = key;
  return type;
}

bool Type::is_static() const {
  return is_tensor() && ranked &&
         std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is_number(); });
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype || a.ranked != b.ranked || a.shape != b.shape) {
    return false;
  }
  if (a.element == b.element) return true;
  return a.element && b.element && *a.element == *b.element;
}

std::string to_string(const Dims& dims) {
  std::string text;
  for (const Dim& dim : dims) text += (text.empty() ? "" : ",") + dim.to_string();
  return text;
}

std::string to_string(const Type& type) {
  switch (type.kind) {
    case Type::Kind::none:
      return "none";
    case Type::Kind::tensor:
      return std::string(name(type.dtype)) + "[" + (type.ranked ? to_string(type.shape) : "*") +
             "]";
    case Type::Kind::sequence:
      return "seq(" + to_string(*type.element) + ")";
    case Type::Kind::optional:
      return "opt(" + to_string(*type.element) + ")";
    case Type::Kind::map:
      return "map(" + std::string(name(type.dtype)) + "," + to_string(*type.element) + ")";
  }
  return "";
}

Dim product(const Dims& dims) {
  int64_t number = 1;
  Dim symbolic = 1;
  for (const Dim& dim : dims) {
    if (!dim.is_number()) {
      symbolic = symbolic * dim;
    } else if (dim.number() == 0) {
      return 0;
    } else if (__builtin_mul_overflow(number, dim.number(), &number)) {
      fail_as(ErrorCode::limit, "shape [{}] has more elements than 63 bits can count",
              to_string(dims));
    }
  }
  return symbolic * Dim(number);
}

}  // namespace dlc
