// Convolution by Winograd's F(4x4, 3x3): see winograd.h.
//
//   item = (image, block of tiles, block of channels):
//     for tile, channels by vectors: V[point][tile][channel] = B^T d B
//     for panel of output channels:
//       for point: P[point][tile][channel] = V[point] * U[point]     (matrix products by register
//       tiles) for tile, channels by vectors: A^T P A, epilogue, store
//
// V and P stay in L2. U, the transformed weights, is packed ahead: [panel][point][channel][width].
#include "compiler/backends/llvm/winograd.h"

#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/convolution_output.h"
#include "compiler/backends/llvm/convolution_plan.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/backends/llvm/tile.h"

namespace dlc::llvm_backend {
namespace {

using namespace winograd;

constexpr int64_t wanted_items = 8;
constexpr int64_t least_pixels = 64;   ///< below, the weights cost more to read than they save
constexpr int64_t plane_padding = 16;  ///< elements: planes do not start on the same cache sets

bool all(const Ints& numbers, int64_t value) {
  return std::all_of(numbers.begin(), numbers.end(), [&](int64_t n) { return n == value; });
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// [panel][point][channel][width] from W [m, c, 3, 3].
Tensor pack_weights(const float* w, int64_t channels, int64_t maps, int64_t width) {
  Tensor packed = Tensor::allocate(DType::f32, {ceil_div(maps, width) * points * channels * width});
  float* to = packed.as_mutable<float>().data();
  for (int64_t m = 0; m < maps; ++m) {
    float* panel = to + m / width * points * channels * width + m % width;
    for (int64_t c = 0; c < channels; ++c) {
      const auto u = transform_weights(w + (m * channels + c) * 9);
      for (int64_t q = 0; q < points; ++q) panel[(q * channels + c) * width] = u[q];
    }
  }
  return packed;
}

class WinogradEmitter {
 public:
  WinogradEmitter(const ConvolutionKernel& kernel, const TargetInfo& target, llvm::Module& module,
                  const std::string& symbol)
      : kernel_(kernel),
        emit_(module, symbol, target, buffers_of(kernel, {&kernel.output, 1})),
        output_(kernel),
        channels_(kernel.w.shape()[1].number()),
        maps_(kernel.w.shape()[0].number()),
        weights_(kernel) {
    const Dims x = kernel.x.shape(), y = kernel.output.shape();
    const size_t first = kernel.row_major ? 2 : 1;
    batch_ = x[0];
    input_rows_ = x[1];
    input_columns_ = x[2];
    rows_ = y[first];
    columns_ = y[first + 1];
    tile_columns_ = ceil_div(columns_, Dim(outputs));
    tiles_ = ceil_div(rows_, Dim(outputs)) * tile_columns_;
    choose_tile(target);
    choose_blocks(target);
    make_input();
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items = batch_ * tile_blocks_ * channel_blocks_;
    code.item_cost =
        Dim(block_) * (points * channels_ * std::max<int64_t>(1, width_ / 16)) * panels_per_item_;
    code.scratch_bytes = (buffer_at() + points * lanes_) * 4;
    if (fills_vectors()) code.in_place = output_.write_in_place(emit_, kernel_);
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) { emit_item(item); });
    emit_.finish();
    code.params = emit_.params();
    code.packings.push_back(
        weights_.packing([channels = channels_, maps = maps_, width = width_](const float* w) {
          return pack_weights(w, channels, maps, width);
        }));
    code.schedule =
        fmt::format("convolution by Winograd F(4,3), {} tiles, {} to {} channels, tile {}x{}",
                    block_, channels_, maps_, tile_rows_, width_);
    code.loops = code.schedule;
    return code;
  }

 private:
  void choose_tile(const TargetInfo& target) {
    lanes_ = target.vector_bits / 32;
    const int64_t vectors = ceil_div(maps_, int64_t{lanes_});
    vectors_ = vectors % 3 == 0 ? 3 : static_cast<int>(std::min<int64_t>(vectors, 2));
    width_ = vectors_ * lanes_;
    panels_ = ceil_div(maps_, width_);
    const int held = vectors_ + (target.vector_registers > 16 ? 0 : 1);
    const int64_t most = std::min((target.vector_registers - held) / vectors_, most_tile_rows);
    tile_rows_ = most;
    const std::optional<int64_t> count = tiles_.as_number();
    if (!count) return;
    int64_t least = std::numeric_limits<int64_t>::max();
    for (int64_t rows = most; rows > most / 2; --rows) {
      const int64_t time = ceil_div(*count, rows) * (rows + 1);
      if (time < least) {
        least = time;
        tile_rows_ = rows;
      }
    }
  }

