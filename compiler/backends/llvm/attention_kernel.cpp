// Attention: for each block of queries, as many as a vector has lanes, scores^T [keys][queries] in
// scratch. Queries are lanes throughout: nothing is reduced across lanes, a row of keys is read in
// place as a tile's A, and scores^T is the second product's A as it lies. Fewer queries than lanes
// go one by one, as plain stages.
//
//   item = (batch, block):  transpose the queries
//                           tiles of keys: sums over the depth; the first sweep at each element
//                           the other sweeps
//                           tiles of queries x columns: sums over the keys; epilogue
// Next: stage_emitter.h, tile.h.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/backends/llvm/stage_emitter.h"
#include "compiler/lower/attention.h"

namespace dlc::llvm_backend {
namespace {

constexpr DType type = DType::f32;
constexpr int key_rows = 12;  ///< of a tile of scores: 12 accumulators, a vector, an element
constexpr int most_vectors = 3;

std::vector<Type> buffer_types(const AttentionKernel& kernel) {
  std::vector<Type> types = kernel.operands;
  types.push_back(kernel.stages.outputs[0]);
  return types;
}

class AttentionEmitter {
 public:
  AttentionEmitter(const AttentionKernel& kernel, const TargetInfo& target, llvm::Module& module,
                   const std::string& symbol)
      : kernel_(kernel),
        lanes_(target.vector_bits / bits(type)),
        result_rows_(std::min(lanes_, target.vector_registers >= 32 ? 8 : 4)),
        queries_(kernel.stages.outer.back()),
        rows_(attention_as_stages(kernel)),
        row_plan_(plan_sweeps(rows_, target.vector_bits)),
        block_plan_(
            plan_sweeps(kernel.stages, target.vector_bits, Across{queries_.variable, lanes_})),
        emit_(module, symbol, target, buffer_types(kernel)),
        row_stages_(emit_, rows_, row_plan_),
        block_stages_(emit_, kernel.stages, block_plan_) {
    const std::span<const Type> operands = kernel.operands;
    key_ = affine(kernel.key, kernel.keys.variable, kernel.depth.variable, type, operands);
    value_ = affine(kernel.value, kernel.keys.variable, kernel.columns.variable, type, operands);
    if (value_ && !(value_->k == Dim(1) && columns() % lanes_ == 0)) value_.reset();
    keep_what_the_result_reads();
    place_scratch();
  }

  CompiledKernel run() {
    const std::vector<Axis> batches(kernel_.stages.outer.begin(), kernel_.stages.outer.end() - 1);
    const Dim blocks = maximum(Dim(1), ceil_div(queries_.extent, lanes_));
    const Variable block = fresh_variable();
    std::vector<Axis> axes = batches;
    axes.push_back({block, blocks});
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) {
      emit_.bind_item(axes, item);
      emit_item(emit_.emit(variable(block)));
    });
    emit_.finish();
    CompiledKernel code;
    code.params = emit_.params();
    code.items = blocks;
    for (const Axis& axis : batches) code.items = code.items * axis.extent;
    code.item_cost = kernel_.keys.extent * (kernel_.depth.extent + kernel_.columns.extent + 64) *
                     Dim(std::max(1, lanes_ / 4));
    code.scratch_bytes = scratch_bytes_;
    code.schedule = fmt::format(
        "attention, {} queries x {} keys, depth {}, columns {}, by {} queries; keys {}, values {}",
        queries_.extent.to_string(), kernel_.keys.extent.to_string(),
        kernel_.depth.extent.to_string(), columns(), lanes_, key_ ? "in place" : "evaluated",
        value_ ? "in place" : "packed by item");
    code.loops = block_plan_.text;
    return code;
  }

 private:
  int64_t columns() const { return kernel_.columns.extent.number(); }
  int64_t padded_columns() const { return (columns() + lanes_ - 1) / lanes_ * lanes_; }
  int64_t vectors() const { return padded_columns() / lanes_; }
  static Dim bytes(const Dim& elements) {
    return ceil_div(elements * Dim(byte_size(type, 1)), 64) * Dim(64);
  }
  Value* scratch_at(const Dim& offset) {
    return emit_.ir().CreateGEP(emit_.ir().getInt8Ty(), emit_.scratch(), emit_.dim(offset));
  }

  void keep_what_the_result_reads() {
    block_stages_.keep(kernel_.weights);
    visit(kernel_.output, [&](const Expr& e) {
      if (e->kind == ExprKind::load && e->input <= StagedKernel::stage_load(0))
        block_stages_.keep(StagedKernel::stage_load(0) - e->input);
    });
  }

