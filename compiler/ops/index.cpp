// Rows of ops that read or write at positions which another tensor gives.
// Next: runtime/host/scatter.h (the scatters).
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/scatter.h"

namespace dlc {
namespace {

/// An index that is the same number for every element, as Gather(x, -1) has it. Nothing is left to
/// be checked at run time then, but that the axis is long enough.
std::optional<Dim> only_index(const OpArgs& args) {
  const std::optional<Dims> known = args.values_if_known("indices");
  if (!known || known->size() != 1) return {};
  return (*known)[0];
}

/// The position of a known index, and the condition under which it is inside the axis.
std::pair<Expr, Expr> known_position(const OpArgs& args, const Dim& at, const Dim& size) {
  if (at.is_number() && size.is_number() &&
      (at.number() >= size.number() || at.number() < -size.number()))
    fail("index {} is outside an axis of {} elements", at.number(), size.number());
  if (at.is_number())
    args.require(SizeRule::at_most, at.number() < 0 ? 0 - at : at + 1, size,
                 fmt::format("elements needed for index {}", at.number()));
  const bool from_end = at.is_number() ? at.number() < 0 : !is_position(at);
  const Dim position = from_end ? at + size : at;
  const bool proven = position.is_non_negative() && (size - position - 1).is_non_negative();
  const Expr inside = proven ? constant_integer(DType::boolean, 1) : within(dim(position), size);
  return {dim(position), inside};
}

Computed compute_gather(const ComputeArgs& args) {
  const Dims &data = args.shape("data"), &indices = args.shape("indices");
  const int64_t axis = args.axis("axis", args.rank("data"));
  Dims shape(data.begin(), data.begin() + axis);
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), data.begin() + axis + 1, data.end());
  const std::optional<Dim> only = only_index(args);
  return tensor(shape, [&](const Indices& i) {
    const auto middle = i.begin() + axis, rest = middle + args.rank("indices");
    Indices at(i.begin(), middle);
    at.emplace_back();
    at.insert(at.end(), rest, i.end());
    const Operand source = args["data"];
    if (only) {
      const auto [position, inside] = known_position(args, *only, data[axis]);
      at[axis] = position;
      return select(inside, source.raw(at), zero_of(source.dtype()));
    }
    at[axis] = safe_index(args["indices"].raw(Indices(middle, rest)), data[axis]);
    return if_not_empty(data[axis], source.raw(at));
  });
}

Computed compute_gather_elements(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  const int64_t axis = args.axis("axis", args.rank("data"));
  args.expect_rank("indices", args.rank("data"));
  for (int64_t k = 0; k < args.rank("data"); ++k) {
    if (k == axis) continue;
    args.require(SizeRule::at_most, args.shape("indices")[k], data[k],
                 fmt::format("size of indices along axis {}", k));
  }
  return tensor(args.shape("indices"), [&](const Indices& i) {
    const Expr at = safe_index(args["indices"].raw(i), data[axis]);
    return if_not_empty(data[axis], args["data"].raw(with_index(i, axis, at)));
  });
}

Computed compute_gather_nd(const ComputeArgs& args) {
  const Dims &data = args.shape("data"), &indices = args.shape("indices");
  const int64_t batch = args.integer("batch_dims");
  if (indices.empty() || !indices.back().is_number())
    fail("the last axis of indices must have a known size");
  const int64_t depth = indices.back().number(), rank = args.rank("data");
  if (batch < 0 || batch + depth > rank || batch >= args.rank("indices"))
    fail("indices of {} entries after {} batch axes do not fit data of rank {}", depth, batch,
         rank);
  for (int64_t k = 0; k < batch; ++k)
    args.require(SizeRule::equal, indices[k], data[k],
                 fmt::format("size of indices along axis {}", k));
  Dims shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + batch + depth, data.end());
  return tensor(shape, [&](const Indices& i) {
    const auto rest = i.begin() + (args.rank("indices") - 1);
    Indices tuple(i.begin(), rest);
    tuple.emplace_back();
    Indices at(i.begin(), i.begin() + batch);
    Dim smallest = 1;
    for (int64_t k = 0; k < depth; ++k) {
      tuple.back() = index(k);
      at.push_back(safe_index(args["indices"].raw(tuple), data[batch + k]));
      smallest = minimum(smallest, data[batch + k]);
    }
    at.insert(at.end(), rest, i.end());
    return if_not_empty(smallest, args["data"].raw(at));
  });
}

