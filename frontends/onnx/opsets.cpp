// The table of operator sets.
#include "frontends/onnx/opsets.h"

namespace dlc::onnx {
namespace {

struct Domain {
  std::string_view name;
  int64_t newest;
};
constexpr Domain domains[] = {
    {"", 28},
    {"ai.onnx.ml", 5},
    {"ai.onnx.preview", 1},
    {"ai.onnx.preview.training", 1},
    {"com.microsoft", 1},
};

}  // namespace

std::optional<int64_t> newest_opset(std::string_view domain) {
  for (const Domain& known : domains) {
    if (known.name == domain) return known.newest;
  }
  return std::nullopt;
}

}  // namespace dlc::onnx
