// Register tiles. The order of loads matters: B's vectors are held, A's elements are streamed as
// broadcasts, so that 4 x 3 accumulators, 3 vectors and 1 element fill 16 registers.
#include "compiler/backends/llvm/tile.h"

#include "compiler/backends/llvm/arith.h"
#include "compiler/lower/kernel.h"

#include <llvm/IR/InlineAsm.h>

namespace dlc::llvm_backend {
namespace {

/// Steps that are written out: many for small tiles, where the loop's own work would show.
int64_t unroll(const Tile& tile) { return tile.rows * tile.vectors >= 16 ? 4 : 8; }

/// Multiply-adds that are under way at once: their latency times the units that do them.
constexpr int independent = 8;

/// Sets of accumulators that take turns, where one has too few of them to keep the units busy.
int64_t accumulator_sets(const Tile& tile) {
  const int sums = tile.most_sums > 0 ? tile.most_sums : tile.rows * tile.vectors;
  int64_t sets = 1;
  while (sets * sums < independent && sets < unroll(tile)) sets *= 2;
  return sets;
}

/// Where a tile's operands are at some k: later steps are at fixed distances from there.
struct Position {
  std::vector<Value*> a;
  Value* b;
};

/// The same number, but how it advances is hidden: the addresses are written as they should be, and
/// LLVM would spend most of the time of compiling a kernel on looking for better ones.
Value* hidden(llvm::IRBuilder<>& ir, Value* k) {
  if (llvm::isa<llvm::Constant>(k)) return k;
  auto* type = llvm::FunctionType::get(k->getType(), {k->getType()}, false);
  return ir.CreateCall(type, llvm::InlineAsm::get(type, "", "=r,0", /*hasSideEffects=*/false), {k});
}

/// Loads stay on their side of it. LLVM's scheduler would move all of a loop's to its beginning,
/// where they do not fit into the registers.
void keep_loads_apart(llvm::IRBuilder<>& ir) {
  auto* type = llvm::FunctionType::get(ir.getVoidTy(), false);
  ir.CreateCall(type, llvm::InlineAsm::get(type, "", "~{memory}", /*hasSideEffects=*/true));
}

Position position(Emitter& emit, const Tile& tile, Value* k) {
  auto& ir = emit.ir();
  llvm::Type* scalar = value_type(ir.getContext(), tile.type);
  Position at{{}, ir.CreateGEP(scalar, tile.b, ir.CreateMul(k, tile.b_stride))};
  Value* a_offset = tile.a_stride ? ir.CreateMul(k, tile.a_stride) : k;
  for (Value* row : tile.a) at.a.push_back(ir.CreateGEP(scalar, row, a_offset));
  return at;
}

Value* multiply_add(llvm::IRBuilder<>& ir, const Tile& tile, Value* a, Value* b, Value* sum) {
  if (tile.dot) return emit_dot(ir, *tile.dot, sum, a, b);
  if (!is_float(tile.type)) return ir.CreateAdd(ir.CreateMul(a, b), sum);
  return ir.CreateIntrinsic(llvm::Intrinsic::fmuladd, {sum->getType()}, {a, b, sum});
}

/// The step `u` behind a position: rows * vectors multiply-adds.
void emit_step(Emitter& emit, const Tile& tile, const Position& at, int64_t u,
               const Accumulators& accumulators) {
  auto& ir = emit.ir();
  llvm::Type* sums = with_lanes(value_type(ir.getContext(), tile.type), tile.lanes);
  llvm::Type* scalar = tile.dot ? ir.getInt32Ty() : value_type(ir.getContext(), tile.type);
  llvm::Type* vector = with_lanes(scalar, tile.lanes);
  const auto align = llvm::Align(static_cast<uint64_t>(byte_size(tile.type, 1)));
  const auto a_align =
      tile.dot ? llvm::Align(static_cast<uint64_t>(byte_size(tile.dot->a, 1))) : align;
  Value* b_row = ir.CreateGEP(scalar, at.b, ir.CreateMul(ir.getInt64(u), tile.b_stride));
  std::vector<Value*> b;
  for (int v = 0; v < tile.vectors; ++v) {
    Value* pointer = ir.CreateGEP(scalar, b_row, ir.getInt64(v * tile.lanes));
    b.push_back(ir.CreateAlignedLoad(vector, pointer, align));
  }
  Value* a_offset = ir.getInt64(u);
  if (tile.a_stride) a_offset = ir.CreateMul(a_offset, tile.a_stride);
  for (int r = 0; r < tile.rows; ++r) {
    Value* pointer = ir.CreateGEP(scalar, at.a[r], a_offset);
    Value* a = ir.CreateVectorSplat(tile.lanes, ir.CreateAlignedLoad(scalar, pointer, a_align));
    for (int v = 0; v < tile.vectors; ++v) {
      Value* sum = ir.CreateLoad(sums, accumulators[r][v]);
      ir.CreateStore(multiply_add(ir, tile, a, b[v], sum), accumulators[r][v]);
    }
    keep_loads_apart(ir);
  }
}

}  // namespace

TileShape tile_shape(const TargetInfo& target, DType type, const Dot* dot) {
  const int lanes = target.vector_bits / bits(type);
  // 3 vectors x 4 rows use 16 registers, x 8 rows 28 of 32. Without multiply-adds, products need
  // registers as well (measured at 128 bits: 4 rows 64 % of the peak, 3 rows 78).
  const int rows = target.vector_registers >= 32 ? 8 : 4;
  // Of several instructions, dot products need registers for halves of B and of A.
  if (dot && !dot->native) return {rows, 2, lanes};
  return {target.fma ? rows : 3, 3, lanes};
}

TileShape gates_tile_shape(const TargetInfo& target, DType type) {
  TileShape shape = tile_shape(target, type);
  shape.vectors = 2;
  if (target.fma) shape.rows = std::min(8, (static_cast<int>(target.vector_registers) - 3) / 2);
  return shape;
}

Accumulators begin_tile(Emitter& emit, const Tile& tile) {
  auto& ir = emit.ir();
  llvm::Type* vector = with_lanes(value_type(ir.getContext(), tile.type), tile.lanes);
  Accumulators accumulators(tile.rows);
  for (auto& row : accumulators) {
    for (int v = 0; v < tile.vectors; ++v) {
      row.push_back(emit.local(vector));
      ir.CreateStore(llvm::Constant::getNullValue(vector), row.back());
    }
  }
  return accumulators;
}

namespace {

void emit_prefetch(Emitter& emit, const Tile& tile, Value* k, int64_t steps) {
  auto& ir = emit.ir();
  constexpr int64_t line_bytes = 64;
  Value* first = ir.CreateGEP(ir.getInt8Ty(), tile.prefetch,
                              ir.CreateMul(k, ir.getInt64(line_bytes / 8 * tile.prefetch_lines)));
  const int64_t lines = (tile.prefetch_lines * steps + 7) / 8;
  for (int64_t i = 0; i < lines; ++i) {
    Value* line = ir.CreateGEP(ir.getInt8Ty(), first, ir.getInt64(i * line_bytes));
    ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {line->getType()},
                       {line, ir.getInt32(0), ir.getInt32(3), ir.getInt32(1)});
  }
}

}  // namespace

