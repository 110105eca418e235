// Writes nodes of every row as ONNX models, with inputs and what the interpreter makes of them, for
// compare.py: the samples, and nodes drawn from them (tests/support/row_variant.h).
//   reference_cases DIR [DRAWN]
// DIR/ROW.N.onnx is the node; DIR/ROW.N.data.onnx has constants as outputs: inputs, then results.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "compiler/ops/evaluate.h"
#include "frontends/onnx/export.h"
#include "runtime/error.h"
#include "tests/support/random_inputs.h"
#include "tests/support/row_variant.h"

namespace dlc::test {
namespace {

bool are_tensors(const std::vector<Datum>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const Datum& value) { return value.kind == Datum::Kind::tensor; });
}

Graph data_graph(const std::vector<Datum>& inputs, const std::vector<Datum>& outputs) {
  Graph graph;
  Builder build(graph);
  std::vector<Value> values;
  for (const auto* list : {&inputs, &outputs}) {
    for (const Datum& datum : *list) values.push_back(build.constant(datum.tensor));
  }
  graph.set_outputs(values);
  return graph;
}

/// Says why not where there is no such case.
void write(const Graph& graph, const std::vector<Datum>& inputs, const std::string& path) {
  const std::vector<Datum> outputs = evaluate(graph, inputs);
  if (!are_tensors(inputs) || !are_tensors(outputs))
    fail_as(ErrorCode::unsupported, "sequences, optionals and maps are not compared");
  onnx::write_file(graph, path + ".onnx");
  onnx::write_file(data_graph(inputs, outputs), path + ".data.onnx");
}

int write_all(const std::filesystem::path& folder, uint64_t drawn) {
  std::filesystem::create_directories(folder);
  for (const OpDef* def : all_ops()) {
    if (def->effect || def->name.starts_with("dlc.")) continue;
    int number = 0;
    const auto next = [&] { return (folder / fmt::format("{}.{}", def->name, number++)).string(); };
    const auto attempt = [&](const Graph& graph, const std::vector<Datum>& inputs) {
      const std::string path = next();
      try {
        write(graph, inputs, path);
      } catch (const Error& error) {
        fmt::print("{}: {}\n", path, error.what());
      }
    };
    for (std::string_view text : def->samples) {
      const Graph graph = sample_graph(*def, text);
      attempt(graph, random_inputs(graph, 7));
    }
    for (uint64_t seed = 0; seed < drawn && !def->samples.empty(); ++seed) {
      if (const auto variant = row_variant(*def, seed))
        attempt(variant->c.graph, variant->c.inputs);
    }
  }
  return 0;
}

}  // namespace
}  // namespace dlc::test

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: reference_cases DIR [DRAWN]\n");
    return 2;
  }
  return dlc::test::write_all(argv[1], argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 8);
}
