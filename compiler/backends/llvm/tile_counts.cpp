// Tiles of a product: see tile_counts.h.
#include "compiler/backends/llvm/tile_counts.h"

namespace dlc::llvm_backend {

std::vector<int> TileCounts::rows() const {
  std::vector<int> counts;
  if (m.is_number()) {
    const int64_t count = std::max<int64_t>(tiles().number(), 1);
    if (m.number() % count != 0) counts.push_back(static_cast<int>(m.number() / count) + 1);
    counts.push_back(static_cast<int>(m.number() / count));
  } else {
    for (int rows = shape.rows; rows > 0; --rows) counts.push_back(rows);
  }
  return counts;
}

int TileCounts::most_rows_beside(int rows) const {
  if (m.is_number()) return this->rows()[0];
  return rows >= (shape.rows + 1) / 2 ? shape.rows : rows;
}

std::vector<int> TileCounts::vectors() const {
  std::vector<int> counts;
  if (n.is_number()) {
    const int last = static_cast<int>(layout().last_width(n.number())) / shape.lanes;
    if (n.number() > shape.columns() && last != shape.vectors) counts.push_back(shape.vectors);
    counts.push_back(last);
  } else {
    for (int vectors = shape.vectors; vectors > 0; --vectors) counts.push_back(vectors);
  }
  return counts;
}

}  // namespace dlc::llvm_backend