void accumulate_tile(Emitter& emit, const Tile& tile, const Accumulators& accumulators) {
  auto& ir = emit.ir();
  std::vector<Accumulators> sets = {accumulators};
  while (static_cast<int64_t>(sets.size()) < accumulator_sets(tile)) {
    sets.push_back(begin_tile(emit, tile));
  }
  const auto steps = [&](Value* first, int64_t count) {
    if (count == 0) return;
    const Position at = position(emit, tile, first);
    for (int64_t u = 0; u < count; ++u) emit_step(emit, tile, at, u, sets[u % sets.size()]);
  };
  const int64_t step = unroll(tile);
  const Dim whole = floor_div(tile.k, step) * step;
  emit.for_loop(emit.constant(0), emit.dim(whole), step, [&](Value* index) {
    Value* k = hidden(ir, index);
    if (tile.prefetch) emit_prefetch(emit, tile, k, step);
    steps(k, step);
  });
  if (tile.k.is_number()) {
    steps(emit.constant(whole.number()), tile.k.number() - whole.number());
  } else {
    emit.for_loop(emit.dim(whole), emit.dim(tile.k), 1, [&](Value* k) { steps(hidden(ir, k), 1); });
  }
  llvm::Type* vector = with_lanes(value_type(ir.getContext(), tile.type), tile.lanes);
  for (size_t set = 1; set < sets.size(); ++set) {
    for (int r = 0; r < tile.rows; ++r) {
      for (int v = 0; v < tile.vectors; ++v) {
        Value* a = ir.CreateLoad(vector, accumulators[r][v]);
        Value* b = ir.CreateLoad(vector, sets[set][r][v]);
        ir.CreateStore(is_float(tile.type) ? ir.CreateFAdd(a, b) : ir.CreateAdd(a, b),
                       accumulators[r][v]);
      }
    }
  }
}

Sums end_tile(Emitter& emit, const Tile& tile, const Accumulators& accumulators) {
  auto& ir = emit.ir();
  llvm::Type* vector = with_lanes(value_type(ir.getContext(), tile.type), tile.lanes);
  Sums sums = accumulators;
  for (auto& row : sums) {
    for (Value*& sum : row) sum = ir.CreateLoad(vector, sum);
  }
  return sums;
}

