// Rows of ops that move elements: joins, parts, borders, blocks.
// Next: compiler/ops/slice.h (the arithmetic of Slice), index.cpp (Gather and Scatter).
#include <algorithm>

#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/slice.h"

namespace dlc {
namespace {

/// The element of the part in [first, last) of which `i` is before the end. Few parts are tried one
/// after another, many by halves, so that expressions stay flat.
Expr choose(const Expr& i, const Dims& ends, size_t first, size_t last,
            const std::function<Expr(size_t)>& element) {
  if (last - first == 1) return element(first);
  const size_t middle = last - first <= 8 ? first + 1 : first + (last - first) / 2;
  return select(i < dim(ends[middle - 1]), choose(i, ends, first, middle, element),
                choose(i, ends, middle, last, element));
}

Computed compute_concat(const ComputeArgs& args) {
  const int64_t axis = args.axis("axis", args.rank("inputs"));
  Dims shape = args.shape("inputs");
  Dims ends = {shape[axis]};
  for (size_t k = 1; k < args.input_count(); ++k) {
    const Dims& other = args.shape(k);
    if (other.size() != shape.size()) fail("input {} has another rank than the first", k);
    if (args.type(k).dtype != args.type(0).dtype)
      fail("input {} is {}, but the first is {}", k, name(args.type(k).dtype),
           name(args.type(0).dtype));
    for (size_t d = 0; d < shape.size(); ++d) {
      if (static_cast<int64_t>(d) != axis)
        shape[d] = common_dim(args, shape[d], other[d],
                              fmt::format("size of input {} along axis {}", k, d));
    }
    ends.push_back(ends.back() + other[axis]);
  }
  shape[axis] = ends.back();
  return tensor(shape, [&](const Indices& i) {
    const auto element = [&](size_t k) {
      const Expr at = k == 0 ? i[axis] : i[axis] - dim(ends[k - 1]);
      return args.operand(k).raw(with_index(i, axis, at));
    };
    return choose(i[axis], ends, 0, ends.size(), element);
  });
}

/// Sizes of the parts of an axis of `whole` elements.
Dims part_sizes(const OpArgs& args, const Dim& whole) {
  if (args.has("split")) {
    const Dims sizes = args.values("split");
    Dim total = 0;
    for (const Dim& size : sizes) {
      if (size.is_number() && size.number() < 0) fail("a part has {} elements", size.number());
      args.require(SizeRule::at_most, 0, size, "size of a part");
      total = total + size;
    }
    args.require(SizeRule::equal, total, whole, "elements of the parts together");
    return sizes;
  }
  const int64_t parts = args.has_attr("num_outputs") ? args.integer("num_outputs")
                                                     : static_cast<int64_t>(args.output_count());
  if (parts < 1) fail("num_outputs must be at least 1");
  const Dim part = ceil_div(whole, parts);
  Dims sizes(parts, part);
  // An axis that does not divide evenly leaves less for the last parts.
  for (int64_t k = 0; k < parts && !(part * parts == whole); ++k)
    sizes[k] = at_least(at_most(part, whole - part * k), 0);
  return sizes;
}

Computed compute_split(const ComputeArgs& args) {
  const Dims& data = args.shape("input");
  const int64_t axis = args.axis("axis", args.rank("input"));
  const Dims sizes = part_sizes(args, data[axis]);
  Dim begin = 0;
  std::vector<TensorExpr> parts;
  for (const Dim& size : sizes) {
    parts.push_back(tensor(with_dim(data, axis, size), [&](const Indices& i) {
      return args["input"].raw(with_index(i, axis, i[axis] + dim(begin)));
    }));
    begin = begin + size;
  }
  return parts;
}

Computed compute_slice(const ComputeArgs& args) {
  const Dims& data = args.shape("data");
  const std::vector<SliceRange> ranges = slice_ranges(args);
  Dims shape;
  for (const SliceRange& range : ranges) shape.push_back(range.count);
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    for (size_t k = 0; k < data.size(); ++k)
      at.push_back(dim(ranges[k].start) + i[k] * index(ranges[k].step));
    return args["data"].raw(at);
  });
}

