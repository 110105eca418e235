// Loop kernels: walks a schedule (compiler/lower/schedule.h) with the emitter.
// Next: jit.cpp.
#include "compiler/backends/llvm/buffers.h"
#include "compiler/backends/llvm/interior.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/lower/schedule.h"

namespace dlc::llvm_backend {
namespace {

std::optional<int64_t> number(const Value* value) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value);
  if (constant == nullptr) return std::nullopt;
  return constant->getSExtValue();
}

class LoopEmitter {
 public:
  LoopEmitter(Emitter& emit, const LoopNest& nest, const LoopSchedule& schedule,
              const std::vector<Dims>& shapes, int first_output)
      : emit_(emit), nest_(nest), schedule_(schedule), first_output_(first_output) {
    Dim stride = 1;
    for (size_t k = nest.axes.size(); k-- > 0;) {
      position_.add_term(variable(nest.axes[k].variable), stride);
      stride = stride * nest.axes[k].extent;
    }
    if (schedule.across)
      loads_across_ = transposed_loads(nest.bodies, schedule.inner->variable,
                                       schedule.across->variable, shapes);
  }

  /// Which outputs may overwrite operands: where each element is done once, but for overlapping
  /// vectors of one loop.
  std::vector<InPlace> write_in_place(const LoopKernel& kernel) {
    if (schedule_.across) return {};
    if (schedule_.inner && !Interior(emit_, nest_.bodies, schedule_.inner->variable).empty())
      return {};
    return overwrite_operands(emit_, kernel, nest_.bodies, position_);
  }