std::vector<Type> infer_scatter(const OpArgs& args) {
  if (args.dtype("data") != args.dtype("updates")) fail("data and updates differ in element type");
  return {args.type("data")};
}

std::vector<Type> infer_scatter_elements(const OpArgs& args) {
  args.axis("axis", args.rank("data"));
  args.expect_rank("indices", args.rank("data"));
  args.expect_rank("updates", args.rank("data"));
  return infer_scatter(args);
}

Computed compute_tensor_scatter(const ComputeArgs& args) {
  const Dims& cache = args.shape("past_cache");
  const int64_t axis = args.axis("axis", args.rank("past_cache"));
  if (axis == 0) fail("axis 0 is the batch; the cache is written along another one");
  if (args.dtype("update") != args.dtype("past_cache"))
    fail("past_cache and update differ in element type");
  args.expect_rank("update", args.rank("past_cache"));
  const Dim written = args.shape("update")[axis];
  args.expect_shape("update", with_dim(cache, axis, written));
  args.require(SizeRule::at_most, written, cache[axis],
               fmt::format("size of update along axis {}", axis));
  if (args.has("write_indices")) args.expect_shape("write_indices", {cache[0]});
  const bool circular = args.text("mode") == "circular";
  return tensor(cache, [&](const Indices& i) {
    const Expr begin =
        args.has("write_indices") ? cast(DType::i64, args["write_indices"].raw({i[0]})) : index(0);
    const Expr distance = i[axis] - begin;
    const Expr at = circular ? floor_mod(distance, dim(cache[axis])) : distance;
    return select(within(at, written), args["update"].raw(with_index(i, axis, at)),
                  args["past_cache"].raw(i));
  });
}

int64_t whole_number(const Tensor& scalar) {
  if (scalar.size() != 1) fail("depth must have one element");
  return scalar.to_ints()[0];
}

Computed compute_one_hot(const ComputeArgs& args) {
  const bool real = is_float(args.dtype("depth"));
  const Dims depths =
      real ? Dims(1, whole_number(args.constant_or_fail("depth"))) : args.values("depth");
  if (depths.size() != 1) fail("depth must have one element");
  args.require(SizeRule::at_most, 0, depths[0], "0 beside the depth");
  args.expect_shape("values", {2});
  const int64_t axis = args.axis("axis", args.rank("indices") + 1);
  Dims shape = args.shape("indices");
  shape.insert(shape.begin() + axis, depths[0]);
  return tensor(shape, [&](const Indices& i) {
    Indices at = i;
    at.erase(at.begin() + axis);
    const Expr hot = cast(DType::i64, args["indices"](at));
    const Expr position = select(hot < index(0), hot + dim(depths[0]), hot);
    const Operand values = args["values"];
    return select(equal(i[axis], position), values.raw({index(1)}), values.raw({index(0)}));
  });
}

}  // namespace

