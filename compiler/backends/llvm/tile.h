// The register tile of blocked contractions: rows x vectors accumulators over a loop along k.
// Next: matmul.cpp, convolution.cpp.
#pragma once

#include <vector>

#include "compiler/backends/llvm/dot.h"
#include "compiler/backends/llvm/emit.h"

namespace dlc::llvm_backend {

/// Rows and vectors of the tile for a target: all accumulators, one row of B vectors and one
/// broadcast element of A fit into the registers (rows * vectors + vectors + 1).
struct TileShape {
  int rows, vectors, lanes;
  int columns() const { return vectors * lanes; }
};
TileShape tile_shape(const TargetInfo& target, DType type, const Dot* dot = nullptr);
/// For products with gates, of which panels make less than others: narrow ones, to have enough for
/// the threads.
TileShape gates_tile_shape(const TargetInfo& target, DType type);

/// With `dot`, what is an element along k here is a group of them.
struct Tile {
  DType type;  ///< of the sums
  int rows, vectors, lanes;
  std::vector<Value*> a;      ///< for each row: where its element k = 0 is
  Value* a_stride = nullptr;  ///< elements from k to k + 1; null: 1
  Value* b = nullptr;         ///< where the tile's columns at k = 0 are
  Value* b_stride = nullptr;  ///< elements from k to k + 1
  Dim k;                      ///< length of the sum
  Value* prefetch = nullptr;  ///< bytes to be wanted soon
  int prefetch_lines = 1;     ///< lines of them that are fetched for every 8 k
  const Dot* dot = nullptr;
  /// Accumulators of the largest tile that shares the result: all add up in its order, so that
  /// equal rows and columns have equal bits. 0: this one.
  int most_sums = 0;
};

/// [row][vector]: variables in registers, and their final values.
using Accumulators = std::vector<std::vector<Value*>>;
using Sums = std::vector<std::vector<Value*>>;

/// A tile whose sums run over several stretches of k: begin, accumulate each, end.
Accumulators begin_tile(Emitter& emit, const Tile& tile);
/// Adds the products of `tile.k` steps from `tile.a` and `tile.b` on.
void accumulate_tile(Emitter& emit, const Tile& tile, const Accumulators& accumulators);
Sums end_tile(Emitter& emit, const Tile& tile, const Accumulators& accumulators);
/// All three, for one stretch.
Sums emit_tile(Emitter& emit, const Tile& tile);

/// Writes the epilogue of a tile of sums: `store_one` emits one output element (or lanes() of them)
/// for the bound row and column variables, where loads of MatmulKernel::accumulated are the sums.
struct TileOutput {
  Variable row, column;
  Value* first_row;
  Value* first_column;
  Value* end_column;  ///< exclusive: columns from here on are padding
  bool full;          ///< surely no padding in this tile
  Value* spill;       ///< memory for rows * vectors * lanes elements, for tiles with padding
  std::function<void()> store_one;
  /// Sums of as many tiles make an element: of `column`, of the one `gate_columns` behind it, ...
  /// Those of one row lie in memory one tile after the other.
  int gates = 1;
  int64_t gate_columns = 0;
};
void emit_tile_output(Emitter& emit, const Tile& tile, const Sums& sums, const TileOutput& output);

/// The same in two parts, for tiles of several sizes or gates that share one epilogue: sums into
/// memory, rows `pitch` elements apart, and the epilogue of `rows` rows of up to `pitch` / gates
/// columns from there.
void emit_spill(Emitter& emit, const Tile& tile, const Sums& sums, Value* spill, int pitch);
void emit_spilled_output(Emitter& emit, const Tile& tile, int pitch, Value* rows,
                         const TileOutput& output);

}  // namespace dlc::llvm_backend
