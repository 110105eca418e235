// Evaluates one node on constants and says what differs from the expected values.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/text.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "tests/support/compare.h"

namespace dlc::test {

/// The outputs of a node whose inputs are constants in text form ("_": absent).
inline std::vector<Datum> run_node(std::string_view op, const std::vector<std::string>& inputs,
                                   AttrMap attrs, size_t outputs) {
  Graph graph;
  Builder build(graph);
  std::vector<Value> values;
  for (const std::string& input : inputs)
    values.push_back(input == "_" ? Value() : build.constant(parse_tensor(input)));
  graph.set_outputs(build.node(op, values, std::move(attrs), outputs));
  return evaluate(graph, {});
}

/// What differs from `expected` ("_": any value) first; empty: nothing.
inline std::string wrong(std::string_view op, const std::vector<std::string>& inputs, AttrMap attrs,
                         const std::vector<std::string>& expected) {
  const std::vector<Datum> outputs = run_node(op, inputs, std::move(attrs), expected.size());
  for (size_t k = 0; k < expected.size(); ++k) {
    if (expected[k] == "_") continue;
    const std::string text = difference(outputs[k].tensor, parse_tensor(expected[k]), {1e-5, 1e-6});
    if (!text.empty()) return fmt::format("output {}: {}", k, text);
  }
  return "";
}

/// The type that a node over inputs of the given types ("i64[2]{3, -1}": a constant) has.
inline std::string inferred(std::string_view op, const std::vector<std::string>& inputs,
                            AttrMap attrs = {}, size_t outputs = 1) {
  Graph graph;
  Builder build(graph);
  std::vector<Value> values;
  for (const std::string& input : inputs) {
    const bool constant = input.find('{') != std::string::npos;
    if (input == "_")
      values.emplace_back();
    else
      values.push_back(constant ? build.constant(parse_tensor(input))
                                : graph.add_input(parse_type(input)));
  }
  std::string text;
  for (Value value : build.node(op, values, std::move(attrs), outputs))
    text += (text.empty() ? "" : ", ") + to_string(graph.type(value));
  return text;
}

}  // namespace dlc::test
