// Convolution as a matrix product without a matrix: rows of the tile are output pixels, columns
// output channels, and k runs over kernel positions and input channels of the block in scratch (see
// convolution_plan.h).
//
//   item = (image, outer positions, block of rows, group, block of channels):
//     copy the block; for panel of channels: for tile of pixels: sums over runs of k; epilogue
#include <algorithm>
#include <cstring>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/convolution_output.h"
#include "compiler/backends/llvm/convolution_plan.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/expr/interpret.h"
#include "compiler/expr/simplify.h"

namespace dlc::llvm_backend {
namespace {

/// [group][panel][taps..., channel][width of the panel] from W [m, c, taps...].
Tensor pack_weights(const ConvolutionPlan& plan, const float* w) {
  const int64_t taps = plan.tap_count(), depth = plan.depth();
  int64_t width = 0;
  for (int64_t panel = 0; panel < plan.panels; ++panel) width += plan.panel_width(panel);
  Tensor packed = Tensor::allocate(DType::f32, {plan.group * depth * width});
  float* to = packed.as_mutable<float>().data();
  for (int64_t g = 0; g < plan.group; ++g) {
    for (int64_t panel = 0; panel < plan.panels; ++panel) {
      const int64_t first = panel * plan.tile.columns(), padded = plan.panel_width(panel);
      const int64_t columns = std::min<int64_t>(padded, plan.maps - first);
      const float* from = w + (g * plan.maps + first) * depth;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t c = 0; c < plan.channels; ++c, to += padded) {
          for (int64_t m = 0; m < columns; ++m) to[m] = from[m * depth + c * taps + tap];
        }
      }
    }
  }
  return packed;
}