Computed compute_tile(const ComputeArgs& args) {
  const Dims& data = args.shape("input");
  const Dims repeats = args.values("repeats");
  if (repeats.size() != data.size())
    fail("repeats has {} entries, input {} axes", repeats.size(), data.size());
  Dims shape;
  for (size_t k = 0; k < data.size(); ++k) shape.push_back(data[k] * repeats[k]);
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    for (size_t k = 0; k < data.size(); ++k)
      at.push_back(repeats[k] == Dim(1) ? i[k] : floor_mod(i[k], dim(data[k])));
    return args["input"].raw(at);
  });
}

/// Border of one axis. Negative pads crop before anything is added.
struct Border {
  Dim crop, kept, before, after;
};

std::vector<Border> borders(const OpArgs& args) {
  const Dims& data = args.shape("data");
  const Dims pads = args.values("pads");
  Ints axes = args.ints("axes");
  if (axes.empty() && pads.size() == 2 * data.size()) {
    for (int64_t k = 0; k < args.rank("data"); ++k) axes.push_back(k);
  }
  if (pads.size() != 2 * axes.size())
    fail("pads has {} entries for {} axes", pads.size(), axes.size());
  std::vector<Border> result;
  for (const Dim& size : data) result.push_back({0, size, 0, 0});
  for (size_t k = 0; k < axes.size(); ++k) {
    const Dim &begin = pads[k], &end = pads[k + axes.size()];
    const int64_t axis = OpArgs::normalize_axis(axes[k], args.rank("data"));
    const Dim crop = at_least(0 - begin, 0);
    const Dim kept = at_least(data[axis] - crop - at_least(0 - end, 0), 0);
    result[axis] = {crop, kept, at_least(begin, 0), at_least(end, 0)};
  }
  return result;
}

/// Position on the kept part that element `i` (negative in the border before it) takes.
Expr border_source(const std::string& mode, const Expr& i, const Dim& kept) {
  if (mode == "edge") return clamp(i, index(0), dim(kept - 1));
  if (mode == "wrap") return floor_mod(i, dim(kept));
  // Reflections repeat with this period: 0 1 2 3 2 1 | 0 1 2 ...
  const Dim period = 2 * (kept - 1);
  const Expr position = floor_mod(i, dim(period));
  return minimum(position, dim(period) - position);
}

Computed compute_pad(const ComputeArgs& args) {
  const std::string mode = args.text("mode");
  const bool constant = mode == "constant";
  if (!constant && mode != "reflect" && mode != "edge" && mode != "wrap")
    fail("mode {} is not known", mode);
  const std::vector<Border> all = borders(args);
  Dims shape;
  for (const Border& border : all) {
    shape.push_back(border.before + border.kept + border.after);
    if (!constant)
      args.require(SizeRule::at_most, minimum(border.before + border.after, 1), border.kept,
                   fmt::format("elements needed along axis {} in mode {}", shape.size() - 1, mode));
  }
  const Operand data = args["data"];
  const bool given = constant && args.has("constant_value");
  if (given) expect_scalar(args, "constant_value", data.dtype());
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    Expr inside = constant_integer(DType::boolean, 1);
    for (size_t k = 0; k < all.size(); ++k) {
      const Border& border = all[k];
      Expr position = i[k] - dim(border.before);
      const bool grows = !(border.before == Dim(0) && border.after == Dim(0));
      if (grows && constant) inside = inside && within(position, border.kept);
      if (grows && !constant) {
        position = border_source(mode, position, border.kept);
        if (border.kept.lower_bound().value_or(0) < 1)
          inside = inside && dim(border.kept) > index(0);
      }
      at.push_back(position + dim(border.crop));
    }
    const Expr value = given ? args["constant_value"].raw_flat(index(0)) : zero_of(data.dtype());
    return select(inside, data.raw(at), value);
  });
}

