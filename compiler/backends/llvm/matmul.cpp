// Matrix multiplication. B lies in panels of a tile's width: packed when compiled if it is
// constant, read in place where its columns are adjacent and fill whole vectors, packed by each
// work item otherwise. A is read in place, or first evaluated into rows if it is more than evenly
// spaced loads.
//
//   item = (batch, block of tiles, group of panels):
//     A's rows or B's panel into scratch, if not in place
//     for panel in group, tile of rows in block: sums over k; epilogue
//
// Rows are shared out so that the tiles of one product differ by at most one row. There is code
// for each number of rows and vectors that a tile may have; sums of tiles that are not full go
// through memory to one epilogue for all of them.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/buffers.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/backends/llvm/tile_counts.h"
#include "compiler/expr/interpret.h"
#include "compiler/lower/formulas.h"
#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t tiles_per_block = 12;  // A's block stays in L2 while all panels pass
constexpr int64_t wanted_groups = 4;     // for the threads, where panels share work
constexpr double cheap = 6;  // operations of an epilogue that is written out for a whole tile

class MatmulEmitter {
 public:
  MatmulEmitter(const MatmulKernel& kernel, const TargetInfo& target, llvm::Module& module,
                const std::string& symbol)
      : kernel_(kernel),
        type_(kernel.accumulator),
        shape_(kernel.gates > 1 ? gates_tile_shape(target, type_) : tile_shape(target, type_)),
        emit_(module, symbol, target, buffers_of(kernel, kernel.outputs)) {
    unify_variables();
    a_ = affine(kernel_.a.body, row_, k_, type_, kernel_.operands);
    b_ = affine(kernel_.b.body, column_, k_, type_, kernel_.operands);
    choose_b();
    steps_ = k_extent_;
    if (b_mode_ == B::packed_ahead) use_dot_products(target);
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items = batches() * blocks() * groups();
    code.item_cost = maximum(minimum(m_, tiles_per_block * shape_.rows), 1) * steps_ *
                     (kernel_.gates * panels_per_group() * shape_.columns() / 4);
    // No tiles overlap.
    for (const TensorExpr& output : kernel_.outputs) epilogues_.push_back(output.body);
    code.in_place = overwrite_operands(emit_, kernel_, epilogues_, position(),
                                       std::array{kernel_.a.body, kernel_.b.body});
    emit_.for_loop(emit_.first_item(), emit_.last_item(), 1, [&](Value* item) { emit_item(item); });
    emit_.finish();
    code.params = emit_.params();
    if (!(scratch_elements() == Dim(0))) {
      code.scratch_bytes = scratch_elements() * byte_size(type_, 1);
    }
    if (b_mode_ == B::packed_ahead) code.packings.push_back(make_packing());
    code.schedule = describe();
    code.loops = code.schedule;
    return code;
  }

 private:
  enum class B { packed_ahead, in_place, packed_by_item };

  /// One set of variables for A, B and the output: batches, row, column, k.
  void unify_variables() {
    Expr sum;
    for (const TensorExpr& output : kernel_.outputs)
      visit(output.body, [&](const Expr& e) {
        if (e->kind == ExprKind::load && e->input == MatmulKernel::accumulated) sum = e;
      });
    assert(sum.valid() && "the epilogue must use the sum");
    const size_t batches = kernel_.a.axes.size() - 2;
    const auto variable_of = [&](const Expr& e) {
      return e->kind == ExprKind::variable ? e->variable : fresh_variable();
    };
    std::vector<Variable> variables;
    for (const Expr& e : sum->args) variables.push_back(variable_of(e));
    row_ = variables[batches];
    column_ = kernel_.gates > 1 ? kernel_.outputs[0].axes.back().variable : variables[batches + 1];
    k_ = fresh_variable();
    m_ = kernel_.a.axes[batches].extent;
    k_extent_ = kernel_.a.axes[batches + 1].extent;
    n_ = floor_div(kernel_.b.axes[batches + 1].extent, kernel_.gates);
    for (size_t k = 0; k < batches; ++k) {
      batch_axes_.push_back({variables[k], kernel_.a.axes[k].extent});
    }
    rename(kernel_.a, row_, k_);
    rename(kernel_.b, k_, column_);
  }