Sums emit_tile(Emitter& emit, const Tile& tile) {
  const Accumulators accumulators = begin_tile(emit, tile);
  accumulate_tile(emit, tile, accumulators);
  return end_tile(emit, tile, accumulators);
}

namespace {

/// From registers, whole vectors.
void emit_full(Emitter& emit, const Tile& tile, const Sums& sums, const TileOutput& output) {
  auto& ir = emit.ir();
  for (int r = 0; r < tile.rows; ++r) {
    for (int v = 0; v < tile.vectors; ++v) {
      emit.scope([&] {
        emit.bind(output.row, ir.CreateAdd(output.first_row, ir.getInt64(r)));
        emit.bind_lanes(output.column,
                        ir.CreateAdd(output.first_column, ir.getInt64(v * tile.lanes)), tile.lanes);
        emit.replace_loads(MatmulKernel::accumulated, [&](const Expr&) { return sums[r][v]; });
        output.store_one();
      });
    }
  }
}

}  // namespace

void emit_spill(Emitter& emit, const Tile& tile, const Sums& sums, Value* spill, int pitch) {
  auto& ir = emit.ir();
  llvm::Type* scalar = value_type(ir.getContext(), tile.type);
  const auto align = llvm::Align(static_cast<uint64_t>(byte_size(tile.type, 1)));
  for (int r = 0; r < tile.rows; ++r) {
    for (int v = 0; v < tile.vectors; ++v) {
      Value* to = ir.CreateGEP(scalar, spill, ir.getInt64(r * pitch + v * tile.lanes));
      ir.CreateAlignedStore(sums[r][v], to, align);
    }
  }
}

namespace {

/// Which of the tiles that make an element a load of a sum is of.
int gate_of(const Expr& load, const TileOutput& output) {
  if (output.gates == 1) return 0;
  return static_cast<int>(linear(load->args.back()).constant.number() / output.gate_columns);
}

/// A row of sums in memory. Gates are long chains of operations: two vectors at a time hide their
/// latencies.
void emit_row(Emitter& emit, const Tile& tile, int width, const TileOutput& output) {
  auto& ir = emit.ir();
  const auto from = [&](Value* first, int lanes) {
    emit.lane_loop(output.column, first, output.end_column, lanes, output.store_one);
  };
  if (output.gates > 1) {
    Value* count = ir.CreateSub(output.end_column, output.first_column);
    emit.if_then(
        ir.CreateICmpSGE(count, ir.getInt64(2 * tile.lanes)),
        [&] { from(output.first_column, 2 * tile.lanes); },
        [&] { from(output.first_column, tile.lanes); });
    return;
  }
  if (!output.full) return from(output.first_column, tile.lanes);
  for (int v = 0; v < width / tile.lanes; ++v) {
    emit.scope([&] {
      emit.bind_lanes(output.column, ir.CreateAdd(output.first_column, ir.getInt64(v * tile.lanes)),
                      tile.lanes);
      output.store_one();
    });
  }
}

}  // namespace

void emit_spilled_output(Emitter& emit, const Tile& tile, int pitch, Value* rows,
                         const TileOutput& output) {
  auto& ir = emit.ir();
  llvm::Type* scalar = value_type(ir.getContext(), tile.type);
  const int width = pitch / output.gates;
  emit.for_loop(emit.constant(0), rows, 1, [&](Value* r) {
    emit.bind(output.row, ir.CreateAdd(output.first_row, r));
    Value* row = ir.CreateGEP(scalar, output.spill, ir.CreateMul(r, ir.getInt64(pitch)));
    emit.replace_loads(MatmulKernel::accumulated, [&, row](const Expr& load) -> Value* {
      Value* column = emit.emit(variable(output.column));
      if (emit.lanes() > 1) column = ir.CreateExtractElement(column, uint64_t{0});
      Value* gate = ir.CreateGEP(scalar, row, ir.getInt64(gate_of(load, output) * width));
      Value* at = ir.CreateGEP(scalar, gate, ir.CreateSub(column, output.first_column));
      return emit.load_elements(at, tile.type, emit.lanes(), false);
    });
    emit_row(emit, tile, width, output);
  });
}

void emit_tile_output(Emitter& emit, const Tile& tile, const Sums& sums, const TileOutput& output) {
  if (output.full) {
    emit_full(emit, tile, sums, output);
    return;
  }
  auto& ir = emit.ir();
  const int columns = tile.vectors * tile.lanes;
  Value* end = ir.CreateAdd(output.first_column, ir.getInt64(columns));
  Value* fits = ir.CreateICmpSLE(end, output.end_column);
  emit.if_then(
      fits, [&] { emit_full(emit, tile, sums, output); },
      [&] {
        emit_spill(emit, tile, sums, output.spill, columns);
        emit_spilled_output(emit, tile, columns, emit.constant(tile.rows), output);
      });
}

}  // namespace dlc::llvm_backend