  void run() {
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) {
      if (schedule_.across) return tiles(item);
      if (schedule_.chunk == 0) {
        emit_.bind_item(schedule_.outer, item);
        hoist(schedule_.middle, 0);
        return middle(0, nullptr);
      }
      middle(0, bind_chunked(item));
    });
  }

 private:
  /// Binds the outer axes; gives the number of the chunk.
  Value* bind_chunked(Value* item) {
    if (schedule_.outer.empty()) return item;
    Value* chunks = emit_.dim(chunk_count());
    emit_.bind_item(schedule_.outer, emit_.ir().CreateUDiv(item, chunks));
    return emit_.ir().CreateURem(item, chunks);
  }

  /// Rows of an item by square tiles: loads that are contiguous along the rows fill a tile column
  /// by column, which is transposed in registers.
  void tiles(Value* item) {
    constexpr int side = transposed_tile;
    llvm::IRBuilder<>& ir = emit_.ir();
    const int64_t rows = schedule_.across->extent.number(), step = schedule_.across_rows;
    Value* blocks = emit_.constant(rows / step);
    emit_.bind_item(schedule_.outer, ir.CreateUDiv(item, blocks));
    Value* block = ir.CreateURem(item, blocks);
    Value* begin = ir.CreateMul(block, emit_.constant(step));
    Value* is_last = ir.CreateICmpEQ(block, emit_.constant(rows / step - 1));
    Value* end =
        ir.CreateSelect(is_last, emit_.constant(rows), ir.CreateAdd(begin, emit_.constant(step)));
    const auto overlapping = [&](Value* from, Value* to, const Emitter::Body& body) {
      Value* last = ir.CreateSub(to, emit_.constant(side));
      emit_.for_loop(from, to, side, [&](Value* i) {
        body(ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, i, last));
      });
    };
    overlapping(emit_.constant(0), emit_.dim(schedule_.inner->extent),
                [&](Value* v) { overlapping(begin, end, [&](Value* row) { tile(row, v); }); });
  }

  void tile(Value* row, Value* v) {
    constexpr int side = transposed_tile;
    llvm::IRBuilder<>& ir = emit_.ir();
    std::vector<std::vector<Value*>> transposed;
    for (const Expr& e : loads_across_) {
      std::vector<Value*> lines;
      for (int k = 0; k < side; ++k) {
        emit_.scope([&] {
          emit_.bind(schedule_.inner->variable, ir.CreateAdd(v, emit_.constant(k)));
          emit_.bind_lanes(schedule_.across->variable, row, side);
          lines.push_back(emit_.emit_lanes(e));
        });
      }
      transposed.push_back(transpose(lines));
    }
    for (int k = 0; k < side; ++k) {
      emit_.scope([&] {
        emit_.bind(schedule_.across->variable, ir.CreateAdd(row, emit_.constant(k)));
        emit_.bind_lanes(schedule_.inner->variable, v, side);
        for (size_t i = 0; i < loads_across_.size(); ++i)
          emit_.assume(loads_across_[i], transposed[i][static_cast<size_t>(k)]);
        bodies();
      });
    }
  }

  /// Pairs within halves, pairs of pairs, halves: each step is one shuffle that stays within (or
  /// swaps) 128-bit halves of 32-bit elements.
  std::vector<Value*> transpose(std::vector<Value*> x) {
    llvm::IRBuilder<>& ir = emit_.ir();
    const auto step = [&](size_t distance, llvm::ArrayRef<int> low, llvm::ArrayRef<int> high) {
      std::vector<Value*> y(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        if (i & distance) continue;
        y[i] = ir.CreateShuffleVector(x[i], x[i + distance], low);
        y[i + distance] = ir.CreateShuffleVector(x[i], x[i + distance], high);
      }
      x = y;
    };
    step(1, {0, 8, 2, 10, 4, 12, 6, 14}, {1, 9, 3, 11, 5, 13, 7, 15});
    step(2, {0, 1, 8, 9, 4, 5, 12, 13}, {2, 3, 10, 11, 6, 7, 14, 15});
    step(4, {0, 1, 2, 3, 8, 9, 10, 11}, {4, 5, 6, 7, 12, 13, 14, 15});
    return x;
  }

  Dim chunk_count() const {
    const Dim& extent = schedule_.inner->extent;
    return maximum(Dim(1), floor_div(extent, Dim(schedule_.chunk)));
  }

  /// Emits ahead what the loops from the k-th middle one inwards do not change.
  void hoist(const std::vector<Axis>& loops, size_t k) {
    std::vector<Variable> inner;
    for (; k < loops.size(); ++k) inner.push_back(loops[k].variable);
    if (schedule_.inner) inner.push_back(schedule_.inner->variable);
    for (const Expr& body : nest_.bodies) emit_.hoist(body, inner);
  }

  void middle(size_t k, Value* chunk) {
    if (k == schedule_.middle.size()) return innermost(chunk);
    const Axis& axis = schedule_.middle[k];
    emit_.for_loop(emit_.constant(0), emit_.dim(axis.extent), 1, [&](Value* index) {
      emit_.bind(axis.variable, index);
      hoist(schedule_.middle, k + 1);
      middle(k + 1, chunk);
    });
  }

  void innermost(Value* chunk) {
    if (!schedule_.inner) return bodies();
    const Axis& axis = *schedule_.inner;
    Value *begin = emit_.constant(0), *end = emit_.dim(axis.extent);
    if (chunk == nullptr) return row(begin, end, false);
    llvm::IRBuilder<>& ir = emit_.ir();
    begin = ir.CreateMul(chunk, emit_.constant(schedule_.chunk));
    Value* last = ir.CreateSub(emit_.dim(chunk_count()), emit_.constant(1));
    Value* own_end = ir.CreateAdd(begin, emit_.constant(schedule_.chunk));
    end = ir.CreateSelect(ir.CreateICmpEQ(chunk, last), end, own_end);
    row(begin, end, axis.extent.is_number() && axis.extent.number() >= schedule_.chunk);
  }

  /// [begin, end) of the inner axis. Where loads are guarded, the parts in which no guard is needed
  /// get loops of their own.
  void row(Value* begin, Value* end, bool long_enough) {
    const Interior interior(emit_, nest_.bodies, schedule_.inner->variable);
    const auto plain = [&] { lanes(begin, end, schedule_.lanes, long_enough); };
    if (schedule_.lanes == 1 || interior.empty()) return plain();
    emit_.if_then(
        interior.row_is_inside(),
        [&] {
          interior.assume_row();
          if (!interior.has_columns()) return plain();
          split(interior, begin, end);
        },
        plain);
  }

  void split(const Interior& interior, Value* begin, Value* end) {
    const Interior::Range inside = interior.columns_inside(begin, end);
    const std::optional<int64_t> from = number(inside.begin), to = number(inside.end);
    const std::optional<int64_t> n = number(end);
    const int64_t most = 2 * schedule_.lanes;  // of a border that is written out
    if (interior.masks_are_cheap() && number(begin) == 0 && n && from && to &&
        *n >= schedule_.lanes && *from <= most && *n - *to <= most)
      return split_by_vectors(interior, *from, *to, *n);
    lanes(begin, inside.begin, schedule_.lanes, false);
    emit_.scope([&] {
      interior.assume_columns();
      lanes(inside.begin, inside.end, best_lanes(inside), false);
    });
    lanes(inside.end, end, schedule_.lanes, false);
  }

  /// Masked vectors at both ends, as many as the borders need, plain ones between them.
  void split_by_vectors(const Interior& interior, int64_t from, int64_t to, int64_t n) {
    const int64_t width = schedule_.lanes;
    const int64_t left = (from + width - 1) / width * width;
    const int64_t right = n - (n - to + width - 1) / width * width;
    if (right - left < width) {  // no room for a plain vector
      emit_.unrolled(0, (n + width - 1) / width,
                     [&](Value* k) { vector_at(std::min(*number(k) * width, n - width)); });
      return;
    }
    for (int64_t v = 0; v < left; v += width) vector_at(v);
    emit_.scope([&] {
      interior.assume_columns();
      lanes(emit_.constant(left), emit_.constant(right), schedule_.lanes, true);
    });
    for (int64_t v = right; v < n; v += width) vector_at(v);
  }

  void vector_at(int64_t v) {
    emit_.scope([&] {
      emit_.bind_lanes(schedule_.inner->variable, emit_.constant(v), schedule_.lanes);
      bodies();
    });
  }

  int best_lanes(const Interior::Range& range) {
    const std::optional<int64_t> count = number(emit_.ir().CreateSub(range.end, range.begin));
    return count ? choose_lanes(*count, schedule_.lanes, 1) : schedule_.lanes;
  }

  void lanes(Value* begin, Value* end, int lanes, bool long_enough) {
    emit_.lane_loop(
        schedule_.inner->variable, begin, end, lanes, [&] { bodies(); }, long_enough);
  }

  void bodies() {
    std::vector<Value*> values;
    for (const Expr& body : nest_.bodies) values.push_back(emit_.emit_lanes(body));
    for (size_t i = 0; i < values.size(); ++i)
      emit_.store(first_output_ + static_cast<int>(i), position_, values[i]);
  }

  Emitter& emit_;
  const LoopNest& nest_;
  const LoopSchedule& schedule_;
  int first_output_;
  Linear position_;
  std::vector<Expr> loads_across_;
};

}  // namespace

CompiledKernel emit_loop_kernel(const LoopKernel& kernel, const TargetInfo& target,
                                llvm::Module& module, const std::string& symbol) {
  const LoopNest nest = make_loop_nest(kernel);
  const LoopSchedule schedule = make_schedule(kernel, nest, target.vector_bits);
  Emitter emit(module, symbol, target, buffers_of(kernel, kernel.outputs));
  std::vector<Dims> shapes;
  for (const Type& type : kernel.operands) shapes.push_back(type.shape);
  LoopEmitter loops(emit, nest, schedule, shapes, static_cast<int>(kernel.operands.size()));
  CompiledKernel result;
  result.in_place = loops.write_in_place(kernel);
  loops.run();
  emit.finish();
  result.params = emit.params();
  result.items = schedule.items;
  result.item_cost = schedule.item_cost;
  result.schedule = schedule.summary;
  result.loops = schedule.text;
  return result;
}

}  // namespace dlc::llvm_backend
