// Convolution as a matrix product: rows are output channels, columns are output pixels, k runs over
// channels and kernel positions. Each item copies the pixels that a panel of columns needs into
// scratch ([k][columns], zeros for padding), then passes all its channels over the panel.
//
//   item = (image, group, block of channels, panel of pixels)
#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/expr/simplify.h"

namespace dlc::llvm_backend {
namespace {

class ConvolutionEmitter {
 public:
  ConvolutionEmitter(const ConvolutionKernel& kernel, const TargetInfo& target,
                     llvm::Module& module, const std::string& symbol)
      : kernel_(kernel),
        shape_(tile_shape(target, DType::f32)),
        emit_(module, symbol, target, buffer_types(kernel)) {
    const Dims x = kernel.x.shape(), w = kernel.w.shape(), y = kernel.output.shape();
    channels_ = w[1].number();
    kernel_extents_.assign(w.begin() + 2, w.end());
    taps_ = product(kernel_extents_);
    k_extent_ = taps_ * channels_;
    m_ = w[0].number() / kernel.parameters.group;
    spatial_.assign(y.begin() + 2, y.end());
    pixels_ = product(spatial_);
    batch_ = y[0];
    make_weights();
    make_output();
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items = batch_ * kernel_.parameters.group * channel_blocks() * panels();
    code.item_cost = k_extent_ * (channels_per_block() * shape_.columns() / 16);
    code.scratch_bytes = (spill_at() + shape_.rows * shape_.columns()) * 4;
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) { emit_item(item); });
    emit_.finish();
    code.params = emit_.params();
    code.schedule =
        fmt::format("convolution, {} channels x {} pixels, k {}, tile {}x{}", m_,
                    pixels_.to_string(), k_extent_.to_string(), shape_.rows, shape_.columns());
    code.loops = code.schedule;
    return code;
  }

 private:
  static std::vector<Type> buffer_types(const ConvolutionKernel& kernel) {
    std::vector<Type> types = kernel.operands;
    types.push_back(kernel.output.type());
    return types;
  }

  /// W as a matrix [m, k] for a group.
  void make_weights() {
    const Expr channel = variable(group_) * static_cast<double>(m_) + variable(row_);
    Dims inner = {channels_};
    inner.insert(inner.end(), kernel_extents_.begin(), kernel_extents_.end());
    Indices at = unflatten_index(variable(k_), inner);
    at.insert(at.begin(), channel);
    weights_ =
        flat(kernel_.w.at(at), {{row_, m_}, {group_, kernel_.parameters.group}, {k_, k_extent_}});
    place_ = affine(weights_, row_, k_, DType::f32, kernel_.operands);
  }

  /// The epilogue over [image, channel, pixel].
  void make_output() {
    const Expr channel = variable(group_) * static_cast<double>(m_) + variable(row_);
    Indices at = {variable(image_), channel};
    for (const Expr& e : unflatten_index(variable(pixel_), spatial_)) at.push_back(e);
    output_ =
        flat(kernel_.output.at(at),
             {{image_, batch_}, {row_, m_}, {group_, kernel_.parameters.group}, {pixel_, pixels_}});
    const Dims shape = {batch_, Dim(m_ * kernel_.parameters.group), pixels_};
    output_offset_ = linear(flatten_index({variable(image_), channel, variable(pixel_)}, shape));
  }

  Expr flat(const Expr& e, const Ranges& ranges) {
    const Expr loads = rewrite(e, [&](const Expr& node) {
      if (node->kind != ExprKind::load || node->flat || node->input < 0) return Expr();
      return load_flat(node->input, node->dtype,
                       flatten_index(node->args, kernel_.operands[node->input].shape));
    });
    return simplify(loads, ranges);
  }

  Dim panels() const { return ceil_div(pixels_, shape_.columns()); }
  /// Few panels are shared out by channels, so that there is work for several threads.
  int64_t channel_blocks() const {
    constexpr int64_t wanted_items = 8, least_channels = 64;
    if (!panels().is_number()) return 1;
    const int64_t blocks = wanted_items / std::max<int64_t>(panels().number(), 1);
    return std::clamp<int64_t>(blocks, 1, std::max<int64_t>(m_ / least_channels, 1));
  }
  int64_t channels_per_block() const {
    const int64_t rows = (m_ + channel_blocks() - 1) / channel_blocks();
    return (rows + shape_.rows - 1) / shape_.rows * shape_.rows;
  }