  void place_scratch() {
    Dim end = block_stages_.scratch_bytes();
    const auto take = [&](Dim& place, const Dim& elements) {
      place = end;
      end = end + bytes(elements);
    };
    take(query_place_, kernel_.depth.extent * Dim(lanes_));
    take(key_place_, key_ ? Dim(0) : kernel_.depth.extent * Dim(key_rows));
    take(value_place_, value_ ? Dim(0) : kernel_.keys.extent * Dim(padded_columns()));
    take(spill_place_, Dim(result_rows_ * most_vectors * lanes_));
    scratch_bytes_ = maximum(end, row_stages_.scratch_bytes());
  }

  void emit_item(Value* block) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Value* count = emit_.dim(queries_.extent);
    const auto by_block = [&] {
      Value* last = ir.CreateSub(count, emit_.constant(lanes_));
      emit_block(emit_smaller(emit_, ir.CreateMul(block, emit_.constant(lanes_)), last));
    };
    const auto one_by_one = [&] {
      row_stages_.place(emit_.scratch());
      emit_.for_loop(emit_.constant(0), count, 1, [&](Value* query) {
        emit_.bind(queries_.variable, query);
        row_stages_.run();
      });
    };
    emit_.if_then(ir.CreateICmpSGE(count, emit_.constant(lanes_)), by_block, one_by_one);
  }

  void emit_block(Value* first) {
    if (!value_) pack_values();
    block_stages_.place(emit_.scratch(), first);
    emit_.scope([&] {
      emit_.bind_lanes(queries_.variable, first, lanes_);
      pack_queries(first);
      block_stages_.loop_with(0, [&](const std::function<void()>& step) { scores(step); });
      block_stages_.run();
    });
    for (int row = 0; row < lanes_; row += result_rows_) result_tiles(first, row);
  }

  // --- packing

  /// Query^T [depth][queries]: rows are read along the depth and transposed in registers.
  void pack_queries(Value* first) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Value* to = scratch_at(query_place_);
    const auto store = [&](Value* depth, Value* value) {
      Value* at = ir.CreateMul(depth, emit_.constant(lanes_));
      emit_.store_elements(emit_.element_pointer(to, type, at), type, value);
    };
    const Dim& depth = kernel_.depth.extent;
    if (!(modulo(depth, Dim(lanes_)) == Dim(0))) {
      emit_.for_loop(emit_.constant(0), emit_.dim(depth), 1, [&](Value* d) {
        emit_.bind(kernel_.depth.variable, d);
        store(d, emit_.emit_lanes(kernel_.query));
      });
      return;
    }
    emit_.for_loop(emit_.constant(0), emit_.dim(depth), lanes_, [&](Value* d) {
      std::vector<Value*> lines;
      for (int row = 0; row < lanes_; ++row) {
        emit_.scope([&] {
          emit_.bind(queries_.variable, ir.CreateAdd(first, emit_.constant(row)));
          emit_.bind_lanes(kernel_.depth.variable, d, lanes_);
          lines.push_back(emit_.emit_lanes(kernel_.query));
        });
      }
      lines = transpose(std::move(lines));
      for (int k = 0; k < lanes_; ++k) store(ir.CreateAdd(d, emit_.constant(k)), lines[k]);
    });
  }

  /// Exchanges blocks of 1, 2, 4, ... lanes between lines that far apart.
  std::vector<Value*> transpose(std::vector<Value*> x) {
    for (int distance = 1; distance < lanes_; distance *= 2) {
      std::vector<int> low, high;
      for (int k = 0; k < lanes_; ++k) {
        const bool own = (k & distance) == 0;
        low.push_back(own ? k : lanes_ + k - distance);
        high.push_back(own ? k + distance : lanes_ + k);
      }
      std::vector<Value*> y(x.size());
      for (int i = 0; i < lanes_; ++i) {
        if (i & distance) continue;
        y[i] = emit_.ir().CreateShuffleVector(x[i], x[i + distance], low);
        y[i + distance] = emit_.ir().CreateShuffleVector(x[i], x[i + distance], high);
      }
      x = std::move(y);
    }
    return x;
  }

  /// Value [keys][columns], with zeros up to whole vectors.
  void pack_values() {
    llvm::IRBuilder<>& ir = emit_.ir();
    Value* to = scratch_at(value_place_);
    if (padded_columns() != columns())
      ir.CreateMemSet(to, ir.getInt8(0),
                      emit_.dim(bytes(kernel_.keys.extent * Dim(padded_columns()))),
                      llvm::MaybeAlign(64));
    emit_.for_loop(emit_.constant(0), emit_.dim(kernel_.keys.extent), 1, [&](Value* key) {
      emit_.bind(kernel_.keys.variable, key);
      Value* line = ir.CreateMul(key, emit_.constant(padded_columns()));
      emit_fill(emit_, emit_.element_pointer(to, type, line), kernel_.value,
                kernel_.columns.variable, emit_.constant(0), emit_.constant(columns()),
                emit_.constant(0), lanes_);
    });
  }

  // --- the first product

  /// Tiles of keys; the last one begins early enough to be whole.
  void scores(const std::function<void()>& step) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Value* count = emit_.dim(kernel_.keys.extent);
    const auto tiles = [&] {
      Value* last = ir.CreateSub(count, emit_.constant(key_rows));
      emit_.for_loop(emit_.constant(0), count, key_rows, [&](Value* key) {
        score_tile(emit_smaller(emit_, key, last), key_rows, step);
      });
    };
    const auto singles = [&] {
      emit_.for_loop(emit_.constant(0), count, 1, [&](Value* key) { score_tile(key, 1, step); });
    };
    emit_.if_then(ir.CreateICmpSGE(count, emit_.constant(key_rows)), tiles, singles);
  }

  void score_tile(Value* key, int rows, const std::function<void()>& step) {
    Tile tile{type, rows, 1, lanes_, {}, nullptr, nullptr, nullptr, kernel_.depth.extent, nullptr};
    const RowSource source{key_, kernel_.key, kernel_.keys.variable, kernel_.depth.variable,
                           scratch_at(key_place_)};
    emit_rows(emit_, source, key, tile);
    tile.b = scratch_at(query_place_);
    tile.b_stride = emit_.constant(lanes_);
    const auto sums = emit_tile(emit_, tile);
    const Variable row = block_plan_.sweeps[0].axes.back().variable;
    for (int r = 0; r < rows; ++r) {
      emit_.scope([&] {
        emit_.bind(row, emit_.ir().CreateAdd(key, emit_.constant(r)));
        emit_.replace_loads(block_plan_.accumulated, [&](const Expr&) { return sums[r][0]; });
        step();
      });
    }
    emit_.keep_loads(block_plan_.accumulated);
  }

  // --- the second product

  void result_tiles(Value* first, int row) {
    const int64_t pieces = (vectors() + most_vectors - 1) / most_vectors;
    int64_t vector = 0;
    for (int64_t p = 0; p < pieces; ++p) {
      const int64_t width = (vectors() - vector + pieces - p - 1) / (pieces - p);
      emit_.scope([&] { result_tile(first, row, vector, static_cast<int>(width)); });
      vector += width;
    }
  }

  void result_tile(Value* first, int row, int64_t vector, int width) {
    llvm::IRBuilder<>& ir = emit_.ir();
    Tile tile{type,    result_rows_,        width,  lanes_, {}, nullptr, nullptr,
              nullptr, kernel_.keys.extent, nullptr};
    for (int r = 0; r < result_rows_; ++r)
      tile.a.push_back(
          emit_.element_pointer(block_stages_.row(kernel_.weights), type, emit_.constant(row + r)));
    tile.a_stride = emit_.constant(lanes_);
    tile.b = scratch_at(value_place_);
    tile.b_stride = emit_.constant(padded_columns());
    if (value_) {
      tile.b = emit_.element_pointer(emit_.buffer(value_->operand), type,
                                     emit_.emit(value_->rest.expr()));
      tile.b_stride = emit_.dim(value_->line);
    }
    tile.b = emit_.element_pointer(tile.b, type, emit_.constant(vector * lanes_));
    const auto sums = emit_tile(emit_, tile);
    emit_tile_output(emit_, tile, sums,
                     {queries_.variable, kernel_.columns.variable,
                      ir.CreateAdd(first, emit_.constant(row)), emit_.constant(vector * lanes_),
                      emit_.constant(columns()), (vector + width) * lanes_ <= columns(),
                      scratch_at(spill_place_), [&] { store_result(); }});
    emit_.keep_loads(MatmulKernel::accumulated);
  }

  void store_result() {
    const Expr output = replace_loads(kernel_.output, [&](const ExprNode& load) {
      if (load.input > StagedKernel::stage_load(0)) return Expr();
      return load_flat(block_plan_.first_stage + StagedKernel::stage_load(0) - load.input,
                       load.dtype, variable(queries_.variable));
    });
    Value* value = emit_.emit_lanes(output);
    const Dims& shape = kernel_.stages.outputs[0].shape;
    emit_.store(static_cast<int>(kernel_.operands.size()), linear(flatten_index(kernel_.at, shape)),
                value);
  }

  const AttentionKernel& kernel_;
  int lanes_, result_rows_;
  Axis queries_;
  StagedKernel rows_;
  SweepPlan row_plan_, block_plan_;
  Emitter emit_;
  StageEmitter row_stages_, block_stages_;
  std::optional<Affine> key_, value_;
  Dim query_place_, key_place_, value_place_, spill_place_, scratch_bytes_;
};

}  // namespace

CompiledKernel emit_attention_kernel(const AttentionKernel& kernel, const TargetInfo& target,
                                     llvm::Module& module, const std::string& symbol) {
  return AttentionEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
