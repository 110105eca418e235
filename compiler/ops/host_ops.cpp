// Rows of ops whose result has a size that only running them tells, and of sorting. They run as C++
// functions: runtime/host/selection.h, runtime/host/detection.h.
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "runtime/host/detection.h"
#include "runtime/host/selection.h"
#include "runtime/host/slice.h"

namespace dlc {
namespace {

Dims with_size(Dims shape, int64_t axis, const Dim& size) {
  shape[axis] = size;
  return shape;
}

std::vector<Type> infer_top_k(const OpArgs& args) {
  const Dims& x = args.shape("X");
  const int64_t axis = args.axis("axis", args.rank("X"));
  const std::optional<Dims> known = args.values_if_known("K");
  const Dim k = known && known->size() == 1 ? (*known)[0] : fresh_dim(args, "topk");
  if (k.is_number() && (k.number() < 0 || (x[axis].is_number() && k.number() > x[axis].number())))
    fail("K is {}, but axis {} has {} elements", k.number(), axis, x[axis].to_string());
  const Dims shape = with_size(x, axis, k);
  return {Type::tensor(args.dtype("X"), shape), Type::tensor(DType::i64, shape)};
}

std::vector<Type> infer_non_zero(const OpArgs& args) {
  return {Type::tensor(DType::i64, {args.rank("X"), fresh_dim(args, "nonzero")})};
}

std::vector<Type> infer_compress(const OpArgs& args) {
  const Dim count = fresh_dim(args, "compressed");
  const Type& input = args.type("input");
  if (!args.has_attr("axis")) return {Type::tensor(input.dtype, {count})};
  const int64_t axis = args.axis("axis", args.rank("input"));
  return {Type::tensor(input.dtype, with_size(args.shape("input"), axis, count))};
}

/// Sizes of sliced axes are known once it has run.
std::vector<Type> infer_dynamic_slice(const OpArgs& args) {
  Dims shape = args.shape("data");
  const auto sliced = [&](int64_t axis) {
    shape.at(axis) = fresh_dim(args, fmt::format("slice{}", axis));
  };
  if (args.has("axes")) {
    for (int64_t axis : args.ints("axes")) sliced(OpArgs::normalize_axis(axis, args.rank("data")));
  } else {
    const Dims& starts = args.shape("starts");
    if (starts.size() != 1 || !starts[0].is_number() || starts[0].number() > args.rank("data"))
      fail("the number of sliced axes must be known");
    for (int64_t axis = 0; axis < starts[0].number(); ++axis) sliced(axis);
  }
  return {Type::tensor(args.dtype("data"), std::move(shape))};
}

std::vector<Type> infer_unique(const OpArgs& args) {
  const Dim count = fresh_dim(args, "unique");
  const Dims& x = args.shape("X");
  const bool flat = !args.has_attr("axis");
  const int64_t axis = flat ? 0 : args.axis("axis", args.rank("X"));
  const Type numbers = Type::tensor(DType::i64, {count});
  return {Type::tensor(args.dtype("X"), flat ? Dims{count} : with_size(x, axis, count)), numbers,
          Type::tensor(DType::i64, {flat ? product(x) : x[axis]}), numbers};
}

std::vector<Type> infer_non_max_suppression(const OpArgs& args) {
  args.expect_rank("boxes", 3);
  args.expect_rank("scores", 3);
  common_dim(args, 4, args.shape("boxes")[2], "numbers of a box");
  common_dim(args, args.shape("boxes")[1], args.shape("scores")[2], "scores of a class");
  common_dim(args, args.shape("boxes")[0], args.shape("scores")[0], "batches of scores");
  return {Type::tensor(DType::i64, {fresh_dim(args, "selected"), 3})};
}

}  // namespace

const std::vector<OpDef>& host_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "TopK",
       .doc = "The K largest (or smallest) elements along `axis`, best first, and where they are. "
              "Equal ones by position; NaN counts as the largest.",
       .source = "ONNX TopK-24",
       .inputs = {{"X", types::numbers}, {"K", types::indices}},
       .outputs = {"Values", "Indices"},
       .attrs = {{"axis", int64_t{-1}}, {"largest", int64_t{1}}, {"sorted", int64_t{1}}},
       .host = host::top_k,
       .infer = infer_top_k,
       .samples = {"X: f32[2,5], K=[3]", "X: i32[4,3], K=[2], axis=0, largest=0",
                   "X: f16[3,n], K=[0]", "X: u64[6], K: i64[1]{6}, sorted=0"}},
      {.name = "NonZero",
       .doc = "The indices of the elements that are not zero, one column each, in row-major order.",
       .source = "ONNX NonZero-13",
       .inputs = {{"X"}},
       .host = host::non_zero,
       .infer = infer_non_zero,
       .samples = {"X: f32[3,4]", "X: bool[n]", "X: i64[0,2]", "X: i8[]"}},
      {.name = "Compress",
       .doc = "The elements, or slices along `axis`, where condition is true.",
       .source = "ONNX Compress-11",
       .inputs = {{"input"}, {"condition", types::boolean}},
       .attrs = {{"axis"}},
       .host = host::compress,
       .infer = infer_compress,
       .samples = {"input: f32[3,2], condition: bool[2], axis=0",
                   "input: i64[2,n], condition: bool[2]", "input: f32[0], condition: bool[0]"}},
      {.name = "Unique",
       .doc = "The distinct elements, or slices along `axis`, ascending or in the order of their "
              "first appearance; where each first appears, which one each element is, how often "
              "each occurs.",
       .source = "ONNX Unique-11",
       .inputs = {{"X"}},
       .outputs = {"Y", "indices", "inverse_indices", "counts"},
       .attrs = {{"axis"}, {"sorted", int64_t{1}}},
       .host = host::unique,
       .infer = infer_unique,
       .samples = {"X: f32[7]", "X: i32[4,2], axis=0, sorted=0", "X: u8[2,3], axis=-1",
                   "X: f32[0]"}},
      {.name = "dlc.DynamicSlice",
       .doc = "Slice with positions that are known only while the model runs.",
       .source = "ONNX Slice-13",
       .inputs = {{"data"},
                  {"starts", types::indices},
                  {"ends", types::indices},
                  {"axes", types::indices, Presence::optional, true},
                  {"steps", types::indices, Presence::optional}},
       .host = host::dynamic_slice,
       .infer = infer_dynamic_slice,
       .samples = {"data: f32[5,6], starts: i64[2]{1, -3}, ends: i64[2]{4, 100}",
                   "data: str[n], starts: i64[1]{-1}, ends: i64[1]{-100}, axes=[0], steps: "
                   "i64[1]{-2}",
                   "data: i4[3,3], starts: i32[1], ends: i32[1], axes=[-1]",
                   "data: f32[0], starts: i64[1], ends: i64[1]"}},
      {.name = "NonMaxSuppression",
       .doc = "Per batch and class, boxes by falling score that overlap no better one by more than "
              "iou_threshold: rows of batch, class, box.",
       .source = "ONNX NonMaxSuppression-11",
       .inputs = {{"boxes", one(DType::f32)},
                  {"scores", one(DType::f32)},
                  {"max_output_boxes_per_class", types::indices, Presence::optional},
                  {"iou_threshold", one(DType::f32), Presence::optional},
                  {"score_threshold", one(DType::f32), Presence::optional}},
       .outputs = {"selected_indices"},
       .attrs = {{"center_point_box", int64_t{0}}},
       .host = host::non_max_suppression,
       .infer = infer_non_max_suppression,
       .samples = {"boxes: f32[1,6,4], scores: f32[1,2,6], max_output_boxes_per_class=[3]",
                   "boxes: f32[2,n,4], scores: f32[2,1,n], max_output_boxes_per_class=[2], "
                   "iou_threshold: f32[1]{0.5}, score_threshold: f32[1]{0.1}, center_point_box=1",
                   "boxes: f32[1,0,4], scores: f32[1,1,0]"}},
  };
  return rows;
}

}  // namespace dlc