Computed compute_center_crop_pad(const ComputeArgs& args) {
  const Dims& data = args.shape("input_data");
  const Dims wanted = args.values("shape");
  Ints axes = args.ints("axes");
  for (int64_t k = 0; axes.size() < wanted.size() && !args.has_attr("axes"); ++k) axes.push_back(k);
  if (axes.size() != wanted.size())
    fail("shape has {} entries for {} axes", wanted.size(), axes.size());
  Dims shape = data, shift(data.size(), Dim(0));
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t axis = OpArgs::normalize_axis(axes[k], args.rank("input_data"));
    shape[axis] = wanted[k];
    // What is cut off or added is shared evenly, the odd element at the end.
    shift[axis] = floor_div(at_least(data[axis] - wanted[k], 0), 2) -
                  floor_div(at_least(wanted[k] - data[axis], 0), 2);
  }
  const Operand input = args["input_data"];
  return tensor(shape, [&](const Indices& i) {
    Indices at;
    Expr inside = constant_integer(DType::boolean, 1);
    for (size_t k = 0; k < data.size(); ++k) {
      at.push_back(i[k] + dim(shift[k]));
      if (!(data[k] - shape[k]).is_non_negative()) inside = inside && within(at[k], data[k]);
    }
    return select(inside, input.raw(at), zero_of(input.dtype()));
  });
}

int64_t block_size(const OpArgs& args) {
  args.expect_rank("input", 4);
  const int64_t block = args.integer("blocksize");
  if (block < 1) fail("blocksize must be at least 1");
  return block;
}

Computed compute_depth_to_space(const ComputeArgs& args) {
  const Dims& data = args.shape("input");
  const int64_t block = block_size(args);
  const bool depth_first = args.text("mode") == "DCR";
  if (data[1].is_number() && data[1].number() % (block * block) != 0)
    fail("{} channels cannot be divided into blocks of {}x{}", data[1].number(), block, block);
  args.require(SizeRule::equal, modulo(data[1], block * block), 0, "channels beyond whole blocks");
  const Dim channels = floor_div(data[1], block * block);
  const Expr b = index(block);
  return tensor({data[0], channels, data[2] * block, data[3] * block}, [&](const Indices& i) {
    const Expr inner = floor_mod(i[2], b) * b + floor_mod(i[3], b);
    const Expr channel = depth_first ? inner * dim(channels) + i[1] : i[1] * (b * b) + inner;
    return args["input"].raw({i[0], channel, floor_div(i[2], b), floor_div(i[3], b)});
  });
}

Computed compute_space_to_depth(const ComputeArgs& args) {
  const Dims& data = args.shape("input");
  const int64_t block = block_size(args);
  const Expr b = index(block);
  const Dims shape = {data[0], data[1] * (block * block), floor_div(data[2], block),
                      floor_div(data[3], block)};
  const bool depth_first = args.text("mode") == "DCR";
  return tensor(shape, [&](const Indices& i) {
    const Expr channels = depth_first ? dim(data[1]) : b * b;
    const Expr outer = floor_div(i[1], channels), rest = floor_mod(i[1], channels);
    const Expr &inner = depth_first ? outer : rest, &channel = depth_first ? rest : outer;
    return args["input"].raw(
        {i[0], channel, i[2] * b + floor_div(inner, b), i[3] * b + floor_mod(inner, b)});
  });
}

Computed compute_reverse_sequence(const ComputeArgs& args) {
  const int64_t rank = args.rank("input");
  const int64_t batch = args.axis("batch_axis", rank), time = args.axis("time_axis", rank);
  if (batch == time) fail("batch_axis and time_axis are both {}", batch);
  const Dims& shape = args.shape("input");
  args.expect_shape("sequence_lens", {shape[batch]});
  return tensor(shape, [&](const Indices& i) {
    const Expr given = cast(DType::i64, args["sequence_lens"].raw({i[batch]}));
    const Expr length = clamp(given, index(0), dim(shape[time]));
    const Expr at = select(i[time] < length, length - 1 - i[time], i[time]);
    return args["input"].raw(with_index(i, time, at));
  });
}

