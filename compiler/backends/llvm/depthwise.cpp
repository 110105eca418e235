// Depthwise convolution, channels last: each channel by itself, so lanes are channels. A stretch of
// output columns is computed together: every input vector is loaded once for all of them, and the
// kernel's row of weights stays in registers.
//
//   item = (image, output row):  for stretch of columns: for channels by vectors:
//     sums of all columns += over kernel rows, input columns
//
// If the width is known, the stretches at the left and right border have code of their own, without
// the columns that are padding; if not, columns near a border go one by one and test what they
// read. Rows that are padding are skipped. Next: convolution_output.h.
#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/convolution_output.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/backends/llvm/tile.h"
#include "compiler/expr/interpret.h"
#include "compiler/expr/simplify.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t item_operations = 1 << 16;  ///< wanted of an item, at least

/// Columns of a stretch: with a row of weights and one input vector they fill the registers; fewer
/// if the last stretch then repeats less.
int64_t choose_columns(const Dim& width, int64_t kernel, int registers) {
  const int64_t most = std::clamp<int64_t>(registers - kernel - 1, 2, 14);
  if (!width.is_number()) return most;
  int64_t best = 1, least = 1 << 30;
  for (int64_t columns = std::min(most, width.number()); columns >= 1; --columns) {
    const int64_t time = (width.number() + columns - 1) / columns * (columns + 2);
    if (time >= least) continue;
    least = time;
    best = columns;
  }
  return best;
}

/// [tap][channel] from [channel][tap].
Tensor transposed(const float* w, int64_t channels, int64_t taps) {
  Tensor packed = Tensor::allocate(DType::f32, {taps * channels});
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      packed.as_mutable<float>()[tap * channels + c] = w[c * taps + tap];
    }
  }
  return packed;
}

