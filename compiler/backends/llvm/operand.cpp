// Reading operands of contractions.
#include "compiler/backends/llvm/operand.h"

namespace dlc::llvm_backend {

std::optional<Affine> affine(const Expr& body, Variable line, Variable k, DType type,
                             std::span<const Type> operands) {
  if (body->kind != ExprKind::load || body->dtype != type) return {};
  Affine result{body->input, load_offset(body.node(), operands[body->input].shape), {}, {}};
  result.line = result.rest.coefficient(line);
  result.k = result.rest.coefficient(k);
  result.rest = result.rest.without(line).without(k);
  FreeVariables free;
  for (const Linear::Term& term : result.rest.terms) {
    if (free.depends(term.atom, line) || free.depends(term.atom, k)) return {};
  }
  return result;
}

void emit_fill(Emitter& emit, Value* to, const Expr& body, Variable v, Value* begin, Value* end,
               Value* first, int lanes) {
  auto& ir = emit.ir();
  emit.lane_loop(v, begin, end, lanes, [&] {
    Value* at = emit.emit(variable(v));
    if (emit.lanes() > 1) at = ir.CreateExtractElement(at, uint64_t{0});
    Value* pointer = emit.element_pointer(to, body.dtype(), ir.CreateSub(at, first));
    emit.store_elements(pointer, body.dtype(), emit.emit_lanes(body));
  });
}

void emit_rows(Emitter& emit, const RowSource& source, Value* row, Tile& tile) {
  auto& ir = emit.ir();
  if (source.place) {
    const DType type = source.body.dtype();
    Value* base = emit.element_pointer(emit.buffer(source.place->operand), type,
                                       emit.emit(source.place->rest.expr()));
    Value* line = emit.dim(source.place->line);
    for (int r = 0; r < tile.rows; ++r) {
      Value* offset = ir.CreateMul(ir.CreateAdd(row, ir.getInt64(r)), line);
      tile.a.push_back(emit.element_pointer(base, type, offset));
    }
    if (!(source.place->k == Dim(1))) tile.a_stride = emit.dim(source.place->k);
    return;
  }
  for (int r = 0; r < tile.rows; ++r) {
    Value* to = emit.element_pointer(source.scratch, tile.type, emit.dim(tile.k * r));
    emit.scope([&] {
      emit.bind(source.row_variable, ir.CreateAdd(row, ir.getInt64(r)));
      emit_fill(emit, to, source.body, source.k_variable, emit.constant(0), emit.dim(tile.k),
                emit.constant(0), tile.lanes);
    });
    tile.a.push_back(to);
  }
}

namespace {

/// Lane j of result i is lane i of row j.
std::vector<Value*> turned(llvm::IRBuilder<>& ir, std::vector<Value*> rows) {
  const int count = static_cast<int>(rows.size());
  // Each pass exchanges the upper half of one row with the lower half of another, in blocks of
  // `half` lanes.
  for (int half = count / 2; half > 0; half /= 2) {
    std::vector<Value*> next(rows.size());
    std::vector<int> low(count), high(count);
    for (int lane = 0; lane < count; ++lane) {
      const bool upper = (lane / half) % 2 != 0;
      low[lane] = upper ? count + lane - half : lane;
      high[lane] = upper ? count + lane : lane + half;
    }
    for (int i = 0; i < count; ++i) {
      if ((i / half) % 2 != 0) continue;
      next[i] = ir.CreateShuffleVector(rows[i], rows[i + half], low);
      next[i + half] = ir.CreateShuffleVector(rows[i], rows[i + half], high);
    }
    rows = next;
  }
  return rows;
}

}  // namespace

void emit_transposed(Emitter& emit, const TransposedSource& source, Value* first, Value* end,
                     Value* to, int64_t pitch) {
  auto& ir = emit.ir();
  Value* base = emit.element_pointer(emit.buffer(source.place.operand), source.type,
                                     emit.emit(source.place.rest.expr()));
  Value* stride = emit.dim(source.place.line);
  Value* last = ir.CreateSub(end, ir.getInt64(1));
  Value* k_end = emit.dim(source.k);
  const auto from = [&](Value* line, Value* k) {
    Value* offset = ir.CreateAdd(ir.CreateMul(emit_smaller(emit, line, last), stride), k);
    return emit.element_pointer(base, source.type, offset);
  };
  const auto place = [&](Value* line, Value* k) {
    Value* row = ir.CreateMul(k, ir.getInt64(pitch));
    return emit.element_pointer(to, source.type, ir.CreateAdd(row, ir.CreateSub(line, first)));
  };
  const auto square = [&](Value* line, Value* k) {
    std::vector<Value*> rows;
    for (int i = 0; i < source.lanes; ++i) {
      rows.push_back(emit.load_elements(from(ir.CreateAdd(line, ir.getInt64(i)), k), source.type,
                                        source.lanes));
    }
    rows = turned(ir, std::move(rows));
    for (int i = 0; i < source.lanes; ++i) {
      emit.store_elements(place(line, ir.CreateAdd(k, ir.getInt64(i))), source.type, rows[i]);
    }
  };
  const auto by_element = [&](Value* line) {
    emit.for_loop(emit.constant(0), k_end, 1, [&](Value* k) {
      for (int i = 0; i < source.lanes; ++i) {
        Value* one = ir.CreateAdd(line, ir.getInt64(i));
        emit.store_elements(place(one, k), source.type,
                            emit.load_elements(from(one, k), source.type, 1));
      }
    });
  };
  emit.for_loop(first, end, source.lanes, [&](Value* line) {
    emit.if_then(
        ir.CreateICmpSGE(k_end, ir.getInt64(source.lanes)),
        [&] {
          Value* last_k = ir.CreateSub(k_end, ir.getInt64(source.lanes));
          emit.for_loop(emit.constant(0), k_end, source.lanes,
                        [&](Value* k) { square(line, emit_smaller(emit, k, last_k)); });
        },
        [&] { by_element(line); });
  });
}

void emit_choice(Emitter& emit, std::span<const int> choices, Value* value,
                 const std::function<void(int)>& body) {
  if (choices.size() == 1) return body(choices[0]);
  emit.if_then(
      emit.ir().CreateICmpEQ(value, emit.constant(choices[0])), [&] { body(choices[0]); },
      [&] { emit_choice(emit, choices.subspan(1), value, body); });
}

Value* emit_smaller(Emitter& emit, Value* a, Value* b) {
  return emit.ir().CreateSelect(emit.ir().CreateICmpSLT(a, b), a, b);
}

Value* emit_larger(Emitter& emit, Value* a, Value* b) {
  return emit.ir().CreateSelect(emit.ir().CreateICmpSGT(a, b), a, b);
}

}  // namespace dlc::llvm_backend
