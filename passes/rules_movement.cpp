// Movement: copies, reshapes, transposes and slices that are nothing, or are one where two stand.
// Next: passes/simplify.cpp.
#include <algorithm>
#include <numeric>

#include "compiler/ops/infer.h"
#include "passes/rules.h"

namespace dlc {
namespace {

bool same_type(const Match& m) { return m.type("x") == m.type(); }

/// Known to be `wanted` in all elements; an absent value counts as such.
bool is_all(const Match& m, std::string_view name, int64_t wanted) {
  if (!m.has(name)) return true;
  const std::optional<Dims> known = known_values(m.graph(), m.value(name));
  return known && std::all_of(known->begin(), known->end(),
                              [&](const Dim& value) { return value == Dim(wanted); });
}

bool is_view_op(std::string_view op) {
  static constexpr std::string_view ops[] = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"};
  return std::find(std::begin(ops), std::end(ops), op) != std::end(ops);
}

/// x comes from another op that only gives its elements a new shape.
bool views_a_view(const Match& m) {
  const NodeId producer = m.graph().producer(m.value("x"));
  return producer.valid() && is_view_op(m.graph().node(producer).op) && m.type().ranked;
}

/// The sizes of the result are known before it is: they come from the graph's inputs or the source.
bool shape_is_known_before(const Match& m) {
  std::set<std::string> known;
  const auto add_symbols = [&](Value value) {
    for (const Dim& dim : m.graph().type(value).shape) {
      dim.visit_symbols([&](const std::string& name) { known.insert(name); });
    }
  };
  for (const Value input : m.graph().inputs()) add_symbols(input);
  add_symbols(m.value("x"));
  bool all = true;
  for (const Dim& dim : m.type().shape) {
    dim.visit_symbols([&](const std::string& name) { all = all && known.contains(name); });
  }
  return all;
}

/// One Reshape to the final shape. The inner op may have other users: a view costs nothing.
Value view_once(const Match& m) {
  const NodeId inner = m.graph().producer(m.value("x"));
  const Value source = m.graph().node(inner).inputs[0];
  const Dims& shape = m.type().shape;
  const bool has_zero = std::any_of(shape.begin(), shape.end(),
                                    [](const Dim& d) { return d.lower_bound().value_or(0) <= 0; });
  AttrMap attrs;
  if (has_zero) attrs["allowzero"] = int64_t{1};  // a 0 is a size here, not "as it was"
  return m.build()("Reshape", {source, m.build().sizes(shape)}, std::move(attrs));
}

/// Axes in reverse order, if the attribute is not given.
Ints permutation(const Match& m, std::string_view name) {
  Ints axes = m.ints(name);
  if (!axes.empty()) return axes;
  axes.resize(static_cast<size_t>(m.type().rank()));
  std::iota(axes.rbegin(), axes.rend(), 0);
  return axes;
}

Value transpose_once(const Match& m) {
  const Ints outer = permutation(m, "outer"), inner = permutation(m, "inner");
  Ints both;
  for (const int64_t axis : outer) both.push_back(inner[static_cast<size_t>(axis)]);
  return m.build()("Transpose", {m.value("x")}, {{"perm", std::move(both)}});
}

bool keeps_order(const Match& m) {
  const Ints axes = permutation(m, "perm");
  return std::is_sorted(axes.begin(), axes.end());
}

bool is_inference(const Match& m) { return is_all(m, "training", 0); }

// --- zeros around the input of a convolution

bool pads_with_zeros(const Match& m) {
  const Attr* mode = m.attr("mode");
  if (mode && std::get<std::string>(*mode) != "constant") return false;
  if (!m.has("value")) return true;
  const Tensor* value = m.constant("value");
  return value && value->size() == 1 && value->to_reals()[0] == 0;
}

/// Begins, then ends, by axis of x; nothing if that is not known.
std::optional<Ints> known_pads(const Match& m) {
  const std::optional<Dims> pads = known_values(m.graph(), m.value("pads"));
  if (m.has("axes") || !pads) return {};
  Ints numbers;
  for (const Dim& pad : *pads) {
    if (!pad.is_number()) return {};
    numbers.push_back(pad.number());
  }
  return numbers;
}

bool pads_spatial_axes(const Match& m) {
  const std::optional<Ints> pads = known_pads(m);
  const auto rank = static_cast<size_t>(m.rank("x"));
  if (!pads || pads->size() != 2 * rank) return false;
  for (size_t k = 0; k < pads->size(); ++k) {
    if ((*pads)[k] < 0 || (k % rank < 2 && (*pads)[k] != 0)) return false;
  }
  return true;
}

bool has_explicit_pads(const Match& m) {
  const Attr* mode = m.attr("auto");
  return !mode || std::get<std::string>(*mode) == "NOTSET";
}

Value conv_with_pads(const Match& m) {
  const Ints outer = *known_pads(m);
  const auto rank = static_cast<size_t>(m.rank("x"));
  Ints pads = m.ints("own");
  pads.resize(2 * (rank - 2));
  for (size_t k = 0; k + 2 < rank; ++k) {
    pads[k] += outer[k + 2];
    pads[k + rank - 2] += outer[k + 2 + rank];
  }
  std::vector<Value> inputs = {m["x"], m["w"]};
  if (m.has("b")) inputs.push_back(m["b"]);
  return m.again("Conv", std::move(inputs), {{"pads", pads}});
}

}  // namespace

const std::vector<Rewrite>& movement_rules() {
  static const std::vector<Rewrite> rows = {
      {.name = "identity", .match = "Identity(%x)", .replace = "%x"},
      {.name = "stop-gradient", .match = "dlc.StopGradient(%x)", .replace = "%x"},
      {.name = "dropout",
       .match = "Dropout(%x, %ratio?, %training?)",
       .where = {{"training_mode is off", is_inference}},
       .replace = "%x"},
      {.name = "concat-of-one", .match = "Concat(%x)", .replace = "%x"},
      {.name = "split-in-one",
       .match = "Split(%x, %sizes?)",
       .where = {{"the type stays", same_type}},
       .replace = "%x"},
      {.name = "expand-to-own-shape",
       .match = "Expand(%x, %shape)",
       .where = {{"the type stays", same_type}},
       .replace = "%x"},
      {.name = "tile-once",
       .match = "Tile(%x, %repeats)",
       .where = {{"all repeats are 1", [](const Match& m) { return is_all(m, "repeats", 1); }}},
       .replace = "%x"},
      {.name = "pad-with-nothing",
       .match = "Pad(%x, %pads, %value?, %axes?)",
       .where = {{"all pads are 0", [](const Match& m) { return is_all(m, "pads", 0); }}},
       .replace = "%x"},
      {.name = "slice-of-all",
       .match = "Slice(%x, %starts, %ends, %axes?, %steps?)",
       .where = {{"all steps are 1", [](const Match& m) { return is_all(m, "steps", 1); }},
                 {"the type stays", same_type}},
       .replace = "%x"},
      {.name = "reshape-to-own-shape",
       .match = "Reshape(%x, %shape)",
       .where = {{"the type stays", same_type}},
       .replace = "%x"},
      {.name = "flatten-to-own-shape",
       .match = "Flatten(%x)",
       .where = {{"the type stays", same_type}},
       .replace = "%x"},
      {.name = "squeeze-nothing",
       .match = "Squeeze(%x, %axes?)",
       .where = {{"the type stays", same_type}},
       .replace = "%x"},
      {.name = "reshape-of-view",
       .match = "Reshape(%x, %shape)",
       .where = {{"x is a view", views_a_view},
                 {"its shape is known before", shape_is_known_before}},
       .build = view_once},
      {.name = "flatten-of-view",
       .match = "Flatten(%x)",
       .where = {{"x is a view", views_a_view},
                 {"its shape is known before", shape_is_known_before}},
       .build = view_once},
      {.name = "squeeze-of-view",
       .match = "Squeeze(%x, %axes?)",
       .where = {{"x is a view", views_a_view},
                 {"its shape is known before", shape_is_known_before}},
       .build = view_once},
      {.name = "unsqueeze-of-view",
       .match = "Unsqueeze(%x, %axes)",
       .where = {{"x is a view", views_a_view},
                 {"its shape is known before", shape_is_known_before}},
       .build = view_once},
      {.name = "transpose-of-transpose",
       .match = "Transpose(Transpose(%x, perm=$inner), perm=$outer)",
       .build = transpose_once,
       .keeps_inner = true},
      {.name = "conv-absorbs-pad",
       .match =
           "Conv(Pad(%x, %pads, %value?, %axes?, mode=$mode), %w, %b?, auto_pad=$auto, pads=$own)",
       .where = {{"what is added are zeros", pads_with_zeros},
                 {"only spatial axes grow, and by known numbers", pads_spatial_axes},
                 {"the convolution's own pads are numbers", has_explicit_pads}},
       .build = conv_with_pads},
      {.name = "transpose-in-order",
       .match = "Transpose(%x, perm=$perm)",
       .where = {{"the permutation keeps the order", keeps_order}},
       .replace = "%x"},
  };
  return rows;
}

}  // namespace dlc
