// Register tiles. The order of loads matters: B's vectors are held, A's elements are streamed as
// broadcasts, so that 4 x 3 accumulators, 3 vectors and 1 element fill 16 registers.
#include "compiler/backends/llvm/tile.h"

#include "compiler/backends/llvm/arith.h"
#include "compiler/lower/kernel.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t unroll = 8;  // one prefetched line for 8 steps of 24 floats covers the next panel

/// One step along k: rows * vectors multiply-adds.
void emit_step(Emitter& emit, const Tile& tile, Value* k, const Accumulators& accumulators) {
  auto& ir = emit.ir();
  llvm::Type* vector = with_lanes(value_type(ir.getContext(), tile.type), tile.lanes);
  llvm::Type* scalar = value_type(ir.getContext(), tile.type);
  const auto align = llvm::Align(static_cast<uint64_t>(byte_size(tile.type, 1)));
  Value* b_row = ir.CreateGEP(scalar, tile.b, ir.CreateMul(k, tile.b_stride));
  std::vector<Value*> b;
  for (int v = 0; v < tile.vectors; ++v) {
    Value* pointer = ir.CreateGEP(scalar, b_row, ir.getInt64(v * tile.lanes));
    b.push_back(ir.CreateAlignedLoad(vector, pointer, align));
  }
  Value* a_offset = tile.a_stride ? ir.CreateMul(k, tile.a_stride) : k;
  for (int r = 0; r < tile.rows; ++r) {
    Value* pointer = ir.CreateGEP(scalar, tile.a[r], a_offset);
    Value* a = ir.CreateVectorSplat(tile.lanes, ir.CreateAlignedLoad(scalar, pointer, align));
    for (int v = 0; v < tile.vectors; ++v) {
      Value* sum = ir.CreateLoad(vector, accumulators[r][v]);
      sum = ir.CreateIntrinsic(llvm::Intrinsic::fmuladd, {vector}, {a, b[v], sum});
      ir.CreateStore(sum, accumulators[r][v]);
    }
  }
}

}  // namespace

TileShape tile_shape(const TargetInfo& target, DType type) {
  const int lanes = target.vector_bits / bits(type);
  // 3 vectors x 4 rows use 16 registers, x 8 rows 28 of 32.
  return {target.vector_registers >= 32 ? 8 : 4, 3, lanes};
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

void accumulate_tile(Emitter& emit, const Tile& tile, const Accumulators& accumulators) {
  auto& ir = emit.ir();
  const auto steps = [&](Value* first, int64_t count) {
    for (int64_t u = 0; u < count; ++u) {
      emit_step(emit, tile, ir.CreateAdd(first, ir.getInt64(u)), accumulators);
    }
  };
  const Dim whole = floor_div(tile.k, unroll) * unroll;
  emit.for_loop(emit.constant(0), emit.dim(whole), unroll, [&](Value* k) {
    if (tile.prefetch) {
      Value* line = ir.CreateGEP(ir.getInt8Ty(), tile.prefetch, ir.CreateMul(k, ir.getInt64(8)));
      ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {line->getType()},
                         {line, ir.getInt32(0), ir.getInt32(3), ir.getInt32(1)});
    }
    steps(k, unroll);
  });
  if (tile.k.is_number()) {
    steps(emit.constant(whole.number()), tile.k.number() - whole.number());
  } else {
    emit.for_loop(emit.dim(whole), emit.dim(tile.k), 1, [&](Value* k) { steps(k, 1); });
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

/// Through memory, only the columns before end_column.
void emit_partial(Emitter& emit, const Tile& tile, const Sums& sums, const TileOutput& output) {
  auto& ir = emit.ir();
  llvm::Type* scalar = value_type(ir.getContext(), tile.type);
  const int columns = tile.vectors * tile.lanes;
  const auto align = llvm::Align(static_cast<uint64_t>(byte_size(tile.type, 1)));
  for (int r = 0; r < tile.rows; ++r) {
    for (int v = 0; v < tile.vectors; ++v) {
      Value* to = ir.CreateGEP(scalar, output.spill, ir.getInt64(r * columns + v * tile.lanes));
      ir.CreateAlignedStore(sums[r][v], to, align);
    }
  }
  emit.for_loop(emit.constant(0), emit.constant(tile.rows), 1, [&](Value* r) {
    emit.bind(output.row, ir.CreateAdd(output.first_row, r));
    Value* row = ir.CreateGEP(scalar, output.spill, ir.CreateMul(r, ir.getInt64(columns)));
    emit.replace_loads(MatmulKernel::accumulated, [&, row](const Expr&) -> Value* {
      Value* column = emit.emit(variable(output.column));
      if (emit.lanes() > 1) column = ir.CreateExtractElement(column, uint64_t{0});
      Value* at = ir.CreateGEP(scalar, row, ir.CreateSub(column, output.first_column));
      return emit.load_elements(at, tile.type, emit.lanes(), false);
    });
    emit.lane_loop(output.column, output.first_column, output.end_column, tile.lanes,
                   output.store_one);
  });
}

}  // namespace

void emit_tile_output(Emitter& emit, const Tile& tile, const Sums& sums, const TileOutput& output) {
  if (output.full) {
    emit_full(emit, tile, sums, output);
    return;
  }
  auto& ir = emit.ir();
  Value* end = ir.CreateAdd(output.first_column, ir.getInt64(tile.vectors * tile.lanes));
  Value* fits = ir.CreateICmpSLE(end, output.end_column);
  emit.if_then(
      fits, [&] { emit_full(emit, tile, sums, output); },
      [&] { emit_partial(emit, tile, sums, output); });
}

}  // namespace dlc::llvm_backend