class DepthwiseEmitter {
 public:
  DepthwiseEmitter(const ConvolutionKernel& kernel, const TargetInfo& target, llvm::Module& module,
                   const std::string& symbol)
      : kernel_(kernel),
        p_(kernel.parameters),
        weights_(kernel),
        emit_(module, symbol, target, buffers_of(kernel, {&kernel.output, 1})),
        output_(kernel),
        channels_(kernel.w.shape()[0].number()),
        lanes_(target.vector_bits / 32) {
    const Dims x = kernel.x.shape(), w = kernel.w.shape(), y = kernel.output.shape();
    const size_t last = x.size() - 3, first = kernel.row_major ? 2 : 1;  // last: of spatial axes
    has_rows_ = last > 0;
    if (has_rows_) {
      input_rows_ = x[1];
      rows_ = y[first];
      row_taps_ = w[2].number();
    }
    input_width_ = x[1 + last];
    width_ = y[first + last];
    taps_ = w[2 + last].number();
    stride_ = p_.strides[last];
    dilation_ = p_.dilations[last];
    pad_ = p_.pads_begin[last];
    columns_ = choose_columns(width_, taps_, target.vector_registers);
    make_input();
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items = ceil_div(kernel_.x.shape()[0] * rows_, rows_per_item());
    code.item_cost = rows_per_item() * floor_div(row_operations(), 4);
    if (!weights_.exist()) code.scratch_bytes = channels_ * row_taps_ * taps_ * 4;
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) { emit_item(item); });
    emit_.finish();
    code.params = emit_.params();
    if (weights_.exist()) {
      code.packings.push_back(
          weights_.packing([channels = channels_, taps = row_taps_ * taps_](const float* w) {
            return transposed(w, channels, taps);
          }));
    }
    code.schedule =
        fmt::format("depthwise convolution, {} channels, {} columns at a time, {}x{} taps",
                    channels_, columns_, row_taps_, taps_);
    code.loops = code.schedule;
    return code;
  }

 private:
  Dim row_operations() const { return width_ * (channels_ * row_taps_ * taps_); }
  Dim rows_per_item() const {
    return maximum(floor_div(Dim(item_operations), maximum(row_operations(), 1)), 1);
  }

  /// Element of X at input_row_, input_column_.
  void make_input() {
    Indices at = {variable(output_.image)};
    Ranges ranges = {{output_.image, kernel_.x.shape()[0]}, {output_.group, channels_}};
    if (has_rows_) {
      at.push_back(variable(input_row_));
      ranges[input_row_] = input_rows_;
    }
    at.push_back(variable(input_column_));
    ranges[input_column_] = input_width_;
    at.push_back(variable(output_.group));
    input_ = with_flat_operands(kernel_.x.at(at), kernel_, ranges);
  }

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    if (!weights_.exist()) gather_weights();
    Value* all = emit_.dim(kernel_.x.shape()[0] * rows_);
    Value* begin = ir.CreateMul(item, emit_.dim(rows_per_item()));
    Value* own_end = ir.CreateAdd(begin, emit_.dim(rows_per_item()));
    Value* end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, own_end, all);
    emit_.for_loop(begin, end, 1, [&](Value* line) {
      const Variable row = fresh_variable();
      const std::vector<Axis> axes = {{output_.image, kernel_.x.shape()[0]}, {row, rows_}};
      emit_.bind_item(axes, line);
      emit_row(emit_.emit(variable(row)));
    });
  }

  void emit_row(Value* row) {
    row_ = row;
    if (width_.is_number() && input_width_.is_number()) {
      emit_known_row();
    } else {
      emit_any_row();
    }
  }

  /// Stretches [first, first + columns_); the last one ends at the width, repeating columns.
  void emit_known_row() {
    auto& ir = emit_.ir();
    const int64_t width = width_.number(), count = (width + columns_ - 1) / columns_;
    const auto start = [&](int64_t stretch) {
      return std::min(stretch * columns_, width - columns_);
    };
    // Whether all that a stretch reads is input, not padding.
    const auto is_inside = [&](int64_t first) {
      const int64_t left = first * stride_ - pad_;
      return left >= 0 && left + input_columns(columns_) <= input_width_.number();
    };
    const auto border = [&](int64_t stretch) {
      emit_stretch(emit_.constant(start(stretch)), columns_, true);
    };
    int64_t from = 0, to = count;
    while (from < to && !is_inside(start(from))) border(from++);
    while (to > from && (!is_inside(start(to - 1)) || start(to - 1) % columns_ != 0)) --to;
    emit_.for_loop(emit_.constant(from), emit_.constant(to), 1, [&](Value* stretch) {
      emit_stretch(ir.CreateMul(stretch, ir.getInt64(columns_)), columns_, false);
    });
    for (; to < count; ++to) border(to);
  }

  void emit_any_row() {
    auto& ir = emit_.ir();
    Value* width = emit_.dim(width_);
    // The first and, exclusive, the last column at which a stretch reads input only.
    Value* from = emit_smaller(emit_, ir.getInt64((pad_ + stride_ - 1) / stride_), width);
    Value* room =
        ir.CreateSub(emit_.dim(input_width_), ir.getInt64(input_columns(columns_) - pad_));
    Value* to = ir.CreateAdd(ir.CreateSDiv(room, ir.getInt64(stride_)), ir.getInt64(1));
    to = ir.CreateSelect(ir.CreateICmpSLT(room, ir.getInt64(0)), ir.getInt64(0), to);
    to = emit_smaller(emit_, to, ir.CreateSub(width, ir.getInt64(columns_ - 1)));
    Value* rest = emit_.local(ir.getInt64Ty(), "rest");  // the first column after the stretches
    ir.CreateStore(from, rest);
    const auto single = [&](Value* column) { emit_stretch(column, 1, true); };
    emit_.for_loop(emit_.constant(0), from, 1, single);
    emit_.for_loop(from, to, columns_, [&](Value* first) {
      emit_stretch(first, columns_, false);
      ir.CreateStore(ir.CreateAdd(first, ir.getInt64(columns_)), rest);
    });
    emit_.for_loop(ir.CreateLoad(ir.getInt64Ty(), rest), width, 1, single);
  }

  int64_t input_columns(int64_t columns) const {
    return (columns - 1) * stride_ + (taps_ - 1) * dilation_ + 1;
  }

  /// `border`: some input columns may be padding.
  void emit_stretch(Value* first, int64_t columns, bool border) {
    emit_.scope([&] {
      std::vector<Value*> valid;
      for (int64_t tap = 0; tap < row_taps_; ++tap) valid.push_back(bind_row(tap).second);
      emit_.lane_loop(output_.group, emit_.constant(0), emit_.constant(channels_), lanes_,
                      [&] { emit_vector(first, columns, border, valid); });
    });
  }

  /// The input row of a kernel row, and whether it exists.
  std::pair<Value*, Value*> bind_row(int64_t tap) {
    auto& ir = emit_.ir();
    if (!has_rows_) return {nullptr, ir.getTrue()};
    Value* start = ir.CreateMul(row_, ir.getInt64(p_.strides[0]));
    Value* row = ir.CreateAdd(start, ir.getInt64(tap * p_.dilations[0] - p_.pads_begin[0]));
    emit_.bind(input_row_, row);
    return {row, ir.CreateICmpULT(row, emit_.dim(input_rows_))};
  }

  void emit_vector(Value* first, int64_t columns, bool border, const std::vector<Value*>& valid) {
    auto& ir = emit_.ir();
    llvm::Type* type = with_lanes(ir.getFloatTy(), emit_.lanes());
    std::vector<Value*> sums;
    for (int64_t c = 0; c < columns; ++c) {
      sums.push_back(emit_.local(type));
      ir.CreateStore(llvm::Constant::getNullValue(type), sums.back());
    }
    for (int64_t tap = 0; tap < row_taps_; ++tap) {
      emit_.if_then(valid[tap], [&] {
        bind_row(tap);
        accumulate_row(first, border, tap, sums);
      });
    }
    for (int64_t c = 0; c < columns; ++c)
      store(ir.CreateAdd(first, ir.getInt64(c)), ir.CreateLoad(type, sums[c]));
  }

  /// Adds what one kernel row gives: each input column once, to all output columns that it is in.
  void accumulate_row(Value* first, bool border, int64_t row_tap, const std::vector<Value*>& sums) {
    auto& ir = emit_.ir();
    std::vector<Value*> weights;
    for (int64_t tap = 0; tap < taps_; ++tap) weights.push_back(weight(row_tap * taps_ + tap));
    Value* left = ir.CreateSub(ir.CreateMul(first, ir.getInt64(stride_)), ir.getInt64(pad_));
    for (int64_t j = 0; j < input_columns(static_cast<int64_t>(sums.size())); ++j) {
      Value* column = ir.CreateAdd(left, ir.getInt64(j));
      Value* exists = border ? ir.CreateICmpULT(column, emit_.dim(input_width_)) : ir.getTrue();
      emit_.if_then(exists, [&] { accumulate_column(column, j, weights, sums); });
    }
  }

  void accumulate_column(Value* column, int64_t j, const std::vector<Value*>& weights,
                         const std::vector<Value*>& sums) {
    auto& ir = emit_.ir();
    llvm::Type* type = with_lanes(ir.getFloatTy(), emit_.lanes());
    Value* x = nullptr;
    for (int64_t tap = 0; tap < taps_; ++tap) {
      const int64_t offset = j - tap * dilation_;
      if (offset < 0 || offset % stride_ != 0) continue;
      if (offset / stride_ >= static_cast<int64_t>(sums.size())) continue;
      if (x == nullptr) x = load_input(column);
      Value* sum = sums[offset / stride_];
      Value* value = ir.CreateIntrinsic(llvm::Intrinsic::fmuladd, {type},
                                        {x, weights[tap], ir.CreateLoad(type, sum)});
      ir.CreateStore(value, sum);
    }
  }

  Value* load_input(Value* column) {
    Value* x = nullptr;
    emit_.scope([&] {
      emit_.bind(input_column_, column);
      x = emit_.emit_lanes(input_);
    });
    return x;
  }

  void store(Value* column, Value* sum) {
    auto& ir = emit_.ir();
    emit_.scope([&] {
      emit_.bind(output_.channel, emit_.constant(0));
      emit_.bind(output_.pixel, ir.CreateAdd(ir.CreateMul(row_, emit_.dim(width_)), column));
      emit_.replace_loads(MatmulKernel::accumulated, [&](const Expr&) { return sum; });
      output_.store(emit_);
    });
  }

  // --- weights: [tap][channel]

  Value* weight(int64_t tap) {
    Value* base = weights_.exist() ? emit_.buffer(weights_.operand()) : emit_.scratch();
    Value* row = emit_.element_pointer(base, DType::f32, emit_.constant(tap * channels_));
    Value* channel = emit_.first_lane(linear(variable(output_.group)));
    return emit_.load_elements(emit_.element_pointer(row, DType::f32, channel), DType::f32,
                               emit_.lanes(), weights_.exist());
  }

  void gather_weights() {
    auto& ir = emit_.ir();
    emit_.for_loop(emit_.constant(0), emit_.constant(channels_), 1, [&](Value* channel) {
      emit_.bind(output_.group, channel);
      for (int64_t tap = 0; tap < row_taps_ * taps_; ++tap) {
        Indices at = {variable(output_.group), index(0)};
        if (has_rows_) at.push_back(index(tap / taps_));
        at.push_back(index(tap % taps_));
        Value* value =
            emit_.emit(with_flat_operands(kernel_.w.at(at), kernel_, {{output_.group, channels_}}));
        Value* place = ir.CreateAdd(ir.getInt64(tap * channels_), channel);
        emit_.store_elements(emit_.element_pointer(emit_.scratch(), DType::f32, place), DType::f32,
                             value);
      }
    });
  }

  const ConvolutionKernel& kernel_;
  const Contraction& p_;
  const ConstantWeights weights_;
  Emitter emit_;
  const ConvolutionOutput output_;
  const int64_t channels_;
  const int lanes_;
  bool has_rows_ = false;
  Dim input_rows_ = 1, rows_ = 1, input_width_ = 1, width_ = 1;
  int64_t row_taps_ = 1, taps_ = 1;
  int64_t stride_ = 1, dilation_ = 1, pad_ = 0, columns_ = 1;
  const Variable input_row_ = fresh_variable(), input_column_ = fresh_variable();
  Expr input_;
  Value* row_ = nullptr;
};

}  // namespace

CompiledKernel emit_depthwise_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                     llvm::Module& module, const std::string& symbol) {
  return DepthwiseEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
