// Parts of attention as nodes.
#include "compiler/ops/contrib_attention.h"

#include <cmath>

#include "runtime/error.h"

namespace dlc::contrib {

int64_t number_of(const Dim& dim, std::string_view what) {
  if (!dim.is_number()) fail_as(ErrorCode::unsupported, "the size of {} must be known", what);
  return dim.number();
}

Term split_heads(const Term& x, int64_t heads) {
  const Dims s = x.shape();
  if (s.size() != 3) fail("an input has rank {}, but must have 3", s.size());
  if (heads < 1 || (s[2].is_number() && s[2].number() % heads != 0))
    fail("{} entries are not {} heads", s[2].to_string(), heads);
  return transpose(reshape(x, {s[0], s[1], heads, floor_div(s[2], heads)}), {0, 2, 1, 3});
}

Term merge_heads(const Term& x) {
  const Dims s = x.shape();
  return reshape(transpose(x, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
}

Term concat(const Term& a, Value b, int64_t axis) {
  return apply("Concat", a, b, {{"axis", axis}});
}

Term slice(const Term& x, const Dim& begin, const Dim& end, int64_t axis) {
  Builder& build = x.build();
  return {build, build("Slice", {x, build.sizes({begin}), build.sizes({end}), build.ints({axis})})};
}

Term range(Builder& build, const Dim& size) {
  const Value end = build("Squeeze", {build.sizes({size}), build.ints({0})});
  return {build, build("Range", {build.constant(Tensor::scalar(DType::i64, 0)), end,
                                 build.constant(Tensor::scalar(DType::i64, 1))})};
}

double scale_or(const OpArgs& args, const Dim& head_size) {
  const double given = args.has_attr("scale") ? args.real("scale") : 0;
  return given != 0 ? given : 1 / std::sqrt(static_cast<double>(number_of(head_size, "a head")));
}

Term repeat_heads(const Term& x, int64_t times) {
  if (times == 1) return x;
  const Dims s = x.shape();
  const Term apart = reshape(x, {s[0], s[1], 1, s[2], s[3]});
  return reshape(apply("Expand", apart, x.build().sizes({s[0], s[1], times, s[2], s[3]})),
                 {s[0], s[1] * times, s[2], s[3]});
}

}  // namespace dlc::contrib
