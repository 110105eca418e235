// The graphs of all op rows' samples: what targets that take models begin from.
#pragma once

#include <vector>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"

namespace dlc::fuzz {

inline std::vector<Graph> sample_graphs() {
  std::vector<Graph> graphs;
  for (const OpDef* def : all_ops())
    for (std::string_view sample : def->samples) graphs.push_back(sample_graph(*def, sample));
  return graphs;
}

}  // namespace dlc::fuzz