class ConvolutionEmitter {
 public:
  ConvolutionEmitter(const ConvolutionKernel& kernel, const TargetInfo& target,
                     llvm::Module& module, const std::string& symbol)
      : kernel_(kernel),
        plan_(kernel, target),
        weights_(kernel),
        emit_(module, symbol, target, buffers_of(kernel, {&kernel.output, 1})),
        output_(kernel) {
    for (const ConvolutionAxis& axis : plan_.outer)
      outer_.push_back({fresh_variable(), axis.output});
    make_input();
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items =
        plan_.batch * outer_positions() * plan_.row_blocks * plan_.group * plan_.channel_blocks;
    code.item_cost = plan_.pixels_per_item() * plan_.depth() * plan_.panels_per_item *
                     std::max(1, plan_.tile.columns() / 16);
    code.scratch_bytes = (spill_at() + plan_.tile.rows * plan_.tile.columns()) * 4;
    code.in_place = output_.write_in_place(emit_, kernel_);
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) { emit_item(item); });
    emit_.finish();
    code.params = emit_.params();
    if (weights_.exist()) {
      code.packings.push_back(
          weights_.packing([plan = plan_](const float* w) { return pack_weights(plan, w); }));
    }
    const auto size = [](const Dim& dim, const char* otherwise) {
      return dim.is_number() ? dim.to_string() : otherwise;
    };
    code.schedule =
        fmt::format("convolution, {} rows x {} pixels, {} channels, k {}, tile {}x{}",
                    size(plan_.rows_per_item, "as many"), size(plan_.columns.output, "all"),
                    plan_.maps, plan_.depth(), plan_.tile.rows, plan_.tile.columns());
    code.loops = code.schedule;
    return code;
  }

 private:
  // --- formulas over this emitter's variables

  /// Element of X at input positions input_row_, input_column_ and fixed outer ones.
  void make_input() {
    Indices at = {variable(output_.image)};
    Ranges ranges = {
        {output_.image, plan_.batch}, {output_.group, plan_.group}, {channel_, plan_.channels}};
    for (const ConvolutionAxis& axis : plan_.outer) {
      outer_input_.push_back(fresh_variable());
      ranges[outer_input_.back()] = axis.input;
      at.push_back(variable(outer_input_.back()));
    }
    ranges[input_row_] = plan_.rows.input;
    at.push_back(variable(input_row_));
    if (plan_.taps.size() > 1) {
      ranges[input_column_] = plan_.columns.input;
      at.push_back(variable(input_column_));
    }
    at.push_back(variable(output_.group) * static_cast<double>(plan_.channels) +
                 variable(channel_));
    input_ = with_flat_operands(kernel_.x.at(at), kernel_, ranges);
  }

  // --- scratch: the block, a panel of weights that are not packed ahead, a tile for partial output

  Dim weights_at() const { return plan_.block_elements(); }
  Dim spill_at() const {
    return weights_at() + (weights_.exist() ? 0 : plan_.depth() * plan_.tile.columns());
  }
  Value* scratch_at(const Dim& elements) { return scratch_at(emit_.dim(elements)); }
  Value* scratch_at(Value* elements) {
    return emit_.element_pointer(emit_.scratch(), DType::f32, elements);
  }

  Dim outer_positions() const {
    Dim count = 1;
    for (const ConvolutionAxis& axis : plan_.outer) count = count * axis.output;
    return count;
  }

  // --- one item

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    const Variable block = fresh_variable(), channels = fresh_variable();
    std::vector<Axis> axes = {{output_.image, plan_.batch}};
    axes.insert(axes.end(), outer_.begin(), outer_.end());
    axes.insert(axes.end(), {{block, plan_.row_blocks},
                             {output_.group, plan_.group},
                             {channels, plan_.channel_blocks}});
    emit_.bind_item(axes, item);
    first_row_ = ir.CreateMul(emit_.emit(variable(block)), emit_.dim(plan_.rows_per_item));
    Value* rest = ir.CreateSub(emit_.dim(plan_.rows.output), first_row_);
    rows_ = emit_smaller(emit_, emit_.dim(plan_.rows_per_item), rest);
    copy_block();
    Value* columns = emit_.dim(plan_.columns.output);
    pixels_ = ir.CreateMul(rows_, columns);
    Value* row = first_row_;
    if (!plan_.outer.empty()) {
      Value* outer = emit_.constant(0);
      for (const Axis& axis : outer_) {
        outer = ir.CreateAdd(ir.CreateMul(outer, emit_.dim(axis.extent)),
                             emit_.emit(variable(axis.variable)));
      }
      row = ir.CreateAdd(ir.CreateMul(outer, emit_.dim(plan_.rows.output)), row);
    }
    first_pixel_ = ir.CreateMul(row, columns);
    Value* begin = ir.CreateMul(emit_.emit(variable(channels)), emit_.dim(plan_.panels_per_item));
    Value* end = emit_smaller(emit_, ir.CreateAdd(begin, emit_.dim(plan_.panels_per_item)),
                              emit_.constant(plan_.panels));
    emit_panels(begin, end);
  }

  /// Panels are all alike but for the last one, which may be narrower or not full.
  void emit_panels(Value* begin, Value* end) {
    auto& ir = emit_.ir();
    const int64_t last = plan_.panels - 1;
    const int narrow = static_cast<int>(plan_.panel_width(last)) / plan_.tile.lanes;
    const bool full = plan_.maps % plan_.tile.lanes == 0;
    if (narrow == plan_.tile.vectors && full) {
      emit_.for_loop(begin, end, 1, [&](Value* panel) { emit_panel(panel, narrow, true); });
      return;
    }
    emit_.for_loop(begin, emit_smaller(emit_, end, emit_.constant(last)), 1,
                   [&](Value* panel) { emit_panel(panel, plan_.tile.vectors, true); });
    emit_.if_then(ir.CreateICmpEQ(end, ir.getInt64(plan_.panels)),
                  [&] { emit_panel(emit_.constant(last), narrow, full); });
  }

  void emit_panel(Value* panel, int vectors, bool full) {
    auto& ir = emit_.ir();
    Value* weights = weights_of(panel, vectors);
    const int64_t rows = plan_.tile.rows;
    const auto tiles = [&] {
      Value* last = ir.CreateSub(pixels_, ir.getInt64(rows));
      emit_.for_loop(emit_.constant(0), pixels_, rows, [&](Value* pixel) {
        // The last tile begins early enough to be whole: some pixels are computed twice, alike.
        Value* begin = emit_smaller(emit_, pixel, last);
        emit_tile_at(panel, weights, begin, ir.CreateSub(pixel, begin), static_cast<int>(rows),
                     vectors, full);
      });
    };
    emit_.if_then(ir.CreateICmpSGE(pixels_, ir.getInt64(rows)), tiles, [&] {
      emit_.for_loop(emit_.constant(0), pixels_, 1, [&](Value* pixel) {
        emit_tile_at(panel, weights, pixel, emit_.constant(0), 1, vectors, full);
      });
    });
  }

  /// `done`: how many of the tile's pixels the tile before has stored.
  void emit_tile_at(Value* panel, Value* weights, Value* pixel, Value* done, int rows, int vectors,
                    bool full) {
    auto& ir = emit_.ir();
    const int width = vectors * plan_.tile.lanes;
    Tile tile{DType::f32,  rows,    vectors, plan_.tile.lanes,
              {},          nullptr, nullptr, emit_.constant(width),
              plan_.run(), nullptr};
    tile.most_sums = most_rows() * (plan_.panels > 1 ? plan_.tile.vectors : vectors);
    std::vector<Value*> starts;
    for (int r = 0; r < rows; ++r)
      starts.push_back(pixel_start(ir.CreateAdd(pixel, ir.getInt64(r))));
    const Accumulators accumulators = begin_tile(emit_, tile);
    emit_.for_loop(emit_.constant(0), emit_.constant(plan_.run_count()), 1, [&](Value* run) {
      Value* offset = run_offset(run);
      for (int r = 0; r < rows; ++r) {
        tile.a.push_back(emit_.element_pointer(starts[r], DType::f32, offset));
      }
      tile.b = emit_.element_pointer(weights, DType::f32,
                                     ir.CreateMul(run, ir.getInt64(plan_.run() * width)));
      accumulate_tile(emit_, tile, accumulators);
    });
    const Sums sums = end_tile(emit_, tile, accumulators);
    TileOutput output{output_.pixel,
                      output_.channel,
                      ir.CreateAdd(first_pixel_, pixel),
                      ir.CreateMul(panel, ir.getInt64(plan_.tile.columns())),
                      emit_.constant(plan_.maps),
                      full,
                      scratch_at(spill_at()),
                      [&] { output_.store(emit_); }};
    // What overwrites an operand is stored once.
    Value* store_all = emit_.overwrites() ? ir.CreateICmpEQ(done, ir.getInt64(0)) : ir.getTrue();
    emit_.if_then(
        store_all, [&] { emit_tile_output(emit_, tile, sums, output); },
        [&] {
          emit_spill(emit_, tile, sums, output.spill, width);
          TileOutput rest = output;
          rest.first_row = ir.CreateAdd(output.first_row, done);
          rest.spill = emit_.element_pointer(output.spill, DType::f32,
                                             ir.CreateMul(done, ir.getInt64(width)));
          emit_spilled_output(emit_, tile, width, ir.CreateSub(ir.getInt64(rows), done), rest);
        });
  }

  /// Of the tiles of all items, of which the last may have few pixels.
  int most_rows() const {
    const Dim pixels = plan_.pixels_per_item();
    return pixels.is_number() && pixels.number() < plan_.tile.rows ? 1 : plan_.tile.rows;
  }

  /// Where the window of the item's n-th pixel begins in scratch.
  Value* pixel_start(Value* pixel) {
    auto& ir = emit_.ir();
    Value* columns = emit_.dim(plan_.columns.output);
    Value* row = ir.CreateUDiv(pixel, columns);
    Value* column = ir.CreateURem(pixel, columns);
    const Dim row_step = plan_.row_elements() * plan_.rows.scratch_stride();
    const int64_t column_step = plan_.columns.scratch_stride() * plan_.channels;
    return scratch_at(ir.CreateAdd(ir.CreateMul(row, emit_.dim(row_step)),
                                   ir.CreateMul(column, ir.getInt64(column_step))));
  }

  /// Where the n-th run of a window begins, from the window's start.
  Value* run_offset(Value* run) {
    auto& ir = emit_.ir();
    std::vector<int64_t> counts = plan_.taps;
    if (plan_.run() > plan_.channels || counts.back() == 1) counts.back() = 1;
    Value* offset = emit_.constant(0);
    const auto take = [&](int64_t count, const Dim& step) {
      if (count == 1) return;
      Value* tap = ir.CreateURem(run, ir.getInt64(count));
      run = ir.CreateUDiv(run, ir.getInt64(count));
      offset = ir.CreateAdd(offset, ir.CreateMul(tap, emit_.dim(step)));
    };
    size_t d = counts.size();
    if (d > 1) take(counts[--d], plan_.columns.dilation * plan_.channels);
    take(counts[--d], plan_.row_elements() * plan_.rows.dilation);
    Dim step = plan_.scratch_rows() * plan_.row_elements();
    while (d > 0) {
      take(counts[--d], step);
      step = step * plan_.outer[d].kernel;
    }
    return offset;
  }

  // --- the block of input

  void copy_block() {
    auto& ir = emit_.ir();
    Value* rows = scratch_rows_needed();
    emit_.for_loop(emit_.constant(0), emit_.dim(plan_.outer_taps()), 1, [&](Value* tap) {
      Value* inside = bind_outer_input(tap);
      emit_.for_loop(emit_.constant(0), rows, 1, [&](Value* row) {
        Value* first = ir.CreateMul(first_row_, ir.getInt64(plan_.rows.stride));
        Value* position = ir.CreateAdd(
            first, ir.CreateSub(ir.CreateMul(row, ir.getInt64(plan_.rows.input_step())),
                                ir.getInt64(plan_.rows.pad)));
        Value* line = ir.CreateAdd(ir.CreateMul(tap, emit_.dim(plan_.scratch_rows())), row);
        Value* to = scratch_at(ir.CreateMul(line, emit_.dim(plan_.row_elements())));
        emit_.bind(input_row_, position);
        emit_.if_then(
            ir.CreateAnd(inside, is_position(position, plan_.rows.input)), [&] { copy_row(to); },
            [&] { clear(to, emit_.constant(0), emit_.dim(plan_.scratch_columns())); });
      });
    });
  }

  /// Rows of scratch that the item's own number of output rows needs.
  Value* scratch_rows_needed() {
    auto& ir = emit_.ir();
    Value* steps =
        ir.CreateMul(ir.CreateSub(rows_, ir.getInt64(1)), ir.getInt64(plan_.rows.scratch_stride()));
    return ir.CreateAdd(steps, ir.getInt64((plan_.rows.kernel - 1) * plan_.rows.dilation + 1));
  }

  /// Binds the input positions of the outer axes for a tap; gives whether they exist.
  Value* bind_outer_input(Value* tap) {
    auto& ir = emit_.ir();
    Value* inside = ir.getTrue();
    for (size_t d = plan_.outer.size(); d-- > 0;) {
      const ConvolutionAxis& axis = plan_.outer[d];
      Value* own = ir.CreateURem(tap, ir.getInt64(axis.kernel));
      tap = ir.CreateUDiv(tap, ir.getInt64(axis.kernel));
      Value* start =
          ir.CreateMul(emit_.emit(variable(outer_[d].variable)), ir.getInt64(axis.stride));
      Value* position =
          ir.CreateSub(ir.CreateAdd(start, ir.CreateMul(own, ir.getInt64(axis.dilation))),
                       ir.getInt64(axis.pad));
      emit_.bind(outer_input_[d], position);
      inside = ir.CreateAnd(inside, is_position(position, axis.input));
    }
    return inside;
  }

  Value* is_position(Value* position, const Dim& extent) {
    return emit_.ir().CreateICmpULT(position, emit_.dim(extent));  // negative ones are large
  }

  /// Columns of one row: zeros, what the input has, zeros.
  void copy_row(Value* to) {
    auto& ir = emit_.ir();
    const ConvolutionAxis& axis = plan_.columns;
    Value* all = emit_.dim(plan_.scratch_columns());
    Value* step = ir.getInt64(axis.input_step());
    Value* begin = ir.getInt64((axis.pad + axis.input_step() - 1) / axis.input_step());
    begin = emit_smaller(emit_, begin, all);
    // The last input position, input - 1, is column (input - 1 + pad) / step.
    Value* end = ir.CreateUDiv(
        ir.CreateAdd(emit_.dim(axis.input), ir.getInt64(axis.pad + axis.input_step() - 1)), step);
    end = emit_larger(emit_, emit_smaller(emit_, end, all), begin);
    clear(to, emit_.constant(0), begin);
    copy_columns(to, begin, end);
    clear(to, end, all);
  }

  void clear(Value* row, Value* begin, Value* end) {
    auto& ir = emit_.ir();
    Value* from =
        emit_.element_pointer(row, DType::f32, ir.CreateMul(begin, ir.getInt64(plan_.channels)));
    Value* bytes = ir.CreateMul(ir.CreateSub(end, begin), ir.getInt64(plan_.channels * 4));
    ir.CreateMemSet(from, ir.getInt8(0), bytes, llvm::MaybeAlign(4));
  }

  void copy_columns(Value* to, Value* begin, Value* end) {
    auto& ir = emit_.ir();
    const ConvolutionAxis& axis = plan_.columns;
    const auto position = [&](Value* column) {
      return ir.CreateSub(ir.CreateMul(column, ir.getInt64(axis.input_step())),
                          ir.getInt64(axis.pad));
    };
    const auto place = affine(input_, input_column_, channel_, DType::f32, kernel_.operands);
    const bool adjacent = place && place->k == Dim(1) && axis.input_step() == 1 &&
                          (place->line == Dim(plan_.channels) || plan_.taps.size() == 1);
    if (adjacent) {
      emit_.bind(input_column_, position(begin));
      emit_.bind(channel_, emit_.constant(0));
      Value* from =
          emit_.element_pointer(emit_.buffer(place->operand), DType::f32,
                                load_offset(input_.node(), kernel_.operands[place->operand].shape));
      Value* start =
          emit_.element_pointer(to, DType::f32, ir.CreateMul(begin, ir.getInt64(plan_.channels)));
      Value* bytes = ir.CreateMul(ir.CreateSub(end, begin), ir.getInt64(plan_.channels * 4));
      ir.CreateMemCpy(start, llvm::MaybeAlign(4), from, llvm::MaybeAlign(4), bytes);
      return;
    }
    emit_.for_loop(begin, end, 1, [&](Value* column) {
      emit_.bind(input_column_, position(column));
      Value* pixel =
          emit_.element_pointer(to, DType::f32, ir.CreateMul(column, ir.getInt64(plan_.channels)));
      copy_pixel(pixel);
    });
  }

  void copy_pixel(Value* to) {
    constexpr int64_t few = 8;
    if (plan_.channels > few) {
      emit_fill(emit_, to, input_, channel_, emit_.constant(0), emit_.constant(plan_.channels),
                emit_.constant(0), plan_.tile.lanes);
      return;
    }
    emit_.unrolled(0, plan_.channels, [&](Value* channel) {
      emit_.bind(channel_, channel);
      emit_.store_elements(emit_.element_pointer(to, DType::f32, channel), DType::f32,
                           emit_.emit(input_));
    });
  }

  // --- weights

  /// The panel's weights; those that are not packed ahead are gathered into scratch.
  Value* weights_of(Value* panel, int vectors) {
    auto& ir = emit_.ir();
    if (!weights_.exist()) return gather_weights(panel, vectors);
    int64_t group_width = 0;
    for (int64_t p = 0; p < plan_.panels; ++p) group_width += plan_.panel_width(p);
    Value* group =
        ir.CreateMul(emit_.emit(variable(output_.group)), ir.getInt64(group_width * plan_.depth()));
    Value* own = ir.CreateMul(panel, ir.getInt64(plan_.tile.columns() * plan_.depth()));
    return emit_.element_pointer(emit_.buffer(weights_.operand()), DType::f32,
                                 ir.CreateAdd(group, own));
  }

  Value* gather_weights(Value* panel, int vectors) {
    auto& ir = emit_.ir();
    const Variable tap = fresh_variable();
    Indices at = {
        variable(output_.group) * static_cast<double>(plan_.maps) + variable(output_.channel),
        variable(channel_)};
    Dims taps(plan_.taps.begin(), plan_.taps.end());
    for (const Expr& e : unflatten_index(variable(tap), taps)) at.push_back(e);
    const Expr body = with_flat_operands(kernel_.w.at(at), kernel_,
                                         {{output_.group, plan_.group},
                                          {output_.channel, plan_.maps},
                                          {channel_, plan_.channels},
                                          {tap, plan_.tap_count()}});
    const int width = vectors * plan_.tile.lanes;
    Value* first = ir.CreateMul(panel, ir.getInt64(plan_.tile.columns()));
    Value* end =
        emit_smaller(emit_, ir.CreateAdd(first, ir.getInt64(width)), emit_.constant(plan_.maps));
    Value* to = scratch_at(weights_at());
    ir.CreateMemSet(to, ir.getInt8(0), ir.getInt64(plan_.depth() * width * 4), llvm::MaybeAlign(4));
    emit_.for_loop(emit_.constant(0), emit_.constant(plan_.tap_count()), 1, [&](Value* t) {
      emit_.bind(tap, t);
      emit_.for_loop(emit_.constant(0), emit_.constant(plan_.channels), 1, [&](Value* c) {
        emit_.bind(channel_, c);
        Value* k = ir.CreateAdd(ir.CreateMul(t, ir.getInt64(plan_.channels)), c);
        Value* row = emit_.element_pointer(to, DType::f32, ir.CreateMul(k, ir.getInt64(width)));
        emit_fill(emit_, row, body, output_.channel, first, end, first, plan_.tile.lanes);
      });
    });
    return to;
  }

  const ConvolutionKernel& kernel_;
  const ConvolutionPlan plan_;
  const ConstantWeights weights_;
  Emitter emit_;
  std::vector<Axis> outer_;
  std::vector<Variable> outer_input_;
  const ConvolutionOutput output_;
  const Variable channel_ = fresh_variable(), input_row_ = fresh_variable(),
                 input_column_ = fresh_variable();
  Expr input_;
  Value *first_row_ = nullptr, *rows_ = nullptr, *pixels_ = nullptr, *first_pixel_ = nullptr;
};

}  // namespace

CompiledKernel emit_convolution_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                       llvm::Module& module, const std::string& symbol) {
  return ConvolutionEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
