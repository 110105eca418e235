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
    Value* base = emit.element_pointer(emit.buffer(source.place->operand), tile.type,
                                       emit.emit(source.place->rest.expr()));
    Value* line = emit.dim(source.place->line);
    for (int r = 0; r < tile.rows; ++r) {
      Value* offset = ir.CreateMul(ir.CreateAdd(row, ir.getInt64(r)), line);
      tile.a.push_back(emit.element_pointer(base, tile.type, offset));
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

Value* emit_smaller(Emitter& emit, Value* a, Value* b) {
  return emit.ir().CreateSelect(emit.ir().CreateICmpSLT(a, b), a, b);
}

Value* emit_larger(Emitter& emit, Value* a, Value* b) {
  return emit.ir().CreateSelect(emit.ir().CreateICmpSGT(a, b), a, b);
}

}  // namespace dlc::llvm_backend