  void rename(TensorExpr& t, Variable second_last, Variable last) {
    std::map<Variable, Expr> names;
    for (size_t k = 0; k < batch_axes_.size(); ++k) {
      names.emplace(t.axes[k].variable, variable(batch_axes_[k].variable));
    }
    names.emplace(t.axes[batch_axes_.size()].variable, variable(second_last));
    names.emplace(t.axes[batch_axes_.size() + 1].variable, variable(last));
    t.body = substitute(t.body, names);
  }

  void choose_b() {
    if (kernel_.b.body->kind == ExprKind::load || kernel_.b.body->kind == ExprKind::cast) {
      int operand = -1;
      visit(kernel_.b.body, [&](const Expr& e) {
        if (e->kind == ExprKind::load) operand = e->input;
      });
      FreeVariables free;
      const bool batched = std::any_of(
          batch_axes_.begin(), batch_axes_.end(),
          [&](const Axis& axis) { return free.depends(kernel_.b.body, axis.variable); });
      const bool shared = loads(kernel_.a.body, operand) ||
                          std::any_of(kernel_.outputs.begin(), kernel_.outputs.end(),
                                      [&](const TensorExpr& t) { return loads(t.body, operand); });
      if (kernel_.constants[operand] && !batched && !shared && n_.is_number() &&
          k_extent_.is_number()) {
        b_mode_ = B::packed_ahead;
        packed_operand_ = operand;
        return;
      }
    }
    const bool whole_vectors = n_.is_number() && n_.number() % shape_.lanes == 0;
    b_mode_ = b_ && b_->line == Dim(1) && whole_vectors ? B::in_place : B::packed_by_item;
  }

  /// Operands that are widened only to be multiplied are taken as they are, where the machine has
  /// dot products of them.
  void use_dot_products(const TargetInfo& target) {
    const Expr &a = kernel_.a.body, &b = kernel_.b.body;
    if (a->kind != ExprKind::cast || b->kind != ExprKind::cast) return;
    dot_ = dot_product(a->args[0].dtype(), b->args[0].dtype(), type_, target);
    if (!dot_) return;
    kernel_.a.body = a->args[0];
    kernel_.b.body = b->args[0];
    steps_ = ceil_div(k_extent_, dot_->group);
    shape_ = tile_shape(target, type_, &*dot_);
    a_ = affine(kernel_.a.body, row_, k_, dot_->a, kernel_.operands);
    b_ = affine(kernel_.b.body, column_, k_, dot_->b, kernel_.operands);
    // Groups must be whole, and lie side by side.
    if (a_ && (!(a_->k == Dim(1)) || k_extent_.number() % dot_->group != 0)) a_.reset();
  }

  Dim batches() const {
    Dim count = 1;
    for (const Axis& axis : batch_axes_) count = count * axis.extent;
    return count;
  }
  TileCounts counts() const { return {m_, n_, shape_, kernel_.gates}; }
  Dim panels() const { return counts().panels(); }
  Dim tiles() const { return counts().tiles(); }
  /// Packing B once needs all rows in one item.
  Dim blocks() const {
    return b_mode_ == B::packed_by_item ? Dim(1) : ceil_div(tiles(), tiles_per_block);
  }
  /// Rows of A that an item evaluates serve several panels.
  int64_t panels_per_group() const {
    if (a_ || b_mode_ == B::packed_by_item || !n_.is_number()) return 1;
    return std::max<int64_t>(ceil_div(panels(), wanted_groups).number(), 1);
  }
  Dim groups() const { return ceil_div(panels(), panels_per_group()); }

