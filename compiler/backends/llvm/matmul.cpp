// Matrix multiplication. B lies in panels of a tile's width: packed when compiled if it is
// constant, read in place where its columns are adjacent and fill whole vectors, packed by each
// work item otherwise. A is read in place, or first evaluated into rows if it is more than evenly
// spaced loads.
//
//   item = (batch, block of rows, panel):   for tile of rows in block: sums over k; epilogue
#include <algorithm>
#include <cassert>
#include <cstring>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/operand.h"
#include "compiler/expr/interpret.h"
#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

constexpr int64_t rows_per_block = 96;  // A's block stays in L2 while all panels pass

/// Panels of B [k, n] with zeros behind the last column; the last panel is as narrow as whole
/// vectors allow.
struct Panels {
  int64_t width, lanes;

  int64_t count(int64_t n) const { return (n + width - 1) / width; }
  int64_t last_width(int64_t n) const {
    const int64_t rest = n - (count(n) - 1) * width;
    return (rest + lanes - 1) / lanes * lanes;
  }
  template <typename T>
  Tensor pack(DType type, const T* b, int64_t k, int64_t n, int64_t k_stride,
              int64_t n_stride) const {
    const int64_t total = k * ((count(n) - 1) * width + last_width(n));
    Tensor packed = Tensor::allocate(type, {total});
    T* to = packed.as_mutable<T>().data();
    for (int64_t first = 0; first < n; first += width) {
      const int64_t columns = std::min(width, n - first);
      const int64_t padded = first + width < n ? width : last_width(n);
      for (int64_t row = 0; row < k; ++row, to += padded) {
        const T* from = b + row * k_stride + first * n_stride;
        for (int64_t c = 0; c < columns; ++c) to[c] = from[c * n_stride];
      }
    }
    return packed;
  }
};

class MatmulEmitter {
 public:
  MatmulEmitter(const MatmulKernel& kernel, const TargetInfo& target, llvm::Module& module,
                const std::string& symbol)
      : kernel_(kernel),
        type_(kernel.accumulator),
        shape_(tile_shape(target, type_)),
        emit_(module, symbol, target, buffer_types(kernel)) {
    unify_variables();
    a_ = affine(kernel_.a.body, row_, k_, type_, kernel_.operands);
    b_ = affine(kernel_.b.body, column_, k_, type_, kernel_.operands);
    choose_b();
  }