const std::vector<OpDef>& index_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Gather",
       .doc = "Slices of data along `axis`, one for each element of indices, whose axes take the "
              "place "
              "of that axis. Negative indices count from the end.",
       .source = "ONNX Gather-13",
       .inputs = {{"data", moved}, {"indices", types::indices}},
       .attrs = {{"axis", int64_t{0}}},
       .compute = compute_gather,
       .final_type = true,
       .samples = {"data: f32[5,3], indices=[4,-5,0]", "data: f16[n,3], indices: i64[2,2], axis=-1",
                   "data: f32[3], indices: i32[0]", "data: i64[1], indices=[0]"}},
      {.name = "GatherElements",
       .doc = "y[i] = data[i with indices[i] at `axis`].",
       .source = "ONNX GatherElements-13",
       .inputs = {{"data", moved}, {"indices", types::indices}},
       .attrs = {{"axis", int64_t{0}}},
       .compute = compute_gather_elements,
       .final_type = true,
       .samples = {"data: f32[3,2], indices: i64[2,2]",
                   "data: bf16[n,4], indices: i32[n,2], axis=-1", "data: f32[3], indices: i64[0]",
                   "data: i8[1], indices: i64[1]"}},
      {.name = "GatherND",
       .doc = "Elements or slices of data at the tuples along the last axis of indices; the first "
              "batch_dims axes are walked together.",
       .source = "ONNX GatherND-13",
       .inputs = {{"data", moved}, {"indices", types::indices}},
       .attrs = {{"batch_dims", int64_t{0}}},
       .compute = compute_gather_nd,
       .final_type = true,
       .samples = {"data: f32[3,4], indices: i64[5,2]",
                   "data: f16[n,3,4], indices: i64[n,1], batch_dims=1",
                   "data: f32[3], indices: i64[0,1]", "data: i32[1], indices: i64[1,1]"}},
      {.name = "ScatterElements",
       .doc = "data with updates[i] written (or added, multiplied, ...: `reduction`) at i with "
              "indices[i] at `axis`. Of updates for one place the last in row-major order wins.",
       .source = "ONNX ScatterElements-18",
       .inputs = {{"data", moved}, {"indices", types::indices}, {"updates", moved}},
       .attrs = {{"axis", int64_t{0}}, {"reduction", "none"}},
       .host = host::scatter_elements,
       .infer = infer_scatter_elements,
       .samples = {"data: f32[3,3], indices: i64[2,3]{1, 0, 2, -1, 2, 1}, updates: f32[2,3]",
                   "data: f16[n,3], indices: i64[2,1]{1, -1}, updates: f16[2,1], axis=-1, "
                   "reduction=\"add\"",
                   "data: f32[3], indices: i64[0], updates: f32[0]",
                   "data: i64[1], indices: i32[1]{0}, updates: i64[1], reduction=\"max\""}},
      {.name = "ScatterND",
       .doc = "data with slices of updates written (or added, ...: `reduction`) at the tuples "
              "along the "
              "last axis of indices, in row-major order.",
       .source = "ONNX ScatterND-18",
       .inputs = {{"data", moved}, {"indices", types::indices}, {"updates", moved}},
       .attrs = {{"reduction", "none"}},
       .host = host::scatter_nd,
       .infer = infer_scatter,
       .samples = {"data: f32[3,3], indices: i64[2,1]{-1, 1}, updates: f32[2,3]",
                   "data: f16[n,3], indices: i64[1,2]{0, 2}, updates: f16[1], reduction=\"mul\"",
                   "data: f32[3], indices: i64[0,1], updates: f32[0]",
                   "data: i64[1], indices: i64[1,1]{-1}, updates: i64[1], reduction=\"min\""}},
      {.name = "TensorScatter",
       .doc = "past_cache with update written along `axis` from write_indices[batch] on; circular: "
              "beyond the end it goes on at the start.",
       .source = "ONNX TensorScatter-24",
       .inputs = {{"past_cache", moved},
                  {"update", moved},
                  {"write_indices", types::indices, Presence::optional}},
       .outputs = {"present_cache"},
       .attrs = {{"axis", int64_t{-2}}, {"mode", "linear"}},
       .compute = compute_tensor_scatter,
       .final_type = true,
       .samples = {"past_cache: f32[2,4,3], update: f32[2,1,3], write_indices: i64[2]",
                   "past_cache: f16[n,4,3], update: f16[n,2,3], mode=\"circular\"",
                   "past_cache: f32[0,4,3], update: f32[0,1,3]",
                   "past_cache: i8[1,1,1], update: i8[1,1,1]"}},
      {.name = "OneHot",
       .doc =
           "values[1] where the position along the new `axis` (of `depth` elements) is the index, "
           "values[0] elsewhere. Negative indices count from the end.",
       .source = "ONNX OneHot-11",
       .inputs = {{"indices", types::numbers},
                  {"depth", types::numbers, Presence::required, true},
                  {"values", moved}},
       .attrs = {{"axis", int64_t{-1}}},
       .compute = compute_one_hot,
       .final_type = true,
       .samples = {"indices: i64[2,3], depth=[4], values: f32[2]",
                   "indices: i32[n], depth=[3], values: f16[2], axis=0",
                   "indices: i64[0], depth=[3], values: f32[2]",
                   "indices: i64[1], depth=[1], values: i64[2]"}},
  };
  return rows;
}

}  // namespace dlc
