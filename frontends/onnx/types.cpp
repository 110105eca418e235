// Types and symbolic sizes of models.
#include "frontends/onnx/types.h"

#include <algorithm>
#include <cctype>

#include "frontends/onnx/tensors.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

constexpr size_t longest_expression = 256;
constexpr int deepest_type = 16;

Dim dim_of(const proto::TensorShapeProto::Dimension& dim, const std::string& hint,
           Symbols& symbols) {
  // Exporters write -1 for sizes that they do not know.
  if (dim.has_dim_value() && dim.dim_value() >= 0) return dim.dim_value();
  if (dim.has_dim_param() && !dim.dim_param().empty()) return symbols.declared(dim.dim_param());
  return symbols.fresh(hint);
}

Type tensor_type(const proto::TypeProto::Tensor& type, const std::string& value, Symbols& symbols) {
  const DType dtype = dtype_from_number(type.elem_type());
  if (!type.has_shape()) return Type::unranked(dtype);
  Dims dims;
  Shape numbers;
  for (const auto& dim : type.shape().dim()) {
    dims.push_back(dim_of(dim, identifier(value) + "_d" + std::to_string(dims.size()), symbols));
    if (dims.back().is_number()) numbers.push_back(dims.back().number());
  }
  element_count(numbers);  // throws where the product overflows
  return Type::tensor(dtype, std::move(dims));
}

Type type_at_depth(const proto::TypeProto& type, const std::string& value, Symbols& symbols,
                   int depth) {
  if (depth > deepest_type) fail_as(ErrorCode::limit, "the type of '{}' nests too deep", value);
  const auto inner = [&](const proto::TypeProto& element) {
    return type_at_depth(element, value, symbols, depth + 1);
  };
  switch (type.value_case()) {
    case proto::TypeProto::kTensorType:
      return tensor_type(type.tensor_type(), value, symbols);
    case proto::TypeProto::kSequenceType:
      return Type::sequence(inner(type.sequence_type().elem_type()));
    case proto::TypeProto::kOptionalType:
      return Type::optional(inner(type.optional_type().elem_type()));
    case proto::TypeProto::kMapType:
      return Type::map(dtype_from_number(type.map_type().key_type()),
                       inner(type.map_type().value_type()));
    case proto::TypeProto::kSparseTensorType:
      fail_as(ErrorCode::unsupported, "'{}' is a sparse tensor, which is not supported", value);
    case proto::TypeProto::kOpaqueType:
      fail_as(ErrorCode::unsupported, "'{}' has an opaque type, which is not supported", value);
    case proto::TypeProto::VALUE_NOT_SET:
      break;
  }
  fail("'{}' has no type", value);
}

}  // namespace

std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    name += fits ? c : '_';
  }
  const bool starts_well = !name.empty() && (name[0] == '_' || std::isalpha(name[0]) != 0);
  return starts_well ? name : "_" + name;
}

std::string Symbols::unused_name(const std::string& hint) {
  std::string name = hint;
  for (int k = 2; !use(name); ++k) name = hint + "_" + std::to_string(k);
  return name;
}

bool Symbols::fix(const std::string& name, int64_t value) {
  return fixed_.try_emplace(name, value).first->second == value;
}

Dim Symbols::named(const std::string& name) const {
  const auto found = fixed_.find(name);
  return found == fixed_.end() ? Dim::symbol(name) : Dim(found->second);
}

void Symbols::add_plain(const std::string& text) {
  if (identifier(text) != text || !plain_.insert(text).second) return;
  names_.emplace(text, text);
  use(text);
}

Dim Symbols::declared(const std::string& text) {
  const auto fixed = fixed_.find(text);
  if (fixed != fixed_.end()) return fixed->second;
  if (!names_.contains(text) && identifier(text) != text && text.size() <= longest_expression) {
    if (const std::optional<Dim> expression = parse_dim(text)) {
      bool bound = true;
      std::map<std::string, Dim> values;
      expression->visit_symbols([&](const std::string& name) {
        bound &= plain_.contains(name);
        values.insert_or_assign(name, named(name));
      });
      if (bound) return expression->substitute(values);
    }
  }
  auto [entry, added] = names_.try_emplace(text);
  if (added) entry->second = unused_name(identifier(text));
  return named(entry->second);
}

Dim Symbols::fresh(const std::string& hint) { return named(unused_name(hint)); }

Type type_of(const proto::TypeProto& type, const std::string& value, Symbols& symbols) {
  return type_at_depth(type, value, symbols, 0);
}

bool agrees(const proto::TypeProto& declared, const Type& type) {
  if (declared.has_sequence_type()) {
    return type.kind == Type::Kind::sequence &&
           agrees(declared.sequence_type().elem_type(), *type.element);
  }
  if (declared.has_optional_type()) {
    return type.kind == Type::Kind::optional &&
           agrees(declared.optional_type().elem_type(), *type.element);
  }
  if (declared.has_map_type()) return type.kind == Type::Kind::map;
  if (!declared.has_tensor_type()) return true;
  const auto& tensor = declared.tensor_type();
  if (!type.is_tensor()) return false;
  if (tensor.elem_type() != 0 && tensor.elem_type() != static_cast<int>(type.dtype)) return false;
  if (!tensor.has_shape() || !type.ranked) return true;
  if (tensor.shape().dim_size() != type.rank()) return false;
  for (int k = 0; k < tensor.shape().dim_size(); ++k) {
    const auto& dim = tensor.shape().dim(k);
    const std::optional<int64_t> size = type.shape[k].as_number();
    if (dim.has_dim_value() && dim.dim_value() >= 0 && size && *size != dim.dim_value()) {
      return false;
    }
  }
  return true;
}

std::string declared_name(const proto::TypeProto& declared, size_t k) {
  const auto& shape = declared.tensor_type().shape();
  if (k >= static_cast<size_t>(shape.dim_size())) return {};
  return shape.dim(static_cast<int>(k)).dim_param();
}

bool compatible(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype) return false;
  if (!a.is_tensor()) return !a.element || !b.element || compatible(*a.element, *b.element);
  if (!a.ranked || !b.ranked) return true;
  return std::equal(
      a.shape.begin(), a.shape.end(), b.shape.begin(), b.shape.end(),
      [](const Dim& x, const Dim& y) { return !x.is_number() || !y.is_number() || x == y; });
}

}  // namespace dlc::onnx
