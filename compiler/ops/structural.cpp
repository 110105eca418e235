// Rows of what graphs themselves are made of: constants and sizes.
#include "compiler/ops/registry.h"

namespace dlc {
namespace {

std::vector<Type> infer_constant(const OpArgs& args) {
  const Attr* value = args.attr("value");
  const Tensor* tensor = value ? std::get_if<Tensor>(value) : nullptr;
  if (!tensor) fail("a Constant needs a tensor in its attribute `value`");
  return {Type::of(*tensor)};
}

Dims parse_sizes(const OpArgs& args) {
  Dims dims;
  for (const std::string& text : args.strings("dims")) {
    const std::optional<Dim> dim = parse_dim(text);
    if (!dim) fail("`{}` in attribute `dims` is not a size", text);
    dims.push_back(*dim);
  }
  return dims;
}

Computed compute_sizes(const ComputeArgs& args) {
  const Dims dims = parse_sizes(args);
  return tensor({static_cast<int64_t>(dims.size())}, [&](const Indices& i) {
    Expr value = index(0);
    for (size_t k = dims.size(); k-- > 0;) {
      value = select(equal(i[0], static_cast<double>(k)), dim(dims[k]), value);
    }
    return value;
  });
}

}  // namespace

const std::vector<OpDef>& structural_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Constant",
       .doc = "A tensor that is part of the model.",
       .source = "ONNX Constant-25, attribute value",
       .attrs = {{"value", required_attr}},
       .infer = infer_constant,
       .samples = {"value=f32[2]{1, -2}"}},
      {.name = "dlc.Sizes",
       .doc = "Sizes as an i64 vector: what arithmetic on shapes comes down to.",
       .source = "dlc",
       .attrs = {{"dims", required_attr}},
       .compute = compute_sizes,
       .samples = {"dims=[\"3\", \"4\"]"}},
  };
  return rows;
}

}  // namespace dlc