  /// As many tiles as keep V and P in half of L2, but enough items for some threads.
  void choose_blocks(const TargetInfo& target) {
    const int64_t bytes = points * 4 * (channels_ + width_);
    int64_t groups = std::max<int64_t>(1, target.l2_bytes / 2 / bytes / tile_rows_);
    const std::optional<int64_t> all_tiles = (tiles_ * batch_).as_number();
    if (all_tiles)
      groups = std::min(groups, std::max<int64_t>(1, *all_tiles / (wanted_items * tile_rows_)));
    block_ = groups * tile_rows_;
    tile_blocks_ = ceil_div(tiles_, Dim(block_));
    panels_per_item_ = ceil_div(Dim(panels_), share_out(tile_blocks_ * batch_, panels_));
    channel_blocks_ = ceil_div(Dim(panels_), panels_per_item_);
  }

  /// Where element (row, column, channel) of an image is, as pitches from the image's start.
  void make_input() {
    const Variable row = fresh_variable(), column = fresh_variable(), channel = fresh_variable();
    const Expr body = with_flat_operands(
        kernel_.x.at({variable(output_.image), variable(row), variable(column), variable(channel)}),
        kernel_,
        {{output_.image, batch_},
         {row, input_rows_},
         {column, input_columns_},
         {channel, channels_}});
    const Linear offset = load_offset(body.node(), kernel_.operands[body->input].shape);
    input_operand_ = body->input;
    row_pitch_ = offset.coefficient(row);
    column_pitch_ = offset.coefficient(column);
    image_offset_ = offset.without(row).without(column).without(channel);
  }

  // --- scratch: V, P, room for one tile of one vector

  int64_t input_plane() const { return block_ * channels_ + plane_padding; }
  int64_t product_plane() const { return block_ * width_ + plane_padding; }
  int64_t products_at() const { return points * input_plane(); }
  int64_t buffer_at() const { return products_at() + points * product_plane(); }
  Value* scratch_at(Value* elements) {
    return emit_.element_pointer(emit_.scratch(), DType::f32, elements);
  }
  Value* at(Value* base, int64_t elements) {
    return emit_.element_pointer(base, DType::f32, emit_.constant(elements));
  }

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    const Variable block = fresh_variable(), channels = fresh_variable();
    const std::vector<Axis> axes = {
        {output_.image, batch_}, {block, tile_blocks_}, {channels, channel_blocks_}};
    emit_.bind_item(axes, item);
    first_tile_ = ir.CreateMul(emit_.emit(variable(block)), ir.getInt64(block_));
    count_ = emit_smaller(emit_, ir.CreateSub(emit_.dim(tiles_), first_tile_), ir.getInt64(block_));
    emit_.bind(output_.group, emit_.constant(0));
    transform_inputs();
    Value* begin = ir.CreateMul(emit_.emit(variable(channels)), emit_.dim(panels_per_item_));
    Value* end =
        emit_smaller(emit_, ir.CreateAdd(begin, emit_.dim(panels_per_item_)), ir.getInt64(panels_));
    emit_.for_loop(begin, end, 1, [&](Value* panel) {
      multiply(panel);
      transform_outputs(panel);
    });
  }

  /// Row and column, in tiles, of the item's n-th tile.
  std::pair<Value*, Value*> place_of(Value* tile) {
    auto& ir = emit_.ir();
    Value* number = ir.CreateAdd(first_tile_, tile);
    Value* columns = emit_.dim(tile_columns_);
    return {ir.CreateMul(ir.CreateUDiv(number, columns), ir.getInt64(outputs)),
            ir.CreateMul(ir.CreateURem(number, columns), ir.getInt64(outputs))};
  }

  // --- input