  // Scratch: a panel of B, rows of A, a tile of sums.
  Dim b_scratch() const {
    return b_mode_ == B::packed_by_item ? kernel_.gates * panel_elements() : Dim(0);
  }
  Dim panel_elements() const { return steps_ * shape_.columns(); }
  /// Rows do not all begin on the same cache set.
  Dim row_pitch() const { return steps_ + shape_.lanes; }
  Dim a_scratch() const {
    if (a_) return 0;
    const Dim tiles_of_item = b_mode_ == B::packed_by_item ? Dim(1) : Dim(tiles_per_block);
    return row_pitch() * tiles_of_item * shape_.rows;
  }
  Dim scratch_elements() const {
    return b_scratch() + a_scratch() + shape_.rows * kernel_.gates * shape_.columns();
  }
  Value* scratch_at(const Dim& elements) {
    return emit_.element_pointer(emit_.scratch(), type_, emit_.dim(elements));
  }

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    const Variable block = fresh_variable(), group = fresh_variable();
    std::vector<Axis> axes = batch_axes_;
    axes.push_back({block, blocks()});
    axes.push_back({group, groups()});
    emit_.bind_item(axes, item);
    Value* tiles = emit_.dim(this->tiles());
    first_tile_ = share(emit_.emit(variable(block)), tiles, emit_.dim(blocks()));
    Value* next = ir.CreateAdd(emit_.emit(variable(block)), ir.getInt64(1));
    last_tile_ = share(next, tiles, emit_.dim(blocks()));
    if (!a_ && b_mode_ != B::packed_by_item) evaluate_rows();
    Value* panel = ir.CreateMul(emit_.emit(variable(group)), ir.getInt64(panels_per_group()));
    Value* end = emit_smaller(emit_, ir.CreateAdd(panel, ir.getInt64(panels_per_group())),
                              emit_.dim(panels()));
    if (panels_per_group() == 1) return emit_panel(panel);
    emit_.for_loop(panel, end, 1, [&](Value* p) { emit_panel(p); });
  }

  /// Where part `number` of `count` equal parts of `total` begins.
  Value* share(Value* number, Value* total, Value* count) {
    auto& ir = emit_.ir();
    return ir.CreateSDiv(ir.CreateMul(number, total), count);
  }

  /// The first row of a tile.
  Value* row_of(Value* tile) { return share(tile, emit_.dim(m_), emit_.dim(tiles())); }

  void evaluate_rows() {
    auto& ir = emit_.ir();
    Value* first = row_of(first_tile_);
    emit_.for_loop(first, row_of(last_tile_), 1, [&](Value* row) {
      Value* offset = ir.CreateMul(ir.CreateSub(row, first), emit_.dim(row_pitch()));
      emit_.bind(row_, row);
      Value* to = emit_.element_pointer(scratch_at(b_scratch()), type_, offset);
      if (dot_ && k_extent_.number() % dot_->group != 0) {  // what is left of the last group
        Value* last = emit_.element_pointer(to, type_, emit_.constant(steps_.number() - 1));
        ir.CreateMemSet(last, ir.getInt8(0), byte_size(type_, 1), llvm::MaybeAlign(1));
      }
      emit_fill(emit_, to, kernel_.a.body, k_, emit_.constant(0), emit_.dim(k_extent_),
                emit_.constant(0), shape_.lanes);
    });
  }

  void emit_panel(Value* panel) {
    if (b_mode_ == B::packed_by_item) pack_panel(panel);
    emit_.for_loop(first_tile_, last_tile_, 1, [&](Value* tile) { emit_tile_at(tile, panel); });
  }

  void emit_tile_at(Value* tile, Value* panel) {
    auto& ir = emit_.ir();
    Value* row = row_of(tile);
    Value* rows = ir.CreateSub(row_of(ir.CreateAdd(tile, ir.getInt64(1))), row);
    Value* column = ir.CreateMul(panel, ir.getInt64(shape_.columns()));
    Value* left = ir.CreateSub(emit_.dim(n_), column);
    Value* vectors = emit_smaller(
        emit_,
        ir.CreateSDiv(ir.CreateAdd(left, ir.getInt64(shape_.lanes - 1)), ir.getInt64(shape_.lanes)),
        emit_.constant(shape_.vectors));
    const std::vector<int> row_counts = counts().rows(), vector_counts = counts().vectors();
    const TileOutput output = output_at(row, column);
    // Without padding and with few instructions, straight from registers.
    const bool direct = kernel_.gates == 1 && epilogue_cost() <= cheap;
    const int most_rows = row_counts[0];
    Value* in_registers = ir.getInt1(direct);
    if (direct && row_counts.size() > 1) {
      in_registers = ir.CreateICmpEQ(rows, ir.getInt64(most_rows));
    }
    if (direct && !output.full) {
      Value* fits = ir.CreateICmpSGE(left, ir.getInt64(shape_.columns()));
      in_registers = row_counts.size() > 1 ? ir.CreateAnd(in_registers, fits) : fits;
    }
    const std::span<const int> others =
        std::span(row_counts).subspan(direct && output.full ? 1 : 0);
    emit_.if_then(
        in_registers,
        [&] {
          Tile full = make_tile(tile, row, panel, ir.getInt64(0), most_rows, shape_.vectors);
          TileOutput all = output;
          all.full = true;
          emit_tile_output(emit_, full, emit_tile(emit_, full), all);
        },
        [&] {
          const int pitch = kernel_.gates * shape_.columns();
          emit_.for_loop(emit_.constant(0), emit_.constant(kernel_.gates), 1, [&](Value* gate) {
            Value* spill = emit_.element_pointer(output.spill, type_,
                                                 ir.CreateMul(gate, ir.getInt64(shape_.columns())));
            emit_choice(emit_, vector_counts, vectors, [&](int v) {
              emit_choice(emit_, others, rows, [&](int r) {
                const Tile part = make_tile(tile, row, panel, gate, r, v);
                emit_spill(emit_, part, emit_tile(emit_, part), spill, pitch);
              });
            });
          });
          const Tile any{type_,   most_rows, shape_.vectors, shape_.lanes, {},
                         nullptr, nullptr,   nullptr,        k_extent_};
          emit_spilled_output(emit_, any, pitch, rows, output);
        });
  }

  TileOutput output_at(Value* row, Value* column) {
    auto& ir = emit_.ir();
    const bool full = n_.is_number() && n_.number() % shape_.columns() == 0;
    Value* end =
        emit_smaller(emit_, ir.CreateAdd(column, ir.getInt64(shape_.columns())), emit_.dim(n_));
    return {row_,
            column_,
            row,
            column,
            end,
            full,
            scratch_at(b_scratch() + a_scratch()),
            [&] { store_one(); },
            kernel_.gates,
            kernel_.gates > 1 ? n_.number() : 0};
  }

  Tile make_tile(Value* number, Value* row, Value* panel, Value* gate, int rows, int vectors) {
    Tile tile{type_, rows, vectors, shape_.lanes, {}, nullptr, nullptr, nullptr, steps_};
    if (dot_) tile.dot = &*dot_;
    tile.most_sums = counts().most_rows_beside(rows) * counts().vectors()[0];
    set_a(tile, row);
    set_b(tile, panel, gate, vectors);
    if (b_mode_ == B::packed_ahead && kernel_.gates == 1) set_prefetch(tile, number);
    return tile;
  }

  void set_a(Tile& tile, Value* row) {
    auto& ir = emit_.ir();
    if (a_ || b_mode_ == B::packed_by_item) {
      emit_rows(emit_, {a_, kernel_.a.body, row_, k_, scratch_at(b_scratch())}, row, tile);
      return;
    }
    Value* first = ir.CreateSub(row, row_of(first_tile_));
    for (int r = 0; r < tile.rows; ++r) {
      Value* offset = ir.CreateMul(ir.CreateAdd(first, ir.getInt64(r)), emit_.dim(row_pitch()));
      tile.a.push_back(emit_.element_pointer(scratch_at(b_scratch()), type_, offset));
    }
  }

  /// The tiles of a block fetch the next panel in equal shares while they compute on this one; of
  /// an unknown number of tiles the first two do. A tile of few rows is the only one, and reads
  /// no faster than the hardware fetches anyway.
  void set_prefetch(Tile& tile, Value* number) {
    if (tile.rows <= shape_.rows / 2 || (tile.rows <= 4 && tiles() == Dim(1))) return;
    auto& ir = emit_.ir();
    const int64_t line = 64, all = 8 * shape_.columns() * byte_size(type_, 1) / line;
    const int64_t sharers =
        m_.is_number() ? std::clamp<int64_t>(tiles().number(), 1, tiles_per_block) : 2;
    tile.prefetch_lines = static_cast<int>((all + sharers - 1) / sharers);
    const int64_t panel = steps_.number() * shape_.columns();
    Value* next = emit_.element_pointer(tile.b, type_, emit_.constant(panel));
    Value* mine =
        emit_smaller(emit_, ir.CreateSub(number, first_tile_), emit_.constant(sharers - 1));
    const int64_t bytes = steps_.number() * line / 8 * tile.prefetch_lines;
    tile.prefetch = ir.CreateGEP(ir.getInt8Ty(), next, ir.CreateMul(mine, ir.getInt64(bytes)));
  }

  Linear position() const {
    Indices indices;
    // An axis of one element is not in the formula any more: nothing binds its variable.
    for (const Axis& axis : kernel_.outputs[0].axes) {
      indices.push_back(axis.extent == Dim(1) ? index(0) : variable(axis.variable));
    }
    return linear(flatten_index(indices, kernel_.outputs[0].shape()));
  }

  void store_one() {
    std::vector<Value*> values;
    for (const Expr& epilogue : epilogues_) values.push_back(emit_.emit_lanes(epilogue));
    for (size_t k = 0; k < values.size(); ++k)
      emit_.store(static_cast<int>(kernel_.operands.size() + k), position(), values[k]);
  }

  double epilogue_cost() const {
    double cost = 0;
    for (const Expr& epilogue : epilogues_) cost += scalar_cost(epilogue);
    return cost;
  }

  void set_b(Tile& tile, Value* panel, Value* gate, int vectors) {
    auto& ir = emit_.ir();
    Value* column = ir.CreateMul(panel, ir.getInt64(shape_.columns()));
    switch (b_mode_) {
      case B::packed_ahead: {
        const int64_t all = steps_.number() * counts().layout().padded(n_.number());
        Value* offset = ir.CreateAdd(ir.CreateMul(gate, ir.getInt64(all)),
                                     ir.CreateMul(panel, emit_.dim(panel_elements())));
        tile.b = emit_.element_pointer(emit_.buffer(packed_operand_), type_, offset);
        tile.b_stride = emit_.constant(vectors * shape_.lanes);
        break;
      }
      case B::in_place: {
        Value* base =
            emit_.element_pointer(emit_.buffer(b_->operand), type_, emit_.emit(b_->rest.expr()));
        tile.b = emit_.element_pointer(base, type_, first_of(gate, column));
        tile.b_stride = emit_.dim(b_->k);
        break;
      }
      case B::packed_by_item:
        tile.b = packed_gate(gate);
        tile.b_stride = emit_.constant(shape_.columns());
        break;
    }
  }

  /// B's column for one of the output and a gate.
  Value* first_of(Value* gate, Value* column) {
    return emit_.ir().CreateAdd(column, emit_.ir().CreateMul(gate, emit_.dim(n_)));
  }
  Value* packed_gate(Value* gate) {
    return emit_.element_pointer(emit_.scratch(), type_,
                                 emit_.ir().CreateMul(gate, emit_.dim(panel_elements())));
  }

  /// Panels of B into scratch, [gate][k][columns], zeros behind the last column of each.
  void pack_panel(Value* panel) {
    auto& ir = emit_.ir();
    Value* column = ir.CreateMul(panel, ir.getInt64(shape_.columns()));
    Value* end =
        emit_smaller(emit_, ir.CreateAdd(column, ir.getInt64(shape_.columns())), emit_.dim(n_));
    emit_.for_loop(emit_.constant(0), emit_.constant(kernel_.gates), 1, [&](Value* gate) {
      pack_columns(first_of(gate, column), first_of(gate, end), packed_gate(gate));
    });
  }

  void pack_columns(Value* column, Value* end, Value* scratch) {
    auto& ir = emit_.ir();
    const int64_t width = shape_.columns();
    if (b_ && b_->k == Dim(1) && !(b_->line == Dim(1))) {
      emit_transposed(emit_, {*b_, k_extent_, type_, shape_.lanes}, column, end, scratch, width);
      return;
    }
    const bool padded = !(n_.is_number() && n_.number() % width == 0);
    if (padded) {
      emit_.if_then(ir.CreateICmpSLT(ir.CreateSub(end, column), ir.getInt64(width)), [&] {
        Value* bytes = emit_.dim(panel_elements() * byte_size(type_, 1));
        ir.CreateMemSet(scratch, ir.getInt8(0), bytes, llvm::MaybeAlign(1));
      });
    }
    emit_.for_loop(emit_.constant(0), emit_.dim(k_extent_), 1, [&](Value* k) {
      emit_.bind(k_, k);
      Value* to = emit_.element_pointer(scratch, type_, ir.CreateMul(k, ir.getInt64(width)));
      emit_fill(emit_, to, kernel_.b.body, column_, column, end, column, shape_.lanes);
    });
  }

  Packing make_packing() const {
    const Panels layout = counts().layout();
    const int64_t k = k_extent_.number(), n = n_.number();
    const DType type = type_;
    if (b_ && b_->k.is_number() && b_->line.is_number() && b_->rest.terms.empty() &&
        b_->rest.constant.is_number()) {
      const int64_t k_stride = b_->k.number(), n_stride = b_->line.number();
      const int64_t first = b_->rest.constant.number();
      return {packed_operand_, [=](const Tensor& b) {
                return layout.pack(type, b, first, k, n, k_stride, n_stride);
              }};
    }
    // Not evenly spaced, or of another type: element by element.
    const int64_t columns = n * kernel_.gates;
    TensorExpr b{{{k_, k_extent_}, {column_, columns}}, kernel_.b.body};
    return {packed_operand_,
            [=, operand = packed_operand_, values = std::vector<Tensor>(kernel_.operands.size())](
                const Tensor& constant) mutable {
              values[operand] = constant;
              return layout.pack(type, interpret(b, values), 0, k, n, columns, 1);
            }};
  }

  std::string describe() const {
    static constexpr const char* modes[] = {"packed ahead", "in place", "packed by item"};
    const std::string gates =
        kernel_.gates > 1 ? fmt::format(", {} gates an element", kernel_.gates) : "";
    const std::string dots = dot_ ? fmt::format(", dot products of {}", dot_->group) : "";
    return fmt::format("matmul m {} n {} k {}, tile {}x{}, B {}, A {}{}{}", m_.to_string(),
                       n_.to_string(), k_extent_.to_string(), shape_.rows, shape_.columns(),
                       modes[static_cast<int>(b_mode_)], a_ ? "in place" : "evaluated", dots,
                       gates);
  }

  MatmulKernel kernel_;
  DType type_;
  TileShape shape_;
  Emitter emit_;
  Variable row_, column_, k_;
  Dim m_, n_, k_extent_;
  std::optional<Dot> dot_;
  Dim steps_;  ///< along k: groups with dot products, else elements
  std::vector<Axis> batch_axes_;
  std::vector<Expr> epilogues_;
  std::optional<Affine> a_, b_;
  B b_mode_ = B::packed_by_item;
  int packed_operand_ = -1;
  Value *first_tile_ = nullptr, *last_tile_ = nullptr;  ///< of the item's block
};

}  // namespace

CompiledKernel emit_matmul_kernel(const MatmulKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol) {
  return MatmulEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
