// Emitter: loops, memory accesses and expressions as LLVM IR, for the function of one kernel.
// Sources: emit.cpp (function, loops, scopes), emit_expr.cpp, emit_memory.cpp, emit_reduce.cpp.
// Next: arith.h (operations on values), loop_kernel.cpp (a user).
//
//   Emitter emit(module, "kernel", target, buffer_types, operands);
//   emit.for_loop(emit.first_item(), emit.last_item(), 1, [&](Value* row) {
//     emit.bind(i, row);
//     emit.lane_loop(j, emit.constant(0), emit.dim(n), 8, [&] { emit.store(out, offset,
//     emit.emit(body)); });
//   });
//   emit.finish();
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/backends/llvm/jit.h"
#include "compiler/expr/expr.h"
#include "compiler/lower/linear.h"

namespace dlc::llvm_backend {

using llvm::Value;

/// Emits a KernelFunction. Values are scalars, or vectors of lanes() lanes where they depend on the
/// vector variable. bool is i1 (i8 in memory), narrow floats are their bits. Outputs must not
/// overlap each other, or operands but those of may_overwrite(): loads of others move freely, and
/// the last vector of a loop may write elements again that the one before it wrote.
class Emitter {
 public:
  /// `buffers`: types of the operands, then of the outputs. Throws Error(unsupported) for element
  /// types that have no machine form (strings, complex, below 8 bits).
  Emitter(llvm::Module& module, const std::string& symbol, const TargetInfo& target,
          std::vector<Type> buffers);

  llvm::IRBuilder<>& ir() { return ir_; }
  const TargetInfo& target() const { return target_; }
  llvm::Module& module() { return *function_->getParent(); }
  /// Ends the function. Nothing may be emitted afterwards.
  void finish();

  // --- what the function is called with
  Value* buffer(int number) { return buffers_[number]; }
  const Type& buffer_type(int number) const { return types_[number]; }
  /// An output may be the operand's own memory: for bodies that read an element of it only to write
  /// that element, once, but for the overlapping vectors of lane_loop().
  void may_overwrite(int operand) { overwritten_.insert(operand); }
  bool overwrites() const { return !overwritten_.empty(); }
  /// A buffer behind those of the arguments, which the function itself writes and reads.
  void set_buffer(int number, Type type, Value* pointer);
  Value* scratch() { return scratch_; }
  Value* first_item() { return first_item_; }  ///< i64
  Value* last_item() { return last_item_; }    ///< i64, exclusive
  /// The value of a Dim, as i64. One that is no number becomes a parameter of the kernel.
  Value* dim(const Dim& dim);
  const std::vector<Dim>& params() const { return params_; }

  // --- control flow. Bodies are scopes: what they emit and bind is forgotten afterwards.
  Value* constant(int64_t value) { return ir_.getInt64(value); }
  using Body = std::function<void(Value* index)>;
  /// for (i = begin; i < end; i += step) body(i). No loop is made when it runs once for sure.
  void for_loop(Value* begin, Value* end, int64_t step, const Body& body);
  /// body(i) for begin <= i < end, all written out.
  void unrolled(int64_t begin, int64_t end, const Body& body);
  void if_then(Value* condition, const std::function<void()>& then,
               const std::function<void()>& otherwise = {});
  /// Runs `body` with v in [begin, end) as vector variable of `lanes` lanes (1: a scalar loop). The
  /// last vector overlaps the one before it if need be: for bodies that may be done twice for one
  /// v. Ranges shorter than `lanes` run by scalars, unless the caller knows that there are none.
  void lane_loop(Variable v, Value* begin, Value* end, int lanes, const std::function<void()>& body,
                 bool long_enough = false);
  /// Emits `body` with its stores left out, and the stores where the result is called.
  std::function<void()> without_stores(const std::function<void()>& body);
  /// Types of elements that are loaded under a mask in one instruction.
  bool has_masked_load(DType type) const;
  void scope(const std::function<void()>& body);
  /// A variable of the function, in the entry block, for accumulators: promoted to registers.
  Value* local(llvm::Type* type, const char* name = "acc");
  /// Values of variables from the row-major number of a point in their space.
  void bind_item(std::span<const Axis> axes, Value* item);

  // --- variables of expressions, up to the end of the scope
  void bind(Variable v, Value* value);
  /// Lane k of `v` is base + k.
  void bind_lanes(Variable v, Value* base, int lanes);
  int lanes() const { return lanes_; }

  // --- expressions
  Value* emit(const Expr& e);
  /// The same as a vector, when there is a vector variable.
  Value* emit_lanes(const Expr& e) { return widen(emit(e)); }
  Value* widen(Value* value);  ///< a scalar in all lanes(); anything else unchanged
  /// Emits, ahead of a loop over `inner`, the reductions in `e` that do not depend on it.
  void hoist(const Expr& e, std::span<const Variable> inner);
  bool depends(const Expr& e, Variable v) { return free_.depends(e, v); }
  bool is_bound(const Expr& e);  ///< all variables that it depends on
  /// Whether it reads memory, so that it must not be evaluated where a select does not choose it.
  bool needs_guard(const Expr& e);
  /// Up to the end of the scope, this node (by identity) has the given value.
  void assume(const Expr& e, Value* value) { remember(e, value); }
  /// The sum of the terms; the vector variable stands for its first lane.
  Value* first_lane(const Linear& sum);
  /// Loads of `input` (also numbers that are no operand) become whatever `make` gives.
  using LoadFunction = std::function<Value*(const Expr& load)>;
  void replace_loads(int input, LoadFunction make) { replaced_[input] = std::move(make); }
  void keep_loads(int input) { replaced_.erase(input); }