  void transform_inputs() {
    auto& ir = emit_.ir();
    Value* image = emit_.element_pointer(emit_.buffer(input_operand_), DType::f32, image_offset_);
    emit_.for_loop(emit_.constant(0), count_, 1, [&](Value* tile) {
      const auto [tile_row, tile_column] = place_of(tile);
      Value* row = ir.CreateSub(tile_row, ir.getInt64(kernel_.parameters.pads_begin[0]));
      Value* column = ir.CreateSub(tile_column, ir.getInt64(kernel_.parameters.pads_begin[1]));
      Value* offset = ir.CreateAdd(ir.CreateMul(row, emit_.dim(row_pitch_)),
                                   ir.CreateMul(column, emit_.dim(column_pitch_)));
      Value* source = emit_.element_pointer(image, DType::f32, offset);
      Value* to = scratch_at(ir.CreateMul(tile, ir.getInt64(channels_)));
      const auto inside = [&](Value* first, const Dim& extent) {
        Value* last = ir.CreateAdd(first, ir.getInt64(inputs));
        return ir.CreateAnd(ir.CreateICmpSGE(first, ir.getInt64(0)),
                            ir.CreateICmpSLE(last, emit_.dim(extent)));
      };
      Value* plain = ir.CreateAnd(inside(row, input_rows_), inside(column, input_columns_));
      const Variable channel = fresh_variable();
      emit_.lane_loop(channel, emit_.constant(0), emit_.constant(channels_), lanes_, [&] {
        Value* c = emit_.first_lane(linear(variable(channel)));
        Value* from = emit_.element_pointer(source, DType::f32, c);
        Value* target = emit_.element_pointer(to, DType::f32, c);
        emit_.if_then(
            plain,
            [&] { transform_tile(from, emit_.dim(row_pitch_), emit_.dim(column_pitch_), target); },
            [&] {
              Value* buffer = scratch_at(emit_.constant(buffer_at()));
              gather_tile(from, row, column, buffer);
              transform_tile(buffer, emit_.constant(inputs * lanes_), emit_.constant(lanes_),
                             target);
            });
      });
    });
  }

  /// One vector of channels of a tile at the border, with zeros for padding.
  void gather_tile(Value* from, Value* row, Value* column, Value* buffer) {
    auto& ir = emit_.ir();
    ir.CreateMemSet(buffer, ir.getInt8(0), ir.getInt64(points * lanes_ * 4), llvm::MaybeAlign(4));
    const auto range = [&](Value* first, const Dim& extent) {
      Value* begin = emit_larger(emit_, ir.CreateNeg(first), ir.getInt64(0));
      Value* end = emit_smaller(emit_, ir.CreateSub(emit_.dim(extent), first), ir.getInt64(inputs));
      return std::pair(begin, end);
    };
    const auto [first_row, end_row] = range(row, input_rows_);
    const auto [first_column, end_column] = range(column, input_columns_);
    emit_.for_loop(first_row, end_row, 1, [&, begin = first_column, end = end_column](Value* i) {
      emit_.for_loop(begin, end, 1, [&](Value* j) {
        Value* offset = ir.CreateAdd(ir.CreateMul(i, emit_.dim(row_pitch_)),
                                     ir.CreateMul(j, emit_.dim(column_pitch_)));
        Value* place = ir.CreateMul(ir.CreateAdd(ir.CreateMul(i, ir.getInt64(inputs)), j),
                                    ir.getInt64(lanes_));
        Value* x = emit_.load_elements(emit_.element_pointer(from, DType::f32, offset), DType::f32,
                                       emit_.lanes(), false);
        emit_.store_elements(emit_.element_pointer(buffer, DType::f32, place), DType::f32, x);
      });
    });
  }

  void transform_tile(Value* from, Value* row_pitch, Value* column_pitch, Value* to) {
    auto& ir = emit_.ir();
    std::array<Inputs, inputs> half;  // [column][row]
    for (int64_t j = 0; j < inputs; ++j) {
      Inputs d;
      for (int64_t i = 0; i < inputs; ++i) {
        Value* offset = ir.CreateAdd(ir.CreateMul(row_pitch, ir.getInt64(i)),
                                     ir.CreateMul(column_pitch, ir.getInt64(j)));
        d[i] = emit_.load_elements(emit_.element_pointer(from, DType::f32, offset), DType::f32,
                                   emit_.lanes(), false);
      }
      half[j] = transform_input(emit_, d);
    }
    for (int64_t i = 0; i < inputs; ++i) {
      Inputs line;
      for (int64_t j = 0; j < inputs; ++j) line[j] = half[j][i];
      const Inputs done = transform_input(emit_, line);
      for (int64_t j = 0; j < inputs; ++j) {
        emit_.store_elements(at(to, (i * inputs + j) * input_plane()), DType::f32, done[j]);
      }
    }
  }

