// The graphs of all op rows' samples, and models of them: what many targets begin from.
#pragma once

#include <string>
#include <vector>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "frontends/onnx/export.h"
#include "tests/fuzz/fuzz.h"

namespace dlc::fuzz {

inline std::vector<Graph> sample_graphs() {
  std::vector<Graph> graphs;
  for (const OpDef* def : all_ops())
    for (std::string_view sample : def->samples) graphs.push_back(sample_graph(*def, sample));
  return graphs;
}

inline std::vector<std::string> sample_models() {
  std::vector<std::string> models;
  for (const Graph& graph : sample_graphs()) {
    accepts([&] {  // some of our own ops have no ONNX form
      const std::vector<uint8_t> bytes = onnx::export_bytes(graph);
      models.emplace_back(bytes.begin(), bytes.end());
    });
  }
  return models;
}

}  // namespace dlc::fuzz
