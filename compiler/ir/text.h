// The text form of graphs: printer and parser. One grammar for dumps, patterns, bodies and tests.
//
//   graph @main(%x: f32[batch,8], %c: bool[]) -> (f32[batch,8]) {
//     %w = Constant(value=f32[2]{1.5, -2}) : f32[2]
//     %0 = Relu(%x) : f32[batch,8]
//     %1, %2 = Split(%0, axis=-1, num_outputs=2) : f32[batch,4], f32[batch,4]
//     %3 = Clip(%1, _, %c) : f32[batch,4]                 # `_`: an absent input or output
//     %4 = If(%c, %0, then_branch=graph @t(%a: f32[batch,8]) -> (f32[batch,8]) { ... }, ...) : ...
//     return %0
//   }
#pragma once

#include <string>
#include <string_view>

#include "compiler/ir/graph.h"

namespace dlc {

struct PrintOptions {
  bool types = true;
  bool origins = false;       ///< adds ` from "conv1", "bn1"` to each node
  int64_t max_elements = -1;  ///< constants with more are printed as `{...}`, which does not parse
};

/// parse(print(g)) is g, for any graph (with the default options, but for the origins). Values
/// without a name, or whose name is not unique, are numbered.
std::string print(const Graph& graph, const PrintOptions& options = {});
std::string print(const Attr& attr, const PrintOptions& options = {});
/// "f32[2,2]{1, 2, 3, 4}"; reals in the shortest form that reads back the same.
std::string print(const Tensor& tensor, int64_t max_elements = -1);

/// Throws Error(invalid) with line and column. Node types must be given; bodies of ops, patterns
/// and samples (where types are inferred) are read by compiler/ops/builder.h on top of ir/parser.h.
Graph parse(std::string_view text);
Type parse_type(std::string_view text);
Tensor parse_tensor(std::string_view text);

}  // namespace dlc