  // --- products

  void multiply(Value* panel) {
    auto& ir = emit_.ir();
    Value* weights =
        emit_.element_pointer(emit_.buffer(weights_.operand()), DType::f32,
                              ir.CreateMul(panel, ir.getInt64(points * channels_ * width_)));
    emit_.for_loop(emit_.constant(0), emit_.constant(points), 1, [&](Value* point) {
      Value* b = emit_.element_pointer(weights, DType::f32,
                                       ir.CreateMul(point, ir.getInt64(channels_ * width_)));
      Value* a = scratch_at(ir.CreateMul(point, ir.getInt64(input_plane())));
      Value* to = scratch_at(ir.CreateAdd(ir.CreateMul(point, ir.getInt64(product_plane())),
                                          ir.getInt64(products_at())));
      // Rows behind the last tile hold whatever was there; nobody reads what becomes of them.
      emit_.for_loop(emit_.constant(0), count_, tile_rows_, [&](Value* row) {
        const auto whole = [&] { multiply_tile(row, tile_rows_, a, b, to); };
        const int64_t half = (tile_rows_ + 1) / 2;
        if (tiles_.is_number()) return whole();  // the tile was chosen for this number
        Value* left = ir.CreateSub(count_, row);
        emit_.if_then(ir.CreateICmpSGT(left, ir.getInt64(half)), whole,
                      [&] { multiply_tile(row, half, a, b, to); });
      });
    });
  }

  void multiply_tile(Value* row, int64_t rows, Value* a, Value* b, Value* to) {
    auto& ir = emit_.ir();
    Tile tile{DType::f32, static_cast<int>(rows), vectors_,  lanes_, {}, nullptr,
              b,          emit_.constant(width_), channels_, nullptr};
    tile.most_sums = static_cast<int>(tile_rows_) * vectors_;
    for (int64_t r = 0; r < rows; ++r) {
      Value* line = ir.CreateMul(ir.CreateAdd(row, ir.getInt64(r)), ir.getInt64(channels_));
      tile.a.push_back(emit_.element_pointer(a, DType::f32, line));
    }
    const Sums sums = emit_tile(emit_, tile);
    for (int64_t r = 0; r < rows; ++r) {
      Value* line = emit_.element_pointer(
          to, DType::f32, ir.CreateMul(ir.CreateAdd(row, ir.getInt64(r)), ir.getInt64(width_)));
      for (int v = 0; v < vectors_; ++v) {
        emit_.store_elements(at(line, v * lanes_), DType::f32, sums[r][v]);
      }
    }
  }

  // --- output

  void transform_outputs(Value* panel) {
    auto& ir = emit_.ir();
    Value* first = ir.CreateMul(panel, ir.getInt64(width_));
    Value* end = emit_smaller(emit_, ir.CreateAdd(first, ir.getInt64(width_)), ir.getInt64(maps_));
    emit_.for_loop(emit_.constant(0), count_, 1, [&](Value* tile) {
      const auto [row, column] = place_of(tile);
      Value* products = scratch_at(
          ir.CreateAdd(ir.CreateMul(tile, ir.getInt64(width_)), ir.getInt64(products_at())));
      const auto transform = [&, row = row, column = column] {
        Value* channel = emit_.first_lane(linear(variable(output_.channel)));
        Value* from = emit_.element_pointer(products, DType::f32, ir.CreateSub(channel, first));
        Value* buffer = scratch_at(emit_.constant(buffer_at()));
        untransform_tile(from, buffer);
        store_tile(row, column, buffer);
      };
      if (!fills_vectors()) return emit_.lane_loop(output_.channel, first, end, lanes_, transform);
      emit_.for_loop(first, end, lanes_, [&](Value* channel) {
        emit_.bind_lanes(output_.channel, channel, lanes_);
        transform();
      });
    });
  }

  /// Whether no vector of output channels overlaps another.
  bool fills_vectors() const { return maps_ % lanes_ == 0; }

