// How a product is cut into register tiles: rows are shared out evenly, columns fill panels, of
// which the last may be narrower. Next: matmul.cpp.
#pragma once

#include <vector>

#include "compiler/backends/llvm/panels.h"
#include "compiler/backends/llvm/tile.h"

namespace dlc::llvm_backend {

struct TileCounts {
  Dim m, n;  ///< n of one gate
  TileShape shape;
  int gates = 1;

  Dim tiles() const { return ceil_div(m, shape.rows); }
  Dim panels() const { return ceil_div(n, shape.columns()); }
  Panels layout() const { return {shape.columns(), shape.lanes, gates}; }
  /// Numbers of rows that tiles may have, the greatest first. Known sizes have one or two.
  std::vector<int> rows() const;
  /// Rows of the largest tile beside one of `rows`. Where there are several, their rows differ by
  /// one and are half of the most at least.
  int most_rows_beside(int rows) const;
  /// Numbers of vectors that panels may have, the greatest first; the last panel has fewer.
  std::vector<int> vectors() const;
};

}  // namespace dlc::llvm_backend
