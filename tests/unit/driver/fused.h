// Compiles a graph at each vector width and compares with the interpreter; tells what the kernels
// are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/ir/text.h"
#include "runtime/tensor.h"

namespace dlc::test {

using Sizes = std::map<std::string, Dim>;

/// Random inputs, with these sizes for symbols.
std::vector<Datum> inputs_for(const Graph& graph, const Sizes& sizes);
void compare(const Graph& graph, const std::vector<Datum>& inputs, const std::string& what);
/// "stages | matmul": the kinds of the kernels, after results were compared for all sizes.
std::string check(std::string_view text, const std::vector<Sizes>& all_sizes = {{}});

}  // namespace dlc::test