  void untransform_tile(Value* from, Value* buffer) {
    std::array<Outputs, inputs> half;  // [column][row]
    for (int64_t j = 0; j < inputs; ++j) {
      Inputs m;
      for (int64_t i = 0; i < inputs; ++i) {
        m[i] = emit_.load_elements(at(from, (i * inputs + j) * product_plane()), DType::f32,
                                   emit_.lanes(), false);
      }
      half[j] = transform_output(emit_, m);
    }
    for (int64_t i = 0; i < outputs; ++i) {
      Inputs line;
      for (int64_t j = 0; j < inputs; ++j) line[j] = half[j][i];
      const Outputs done = transform_output(emit_, line);
      for (int64_t j = 0; j < outputs; ++j) {
        emit_.store_elements(at(buffer, (i * outputs + j) * lanes_), DType::f32, done[j]);
      }
    }
  }

  /// The outputs of a tile that exist, from the buffer through the epilogue.
  void store_tile(Value* row, Value* column, Value* buffer) {
    auto& ir = emit_.ir();
    const auto count = [&](Value* first, const Dim& extent) {
      return emit_smaller(emit_, ir.CreateSub(emit_.dim(extent), first), ir.getInt64(outputs));
    };
    Value* columns = count(column, columns_);
    emit_.for_loop(emit_.constant(0), count(row, rows_), 1, [&](Value* i) {
      Value* line = ir.CreateMul(ir.CreateAdd(row, i), emit_.dim(columns_));
      emit_.for_loop(emit_.constant(0), columns, 1, [&](Value* j) {
        emit_.bind(output_.pixel, ir.CreateAdd(line, ir.CreateAdd(column, j)));
        Value* place = ir.CreateMul(ir.CreateAdd(ir.CreateMul(i, ir.getInt64(outputs)), j),
                                    ir.getInt64(lanes_));
        Value* sum = emit_.load_elements(emit_.element_pointer(buffer, DType::f32, place),
                                         DType::f32, emit_.lanes(), false);
        emit_.replace_loads(MatmulKernel::accumulated, [&](const Expr&) { return sum; });
        output_.store(emit_);
      });
    });
  }

  const ConvolutionKernel& kernel_;
  Emitter emit_;
  const ConvolutionOutput output_;
  const int64_t channels_, maps_;
  const ConstantWeights weights_;
  Dim batch_, input_rows_, input_columns_, rows_, columns_, tile_columns_, tiles_, tile_blocks_,
      panels_per_item_, channel_blocks_;
  int lanes_ = 1, vectors_ = 1;
  int64_t tile_rows_ = 1, width_ = 1, panels_ = 1, block_ = 1;
  int input_operand_ = -1;
  Dim row_pitch_, column_pitch_;
  Linear image_offset_;
  Value *first_tile_ = nullptr, *count_ = nullptr;
};

}  // namespace

std::string_view winograd_obstacle(const ConvolutionKernel& kernel, const TargetInfo& target) {
  const Contraction& c = kernel.parameters;
  const Dims w = kernel.w.shape(), y = kernel.output.shape();
  const int64_t channels = std::max<int64_t>(target.vector_bits / 32, 8);
  if (w.size() != 4 || !(w[2] == Dim(3)) || !(w[3] == Dim(3))) return "the kernel is 3x3";
  if (!kernel.winograd) return "Winograd is on (no --no-winograd)";
  if (c.group != 1) return "there is one group";
  if (!all(c.strides, 1)) return "the strides are 1";
  if (!all(c.dilations, 1)) return "the dilations are 1";
  if (w[0].number() < channels || w[1].number() < channels)
    return "the channels fill a vector, in and out";
  const std::optional<int64_t> pixels = (kernel.row_major ? y[2] * y[3] : y[1] * y[2]).as_number();
  if (pixels && *pixels < least_pixels) return "the output is not too small";
  if (!ConstantWeights(kernel).exist()) return "the weights are constant";
  constexpr std::string_view in_memory = "the input is in memory, channels innermost";
  const Expr& x = kernel.x.body;
  if (x->kind != ExprKind::load) return in_memory;
  const auto place =
      affine(x, kernel.x.axes[2].variable, kernel.x.axes[3].variable, DType::f32, kernel.operands);
  if (!place || !(place->k == Dim(1))) return in_memory;
  FreeVariables free;
  for (const Linear::Term& term : place->rest.terms) {
    if (term.atom->kind != ExprKind::variable && free.depends(term.atom, kernel.x.axes[1].variable))
      return in_memory;
  }
  return "";
}

CompiledKernel emit_winograd_kernel(const ConvolutionKernel& kernel, const TargetInfo& target,
                                    llvm::Module& module, const std::string& symbol) {
  return WinogradEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