  // Scratch: the panel, rows of W if they are not in place, a tile for partial output.
  Dim rows_at() const { return k_extent_ * shape_.columns(); }
  Dim spill_at() const { return rows_at() + (place_ ? Dim(0) : k_extent_ * shape_.rows); }
  Value* scratch_at(const Dim& elements) {
    return emit_.element_pointer(emit_.scratch(), DType::f32, emit_.dim(elements));
  }

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    const Variable block = fresh_variable(), panel = fresh_variable();
    const std::vector<Axis> axes = {{image_, batch_},
                                    {group_, kernel_.parameters.group},
                                    {block, channel_blocks()},
                                    {panel, panels()}};
    emit_.bind_item(axes, item);
    Value* first = ir.CreateMul(emit_.emit(variable(panel)), ir.getInt64(shape_.columns()));
    Value* end =
        emit_smaller(emit_, ir.CreateAdd(first, ir.getInt64(shape_.columns())), emit_.dim(pixels_));
    pack(first, end);
    Value* begin = ir.CreateMul(emit_.emit(variable(block)), ir.getInt64(channels_per_block()));
    Value* last = emit_smaller(emit_, ir.CreateAdd(begin, ir.getInt64(channels_per_block())),
                               emit_.constant(m_));
    const int rows = static_cast<int>(std::min<int64_t>(shape_.rows, m_));
    emit_.for_loop(begin, last, rows, [&](Value* row) {
      emit_tile_at(emit_smaller(emit_, row, emit_.constant(m_ - rows)), rows, first);
    });
  }

  void emit_tile_at(Value* row, int rows, Value* first) {
    Tile tile{DType::f32, rows,    shape_.vectors, shape_.lanes, {},
              nullptr,    nullptr, nullptr,        k_extent_,    nullptr};
    emit_rows(emit_, {place_, weights_, row_, k_, scratch_at(rows_at())}, row, tile);
    tile.b = emit_.scratch();
    tile.b_stride = emit_.constant(shape_.columns());
    const auto sums = emit_tile(emit_, tile);
    const bool full = pixels_.is_number() && pixels_.number() % shape_.columns() == 0;
    TileOutput output{
        row_, pixel_, row, first, emit_.dim(pixels_), full, scratch_at(spill_at()), [&] {
          emit_.store(static_cast<int>(kernel_.operands.size()), output_offset_,
                      emit_.emit_lanes(output_));
        }};
    emit_tile_output(emit_, tile, sums, output);
  }

  /// The panel's pixels, one run of the innermost spatial axis at a time: within a run, addresses
  /// and the test for padding are affine in the position.
  void pack(Value* first, Value* end) {
    auto& ir = emit_.ir();
    const Dim width = spatial_.back();
    Value* run = emit_.dim(width);
    const std::vector<Axis> outer = outer_axes();
    Value* run_end =
        ir.CreateAdd(ir.CreateSDiv(ir.CreateSub(end, ir.getInt64(1)), run), ir.getInt64(1));
    emit_.for_loop(ir.CreateSDiv(first, run), run_end, 1, [&](Value* line) {
      emit_.bind_item(outer, line);
      Value* start = ir.CreateMul(line, run);
      Value* from = emit_larger(emit_, ir.CreateSub(first, start), emit_.constant(0));
      Value* to = emit_smaller(emit_, ir.CreateSub(end, start), run);
      Value* origin = ir.CreateSub(first, start);  // the position that is column 0
      emit_.for_loop(emit_.constant(0), emit_.constant(channels_), 1, [&](Value* channel) {
        emit_.bind(channel_, channel);
        pack_taps(channel, from, to, origin);
      });
    });
  }

  std::vector<Axis> outer_axes() {
    if (positions_.empty()) {
      for (size_t d = 0; d < spatial_.size(); ++d) positions_.push_back(fresh_variable());
    }
    std::vector<Axis> outer;
    for (size_t d = 0; d + 1 < spatial_.size(); ++d) outer.push_back({positions_[d], spatial_[d]});
    return outer;
  }

  void pack_taps(Value* channel, Value* from, Value* to, Value* origin) {
    auto& ir = emit_.ir();
    const Expr body = pixel();
    std::vector<Axis> taps;
    for (size_t d = 0; d < spatial_.size(); ++d)
      taps.push_back({taps_axes_[d], kernel_extents_[d]});
    emit_.for_loop(emit_.constant(0), emit_.dim(taps_), 1, [&](Value* tap) {
      emit_.bind_item(taps, tap);
      Value* k = ir.CreateAdd(ir.CreateMul(channel, emit_.dim(taps_)), tap);
      Value* row = emit_.element_pointer(emit_.scratch(), DType::f32,
                                         ir.CreateMul(k, ir.getInt64(shape_.columns())));
      emit_fill(emit_, row, body, positions_.back(), from, to, origin, shape_.lanes);
    });
  }

  /// Element of X for output position `positions_` and kernel position `taps_axes_`, 0 outside.
  Expr pixel() {
    const Contraction& p = kernel_.parameters;
    const Dims x = kernel_.x.shape();
    Ranges ranges = {{image_, batch_}, {group_, p.group}, {channel_, channels_}};
    Indices at = {variable(image_),
                  variable(group_) * static_cast<double>(channels_) + variable(channel_)};
    Expr inside = constant_integer(DType::boolean, 1);
    for (size_t d = 0; d < spatial_.size(); ++d) {
      if (taps_axes_.size() <= d) taps_axes_.push_back(fresh_variable());
      ranges[positions_[d]] = spatial_[d];
      ranges[taps_axes_[d]] = kernel_extents_[d];
      const Expr i = variable(positions_[d]) * static_cast<double>(p.strides[d]) +
                     variable(taps_axes_[d]) * static_cast<double>(p.dilations[d]) -
                     static_cast<double>(p.pads_begin[d]);
      inside = inside && i >= index(0) && i < dim(x[2 + d]);
      at.push_back(i);
    }
    return flat(select(inside, kernel_.x.at(at), constant(DType::f32, 0)), ranges);
  }

  const ConvolutionKernel& kernel_;
  TileShape shape_;
  Emitter emit_;
  int64_t channels_ = 0, m_ = 0;  ///< of a group
  Dims kernel_extents_, spatial_;
  Dim taps_, k_extent_, pixels_, batch_;
  Variable image_ = fresh_variable(), group_ = fresh_variable(), row_ = fresh_variable(),
           pixel_ = fresh_variable(), k_ = fresh_variable(), channel_ = fresh_variable();
  std::vector<Variable> positions_, taps_axes_;
  Expr weights_, output_;
  Linear output_offset_;
  std::optional<Affine> place_;
};

}  // namespace

CompiledKernel emit_convolution_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                       llvm::Module& module, const std::string& symbol) {
  return ConvolutionEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