  // --- memory
  /// Writes an element of output `number` (or lanes() of them), at an offset in elements.
  void store(int number, const Linear& offset, Value* value);
  Value* element_pointer(Value* base, DType type, Value* offset);
  Value* element_pointer(Value* base, DType type, const Linear& offset);
  /// Arithmetic form of `lanes` elements (1: a scalar) from memory, and back.
  Value* load_elements(Value* pointer, DType type, int lanes, bool invariant = true);
  void store_elements(Value* pointer, DType type, Value* value);

 private:
  struct Known {
    Expr expr;
    Value* value;
    int guard;  ///< the guard under which it was emitted: it is valid there and below
  };
  struct Guard {
    int parent = -1;
    Value* condition = nullptr;
    bool negated = false;
    Value* mask = nullptr;  ///< what loads are switched off by; null: nothing
  };
  struct Undo {
    const void* key;
    std::optional<Known> previous;
  };
  struct Store {
    Value* pointer;
    DType type;
    Value* value;
  };
  struct Binding {
    Value* value;
    int depth;  ///< nesting of the loop that sets it
  };
  // emit_expr.cpp
  Value* make(const Expr& e);
  Value* make_select(const Expr& e);
  Value* branch(const Expr& e, Value* condition);
  Value* make_variable(const Expr& e);
  Value* make_binary(const Expr& e);
  Value* compare_lanes(const Expr& e);
  Value* guarded(const Expr& e, int guard);
  int guard_for(Value* condition, bool negated, bool by_branch);
  bool is_guarded_by(int guard, int ancestor) const;
  int cost(const Expr& e);
  bool is_uniform(const Expr& e) { return lanes_ == 1 || !depends(e, vector_); }
  void remember(const Expr& e, Value* value);

  // emit.cpp
  void overlapping_lanes(Variable v, Value* begin, Value* end, int lanes,
                         const std::function<void()>& body);

  // emit_memory.cpp
  Value* make_load(const Expr& e);
  Value* load_operand(const Expr& e);
  Value* load_uniform(Value* pointer, DType type);
  Value* load_contiguous(Value* pointer, DType type);
  Value* load_reversed(Value* pointer, DType type);
  Value* load_every_second(Value* pointer, DType type);
  Value* load_masked(Value* pointer, DType type, Value* mask);
  Value* load_strided(Value* pointer, DType type, Value* stride);
  Value* load_indexed(Value* base, DType type, const Linear& offset);
  Value* gather(DType type, Value* mask, const std::function<Value*(int)>& pointer_of);
  Value* switched(Value* pointer, Value* condition);
  Value* any(Value* condition);  ///< of lanes, as a scalar
  Value* lane(Value* value, int k);
  int depth_of(const Expr& atom);

  // emit_reduce.cpp
  Value* make_reduce(const Expr& e);
  Value* reduce_serial(const Expr& e);
  Value* reduce_position(const Expr& e);
  Value* reduce_lanes(const Expr& e, size_t axis, int lanes);
  struct LaneAccumulators;
  void accumulate_row(const Expr& e, const Axis& axis, int lanes, LaneAccumulators& acc);
  void nest(std::span<const Axis> axes, const Expr& body, const std::function<void()>& innermost);

  llvm::Function* function_;
  llvm::IRBuilder<> ir_;
  const TargetInfo& target_;
  std::vector<Type> types_;
  std::vector<Value*> buffers_;
  Value *scratch_, *first_item_, *last_item_, *params_pointer_;
  llvm::BasicBlock* entry_;
  size_t arguments_ = 0;         ///< of the buffers; those behind them are the function's own
  bool loads_invariant_ = true;  ///< what is loaded just now is never written
  std::set<int> overwritten_;    ///< operands whose memory may be an output's
  std::vector<Store>* put_off_ = nullptr;  ///< stores that are to be made later; null: none are
  Value* dummy_ = nullptr;                 ///< zeros to read where a guard switches a load off

  std::vector<Dim> params_;
  std::vector<Value*> param_values_;

  FreeVariables free_;
  std::unordered_map<const void*, Known> known_;
  std::vector<Undo> undo_;
  std::map<Variable, Binding> bound_;
  std::vector<Guard> guards_ = {{}};
  int guard_ = 0;
  int depth_ = 0;
  Variable vector_;
  int lanes_ = 1;
  std::map<int, LoadFunction> replaced_;
  std::unordered_map<const void*, int> costs_;
  std::unordered_map<const void*, bool> needs_guard_;
  std::vector<Expr> kept_;  ///< keeps identities in the maps alive
};

}  // namespace dlc::llvm_backend