Computed compute_trilu(const ComputeArgs& args) {
  const int64_t rank = args.rank("input");
  if (rank < 2) fail("input must have at least 2 axes, not {}", rank);
  const Operand data = args["input"];
  if (args.has("k")) expect_scalar(args, "k", args.dtype("k"));
  return tensor(args.shape("input"), [&](const Indices& i) {
    const Expr k = args.has("k") ? args["k"].raw_flat(index(0)) : index(0);
    const Expr diagonal = i[rank - 2] + k;
    const Expr kept = args.integer("upper") ? i[rank - 1] >= diagonal : i[rank - 1] <= diagonal;
    return select(kept, data.raw(i), zero_of(data.dtype()));
  });
}

}  // namespace

const std::vector<OpDef>& movement_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Concat",
       .doc = "The inputs one after another along `axis`.",
       .source = "ONNX Concat-13",
       .inputs = {{"inputs", moved, Presence::variadic}},
       .outputs = {"concat_result"},
       .attrs = {{"axis", required_attr}},
       .compute = compute_concat,
       .final_type = true,
       .samples = {"inputs: i4[3], i4[4], axis=0", "inputs: str[2], str[1], axis=0",
                   "inputs: f32[2,3], f32[4,3], f32[1,3], axis=0",
                   "inputs: f16[n,2], f16[n,3], axis=-1", "inputs: f32[0], f32[2], axis=0",
                   "inputs: i64[1], axis=0"}},
      {.name = "Split",
       .doc =
           "Parts of input along `axis`: of the sizes in `split`, or equal ones, the last smaller.",
       .source = "ONNX Split-18",
       .inputs = {{"input", moved}, {"split", types::indices, Presence::optional, true}},
       .outputs = {"outputs"},
       .attrs = {{"axis", int64_t{0}}, {"num_outputs"}},
       .compute = compute_split,
       .final_type = true,
       .samples = {"input: f32[7], num_outputs=3", "input: f16[n,4], split=[1,3], axis=-1",
                   "input: f32[0,3], num_outputs=1", "input: i64[1], num_outputs=1"}},
      {.name = "Slice",
       .doc = "Elements start, start + step, ... up to before end along each of `axes`. Negative "
              "positions count from the end; what is outside is clamped.",
       .source = "ONNX Slice-13",
       .inputs = {{"data", moved},
                  {"starts", types::indices, Presence::required, true},
                  {"ends", types::indices, Presence::required, true},
                  {"axes", types::indices, Presence::optional, true},
                  {"steps", types::indices, Presence::optional, true}},
       .compute = compute_slice,
       .final_type = true,
       .on_unknown = "dlc.DynamicSlice",
       .samples = {"data: f32[5,6], starts=[1,-3], ends=[4,100]",
                   "data: f16[n,4], starts=[-1], ends=[-100], axes=[0], steps=[-1]",
                   "data: f32[2], starts=[-3], ends=[-100], axes=[0], steps=[-1]",
                   "data: f32[0,3], starts=[0], ends=[2]", "data: i64[1], starts=[0], ends=[1]"}},
      {.name = "Tile",
       .doc = "input repeated repeats[k] times along axis k.",
       .source = "ONNX Tile-13",
       .inputs = {{"input", moved}, {"repeats", types::indices, Presence::required, true}},
       .compute = compute_tile,
       .final_type = true,
       .samples = {"input: f32[2,3], repeats=[2,2]", "input: bf16[n,2], repeats=[1,3]",
                   "input: f32[0], repeats=[4]", "input: i32[1], repeats=[1]"}},
      {.name = "Pad",
       .doc = "data with pads[k] elements before and pads[k + n] after axis k: a constant, the "
              "edge, a "
              "reflection without the edge, or the other side (wrap). Negative pads crop.",
       .source = "ONNX Pad-25",
       .inputs = {{"data", moved},
                  {"pads", types::indices, Presence::required, true},
                  {"constant_value", moved, Presence::optional},
                  {"axes", types::indices, Presence::optional, true}},
       .attrs = {{"mode", "constant"}},
       .compute = compute_pad,
       .final_type = true,
       .samples = {"data: f32[2,3], pads=[1,0,0,2]", "data: f16[4], pads=[3,2], mode=\"reflect\"",
                   "data: f32[n,3], pads=[-1,2], axes=[-1], mode=\"edge\"",
                   "data: f32[0], pads=[1,1]", "data: i64[1], pads=[2,2], mode=\"wrap\""}},
      {.name = "CenterCropPad",
       .doc = "The middle of input in the sizes `shape` of `axes`: cut off or padded with zeros on "
              "both "
              "sides, the odd element at the end.",
       .source = "ONNX CenterCropPad-18",
       .inputs = {{"input_data", moved}, {"shape", types::indices, Presence::required, true}},
       .outputs = {"output_data"},
       .attrs = {{"axes"}},
       .compute = compute_center_crop_pad,
       .final_type = true,
       .samples = {"input_data: f32[5,4], shape=[2,7]",
                   "input_data: f16[n,4], shape=[1], axes=[-1]", "input_data: f32[0], shape=[2]",
                   "input_data: f32[1], shape=[1]"}},
      {.name = "DepthToSpace",
       .doc = "Moves channels into blocks of blocksize x blocksize pixels. DCR: the block's "
              "position is "
              "the outer part of the channel, CRD: the inner part.",
       .source = "ONNX DepthToSpace-13",
       .inputs = {{"input", moved}},
       .attrs = {{"blocksize", required_attr}, {"mode", "DCR"}},
       .compute = compute_depth_to_space,
       .final_type = true,
       .samples = {"input: f32[1,8,2,3], blocksize=2",
                   "input: f16[n,9,1,1], blocksize=3, mode=\"CRD\"",
                   "input: f32[0,4,1,1], blocksize=2", "input: f32[1,1,1,1], blocksize=1"}},
      {.name = "SpaceToDepth",
       .doc =
           "Moves blocks of blocksize x blocksize pixels into channels. DCR: the position in the "
           "block is the outer part of the channel, CRD: the inner part.",
       .source = "ONNX SpaceToDepth-28",
       .inputs = {{"input", moved}},
       .attrs = {{"blocksize", required_attr}, {"mode", "DCR"}},
       .compute = compute_space_to_depth,
       .final_type = true,
       .samples = {"input: f32[1,2,4,6], blocksize=2",
                   "input: f16[n,2,3,3], blocksize=3, mode=\"CRD\"",
                   "input: f32[0,1,2,2], blocksize=2", "input: f32[1,1,1,1], blocksize=1"}},
      {.name = "ReverseSequence",
       .doc = "The first sequence_lens[b] elements along `time_axis` of batch b in reverse order.",
       .source = "ONNX ReverseSequence-10",
       .inputs = {{"input", moved}, {"sequence_lens", types::indices}},
       .outputs = {"Y"},
       .attrs = {{"batch_axis", int64_t{1}}, {"time_axis", int64_t{0}}},
       .compute = compute_reverse_sequence,
       .final_type = true,
       .samples = {"input: f32[4,2], sequence_lens=[3,1]",
                   "input: f16[1,4,m], sequence_lens=[2], batch_axis=0, time_axis=1",
                   "input: f32[0,1], sequence_lens=[0]", "input: f32[1,1], sequence_lens=[1]"}},
      {.name = "Trilu",
       .doc = "The triangle of each matrix above (or below) diagonal k; zeros elsewhere.",
       .source = "ONNX Trilu-14",
       .inputs = {{"input", moved & ~types::strings}, {"k", types::indices, Presence::optional}},
       .attrs = {{"upper", int64_t{1}}},
       .compute = compute_trilu,
       .final_type = true,
       .samples = {"input: f32[2,3,4]", "input: bf16[n,3], upper=0", "input: f32[0,3]",
                   "input: bool[1,1]", "input: c128[2,3]"}},
  };
  return rows;
}

}  // namespace dlc