  CompiledKernel run() {
    CompiledKernel code;
    code.items = batches() * row_blocks() * panels();
    code.item_cost = maximum(minimum(m_, rows_per_block), 1) * k_extent_ * (shape_.columns() / 4);
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

  static std::vector<Type> buffer_types(const MatmulKernel& kernel) {
    std::vector<Type> types = kernel.operands;
    types.push_back(kernel.output.type());
    return types;
  }

  /// One set of variables for A, B and the output: batches, row, column, k.
  void unify_variables() {
    Expr sum;
    visit(kernel_.output.body, [&](const Expr& e) {
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
    column_ = variables[batches + 1];
    k_ = fresh_variable();
    m_ = kernel_.a.axes[batches].extent;
    k_extent_ = kernel_.a.axes[batches + 1].extent;
    n_ = kernel_.b.axes[batches + 1].extent;
    for (size_t k = 0; k < batches; ++k) {
      batch_axes_.push_back({variables[k], kernel_.output.axes[k].extent});
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
    const auto loads = [](const Expr& e, int operand) {
      bool found = false;
      visit(e, [&](const Expr& x) {
        found = found || (x->kind == ExprKind::load && x->input == operand);
      });
      return found;
    };
    if (kernel_.b.body->kind == ExprKind::load || kernel_.b.body->kind == ExprKind::cast) {
      int operand = -1;
      visit(kernel_.b.body, [&](const Expr& e) {
        if (e->kind == ExprKind::load) operand = e->input;
      });
      FreeVariables free;
      const bool batched = std::any_of(
          batch_axes_.begin(), batch_axes_.end(),
          [&](const Axis& axis) { return free.depends(kernel_.b.body, axis.variable); });
      const bool shared = loads(kernel_.a.body, operand) || loads(kernel_.output.body, operand);
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

  Dim batches() const {
    Dim count = 1;
    for (const Axis& axis : batch_axes_) count = count * axis.extent;
    return count;
  }
  Dim panels() const { return ceil_div(n_, shape_.columns()); }
  /// A's rows are evaluated once for a block only if the block sees all panels of an item; packing
  /// B once needs all rows in one item.
  Dim row_blocks() const {
    return b_mode_ == B::packed_by_item ? Dim(1) : ceil_div(m_, rows_per_block);
  }

  // Scratch: a panel of B, rows of A, a tile for partial output.
  Dim b_scratch() const {
    return b_mode_ == B::packed_by_item ? k_extent_ * shape_.columns() : Dim(0);
  }
  Dim a_scratch() const { return a_ ? Dim(0) : k_extent_ * shape_.rows; }
  Dim scratch_elements() const {
    return b_scratch() + a_scratch() + shape_.rows * shape_.columns();
  }
  Value* scratch_at(const Dim& elements) {
    return emit_.element_pointer(emit_.scratch(), type_, emit_.dim(elements));
  }

  void emit_item(Value* item) {
    auto& ir = emit_.ir();
    const Variable block = fresh_variable(), panel = fresh_variable();
    std::vector<Axis> axes = batch_axes_;
    axes.push_back({block, row_blocks()});
    axes.push_back({panel, panels()});
    emit_.bind_item(axes, item);
    Value* panel_value = emit_.emit(variable(panel));
    Value* block_value = emit_.emit(variable(block));
    Value* rows = emit_.constant(rows_per_block);
    Value* m = emit_.dim(m_);
    Value* begin =
        b_mode_ == B::packed_by_item ? emit_.constant(0) : ir.CreateMul(block_value, rows);
    Value* end =
        b_mode_ == B::packed_by_item ? m : emit_smaller(emit_, ir.CreateAdd(begin, rows), m);
    block_begin_ = begin;
    Value* column = ir.CreateMul(panel_value, ir.getInt64(shape_.columns()));
    if (b_mode_ == B::packed_by_item) pack_panel(column);
    emit_panels(panel_value, column, begin, end);
  }

  /// Panels are all alike but for the last one, which may be narrower.
  void emit_panels(Value* panel, Value* column, Value* begin, Value* end) {
    const bool known = n_.is_number() && b_mode_ != B::packed_by_item;
    if (!known) {
      const bool full = n_.is_number() && n_.number() % shape_.columns() == 0;
      emit_panel(panel, column, begin, end, shape_.vectors, full);
      return;
    }
    const int64_t n = n_.number();
    const Panels layout{shape_.columns(), shape_.lanes};
    const int last = static_cast<int>(layout.last_width(n)) / shape_.lanes;
    const bool last_full = n % shape_.lanes == 0;
    const int64_t count = layout.count(n);
    if (last == shape_.vectors && last_full) {
      emit_panel(panel, column, begin, end, shape_.vectors, true);
      return;
    }
    if (count == 1) {
      emit_panel(panel, column, begin, end, last, last_full);
      return;
    }
    auto& ir = emit_.ir();
    emit_.if_then(
        ir.CreateICmpSLT(panel, ir.getInt64(count - 1)),
        [&] { emit_panel(panel, column, begin, end, shape_.vectors, true); },
        [&] { emit_panel(panel, column, begin, end, last, last_full); });
  }

  void emit_panel(Value* panel, Value* column, Value* begin, Value* end, int vectors, bool full) {
    auto& ir = emit_.ir();
    const int64_t rows = shape_.rows;
    if (m_.is_number() && m_.number() < rows) {
      emit_tile_at(panel, column, emit_.constant(0), static_cast<int>(m_.number()), vectors, full);
      return;
    }
    // The last tile begins early enough to be whole: some rows are then computed twice, alike.
    const auto whole_tiles = [&] {
      Value* last = ir.CreateSub(emit_.dim(m_), ir.getInt64(rows));
      emit_.for_loop(begin, end, rows, [&](Value* row) {
        emit_tile_at(panel, column, emit_smaller(emit_, row, last), static_cast<int>(rows), vectors,
                     full);
      });
    };
    if (m_.is_number()) {
      whole_tiles();
      return;
    }
    emit_.if_then(ir.CreateICmpSGE(emit_.dim(m_), ir.getInt64(rows)), whole_tiles, [&] {
      emit_.for_loop(begin, end, 1,
                     [&](Value* row) { emit_tile_at(panel, column, row, 1, vectors, full); });
    });
  }

  void emit_tile_at(Value* panel, Value* column, Value* row, int rows, int vectors, bool full) {
    Tile tile{type_,   rows,    vectors, shape_.lanes, {},
              nullptr, nullptr, nullptr, k_extent_,    nullptr};
    const RowSource a{a_, kernel_.a.body, row_, k_, scratch_at(b_scratch())};
    emit_rows(emit_, a, row, tile);
    set_b(tile, panel, column, vectors);
    if (tile.prefetch) {  // each tile fetches its own share of the next panel: 8 bytes for each k
      Value* done = emit_.ir().CreateSub(row, block_begin_);
      Value* share = emit_.ir().CreateMul(done, emit_.dim(k_extent_ * (8 / shape_.rows)));
      tile.prefetch = emit_.ir().CreateGEP(emit_.ir().getInt8Ty(), tile.prefetch, share);
    }
    const auto sums = emit_tile(emit_, tile);
    TileOutput output{row_,
                      column_,
                      row,
                      column,
                      emit_.dim(n_),
                      full,
                      scratch_at(b_scratch() + a_scratch()),
                      [&] { store_one(); }};
    emit_tile_output(emit_, tile, sums, output);
  }

  void store_one() {
    Indices indices;
    // An axis of one element is not in the formula any more: nothing binds its variable.
    for (const Axis& axis : kernel_.output.axes) {
      indices.push_back(axis.extent == Dim(1) ? index(0) : variable(axis.variable));
    }
    Value* value = emit_.emit_lanes(kernel_.output.body);
    emit_.store(static_cast<int>(kernel_.operands.size()),
                linear(flatten_index(indices, kernel_.output.shape())), value);
  }

  void set_b(Tile& tile, Value* panel, Value* column, int vectors) {
    auto& ir = emit_.ir();
    switch (b_mode_) {
      case B::packed_ahead: {
        const int64_t size = k_extent_.number() * shape_.columns();
        Value* offset = ir.CreateMul(panel, ir.getInt64(size));
        tile.b = emit_.element_pointer(emit_.buffer(packed_operand_), type_, offset);
        tile.b_stride = emit_.constant(vectors * shape_.lanes);
        tile.prefetch = emit_.element_pointer(tile.b, type_, emit_.constant(size));
        break;
      }
      case B::in_place: {
        Value* base =
            emit_.element_pointer(emit_.buffer(b_->operand), type_, emit_.emit(b_->rest.expr()));
        tile.b = emit_.element_pointer(base, type_, column);
        tile.b_stride = emit_.dim(b_->k);
        break;
      }
      case B::packed_by_item:
        tile.b = emit_.scratch();
        tile.b_stride = emit_.constant(shape_.columns());
        break;
    }
  }

  /// One panel of B into scratch, [k][columns], zeros behind the last column.
  void pack_panel(Value* column) {
    auto& ir = emit_.ir();
    const int64_t width = shape_.columns();
    Value* end = emit_smaller(emit_, ir.CreateAdd(column, ir.getInt64(width)), emit_.dim(n_));
    const bool transposed = b_ && b_->k == Dim(1) && !(b_->line == Dim(1));
    const bool padded = !(n_.is_number() && n_.number() % width == 0);
    if (padded) {
      emit_.if_then(ir.CreateICmpSLT(ir.CreateSub(end, column), ir.getInt64(width)), [&] {
        Value* bytes = emit_.dim(k_extent_ * width * byte_size(type_, 1));
        ir.CreateMemSet(emit_.scratch(), ir.getInt8(0), bytes, llvm::MaybeAlign(64));
      });
    }
    if (transposed) {
      pack_transposed(column, end);
      return;
    }
    emit_.for_loop(emit_.constant(0), emit_.dim(k_extent_), 1, [&](Value* k) {
      emit_.bind(k_, k);
      Value* to =
          emit_.element_pointer(emit_.scratch(), type_, ir.CreateMul(k, ir.getInt64(width)));
      emit_fill(emit_, to, kernel_.b.body, column_, column, end, column, shape_.lanes);
    });
  }

  /// B's columns are adjacent in k: vectors are read along k and their lanes spread over the rows.
  void pack_transposed(Value* column, Value* end) {
    auto& ir = emit_.ir();
    emit_.for_loop(column, end, 1, [&](Value* n) {
      emit_.bind(column_, n);
      Value* to = emit_.element_pointer(emit_.scratch(), type_, ir.CreateSub(n, column));
      emit_.lane_loop(k_, emit_.constant(0), emit_.dim(k_extent_), shape_.lanes, [&] {
        Value* value = emit_.emit_lanes(kernel_.b.body);
        Value* k = emit_.emit(variable(k_));
        if (emit_.lanes() > 1) k = ir.CreateExtractElement(k, uint64_t{0});
        for (int lane = 0; lane < emit_.lanes(); ++lane) {
          Value* row =
              ir.CreateMul(ir.CreateAdd(k, ir.getInt64(lane)), ir.getInt64(shape_.columns()));
          Value* one = emit_.lanes() > 1
                           ? ir.CreateExtractElement(value, static_cast<uint64_t>(lane))
                           : value;
          emit_.store_elements(emit_.element_pointer(to, type_, row), type_, one);
        }
      });
    });
  }

  Packing make_packing() const {
    const Panels layout{shape_.columns(), shape_.lanes};
    const int64_t k = k_extent_.number(), n = n_.number();
    const DType type = type_;
    if (b_ && b_->k.is_number() && b_->line.is_number() && b_->rest.terms.empty() &&
        b_->rest.constant.is_number()) {
      const int64_t k_stride = b_->k.number(), n_stride = b_->line.number();
      const int64_t first = b_->rest.constant.number();
      return {packed_operand_, [=](const Tensor& b) {
                if (type == DType::f64) {
                  return layout.pack(type, b.as<double>().data() + first, k, n, k_stride, n_stride);
                }
                return layout.pack(type, b.as<float>().data() + first, k, n, k_stride, n_stride);
              }};
    }
    // Not evenly spaced, or of another type: element by element.
    TensorExpr b{{{k_, k_extent_}, {column_, n_}}, kernel_.b.body};
    const size_t operands = kernel_.operands.size();
    const int operand = packed_operand_;
    return {operand, [=](const Tensor& constant) {
              std::vector<Tensor> values(operands);
              values[operand] = constant;
              const Tensor dense = interpret(b, values);
              if (type == DType::f64) {
                return layout.pack(type, dense.as<double>().data(), k, n, n, 1);
              }
              return layout.pack(type, dense.as<float>().data(), k, n, n, 1);
            }};
  }

  std::string describe() const {
    static constexpr const char* modes[] = {"packed ahead", "in place", "packed by item"};
    return fmt::format("matmul m {} n {} k {}, tile {}x{}, B {}, A {}", m_.to_string(),
                       n_.to_string(), k_extent_.to_string(), shape_.rows, shape_.columns(),
                       modes[static_cast<int>(b_mode_)], a_ ? "in place" : "evaluated");
  }

  MatmulKernel kernel_;
  DType type_;
  TileShape shape_;
  Emitter emit_;
  Variable row_, column_, k_;
  Dim m_, n_, k_extent_;
  std::vector<Axis> batch_axes_;
  std::optional<Affine> a_, b_;
  B b_mode_ = B::packed_by_item;
  int packed_operand_ = -1;
  Value* block_begin_ = nullptr;
};

}  // namespace

CompiledKernel emit_matmul_kernel(const MatmulKernel& kernel, const TargetInfo& target,
                                  llvm::Module& module, const std::string& symbol) {
  return MatmulEmitter(kernel, target, module, symbol).run();
}

}  // namespace dlc::llvm_backend
