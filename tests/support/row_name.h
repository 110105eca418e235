// How tests over rows name them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "compiler/ops/op_def.h"

namespace dlc {

/// For GoogleTest's output: an address would differ from run to run.
inline void PrintTo(const OpDef* def, std::ostream* out) { *out << def->name; }

namespace test {

inline std::string row_name(const testing::TestParamInfo<const OpDef*>& info) {
  std::string name(info.param->name);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

}  // namespace test
}  // namespace dlc
