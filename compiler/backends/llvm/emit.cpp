// The function of a kernel: its arguments, loops, scopes and bindings.
// Next: emit_expr.cpp.
#include "compiler/backends/llvm/emit.h"

#include <algorithm>
#include <cassert>

#include "compiler/backends/llvm/arith.h"
#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

std::optional<int64_t> number(const Value* value) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value);
  if (constant == nullptr) return std::nullopt;
  return constant->getSExtValue();
}

}  // namespace

Emitter::Emitter(llvm::Module& module, const std::string& symbol, const TargetInfo& target,
                 std::vector<Type> buffers)
    : ir_(module.getContext()), target_(target), types_(std::move(buffers)) {
  for (const Type& type : types_)
    if (!type.is_tensor() || !has_machine_type(type.dtype))
      fail_as(ErrorCode::unsupported, "no machine code for elements of {}", to_string(type));
  llvm::Type *pointer = ir_.getPtrTy(), *integer = ir_.getInt64Ty();
  auto* type = llvm::FunctionType::get(ir_.getVoidTy(),
                                       {pointer, pointer, pointer, integer, integer}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module);
  function_->setDoesNotThrow();
  function_->addFnAttr("prefer-vector-width", std::to_string(target.vector_bits));
  function_->addFnAttr("min-legal-vector-width", std::to_string(target.vector_bits));
  for (unsigned i = 0; i < 3; ++i) function_->addParamAttr(i, llvm::Attribute::NoAlias);
  params_pointer_ = function_->getArg(1);
  scratch_ = function_->getArg(2);
  first_item_ = function_->getArg(3);
  last_item_ = function_->getArg(4);

  entry_ = llvm::BasicBlock::Create(module.getContext(), "entry", function_);
  auto* body = llvm::BasicBlock::Create(module.getContext(), "body", function_);
  ir_.SetInsertPoint(entry_);
  for (size_t i = 0; i < types_.size(); ++i) {
    Value* slot = ir_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(0), i);
    buffers_.push_back(ir_.CreateLoad(pointer, slot, "buffer"));
  }
  arguments_ = types_.size();
  ir_.CreateBr(body);
  ir_.SetInsertPoint(body);
  llvm::FastMathFlags flags;
  flags.setAllowContract(true);
  ir_.setFastMathFlags(flags);
}

void Emitter::set_buffer(int number, Type type, Value* pointer) {
  const auto place = static_cast<size_t>(number);
  assert(place >= arguments_ && "arguments stay what they are");
  types_.resize(std::max(types_.size(), place + 1));
  buffers_.resize(types_.size());
  types_[place] = std::move(type);
  buffers_[place] = pointer;
}

void Emitter::finish() { ir_.CreateRetVoid(); }

Value* Emitter::dim(const Dim& dim) {
  if (dim.is_number()) return constant(dim.number());
  for (size_t i = 0; i < params_.size(); ++i)
    if (params_[i] == dim) return param_values_[i];
  llvm::IRBuilder<> at_entry(entry_->getTerminator());
  Value* slot =
      at_entry.CreateConstInBoundsGEP1_64(at_entry.getInt64Ty(), params_pointer_, params_.size());
  Value* value = at_entry.CreateLoad(at_entry.getInt64Ty(), slot, "dim");
  params_.push_back(dim);
  param_values_.push_back(value);
  return value;
}

void Emitter::for_loop(Value* begin, Value* end, int64_t step, const Body& body) {
  const std::optional<int64_t> first = number(begin), last = number(end);
  if (begin == end || (first && last && *first >= *last)) return;
  if (first && last && *last - *first <= step) return scope([&] { body(begin); });

  llvm::BasicBlock* before = ir_.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(ir_.getContext(), "loop", function_);
  auto* exit = llvm::BasicBlock::Create(ir_.getContext(), "exit", function_);
  // The test is at the end, so that what is invariant can move out even if it may fault.
  if (first && last) {
    ir_.CreateBr(loop);
  } else {
    ir_.CreateCondBr(ir_.CreateICmpSLT(begin, end), loop, exit);
  }
  ir_.SetInsertPoint(loop);
  llvm::PHINode* index = ir_.CreatePHI(ir_.getInt64Ty(), 2, "i");
  index->addIncoming(begin, before);
  ++depth_;
  scope([&] { body(index); });
  --depth_;
  Value* next = ir_.CreateNSWAdd(index, constant(step));
  index->addIncoming(next, ir_.GetInsertBlock());
  ir_.CreateCondBr(ir_.CreateICmpSLT(next, end), loop, exit);
  exit->moveAfter(ir_.GetInsertBlock());
  ir_.SetInsertPoint(exit);
}

void Emitter::unrolled(int64_t begin, int64_t end, const Body& body) {
  for (int64_t i = begin; i < end; ++i) scope([&] { body(constant(i)); });
}

void Emitter::if_then(Value* condition, const std::function<void()>& then,
                      const std::function<void()>& otherwise) {
  if (const std::optional<int64_t> known = number(condition)) {
    if (*known != 0) return scope(then);
    if (otherwise) scope(otherwise);
    return;
  }
  auto* yes = llvm::BasicBlock::Create(ir_.getContext(), "then", function_);
  auto* no = otherwise ? llvm::BasicBlock::Create(ir_.getContext(), "else", function_) : nullptr;
  auto* join = llvm::BasicBlock::Create(ir_.getContext(), "join", function_);
  ir_.CreateCondBr(condition, yes, no == nullptr ? join : no);
  ir_.SetInsertPoint(yes);
  scope(then);
  ir_.CreateBr(join);
  if (no != nullptr) {
    ir_.SetInsertPoint(no);
    scope(otherwise);
    ir_.CreateBr(join);
  }
  ir_.SetInsertPoint(join);
}

void Emitter::lane_loop(Variable v, Value* begin, Value* end, int lanes,
                        const std::function<void()>& body, bool long_enough) {
  const auto scalars = [&] {
    for_loop(begin, end, 1, [&](Value* i) {
      // As this loop's lanes would, its single elements replace lanes around it.
      lanes > 1 ? bind_lanes(v, i, 1) : bind(v, i);
      body();
    });
  };
  if (lanes == 1) return scalars();
  const auto vectors = [&] {
    const std::optional<int64_t> count = number(ir_.CreateSub(end, begin));
    const bool whole = count && *count % lanes == 0;
    if (overwrites() && !whole) return overlapping_lanes(v, begin, end, lanes, body);
    Value* last = ir_.CreateSub(end, constant(lanes));
    for_loop(begin, end, lanes, [&](Value* i) {
      const bool once = number(i).has_value();
      Value* base = whole || once ? i : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, i, last);
      bind_lanes(v, base, lanes);
      body();
    });
  };
  if (long_enough) return vectors();
  Value* fits = ir_.CreateICmpSGE(ir_.CreateSub(end, begin), constant(lanes));
  if_then(fits, vectors, scalars);
}

/// The last vector is computed first, before the one that it overlaps overwrites what it reads.
void Emitter::overlapping_lanes(Variable v, Value* begin, Value* end, int lanes,
                                const std::function<void()>& body) {
  Value* last = ir_.CreateSub(end, constant(lanes));
  std::function<void()> store_last;
  scope([&] {
    bind_lanes(v, last, lanes);
    store_last = without_stores(body);
  });
  for_loop(begin, last, lanes, [&](Value* base) {
    bind_lanes(v, base, lanes);
    body();
  });
  store_last();
}

std::function<void()> Emitter::without_stores(const std::function<void()>& body) {
  assert(put_off_ == nullptr && "stores are put off once");
  std::vector<Store> stores;
  put_off_ = &stores;
  body();
  put_off_ = nullptr;
  return [this, stores = std::move(stores)] {
    for (const Store& s : stores) store_elements(s.pointer, s.type, s.value);
  };
}

void Emitter::scope(const std::function<void()>& body) {
  const size_t mark = undo_.size(), guards = guards_.size();
  const std::map<Variable, Binding> bound = bound_;
  const Variable vector = vector_;
  const int lanes = lanes_, guard = guard_;
  body();
  for (; undo_.size() > mark; undo_.pop_back()) {
    if (undo_.back().previous) {
      known_[undo_.back().key] = *undo_.back().previous;
    } else {
      known_.erase(undo_.back().key);
    }
  }
  bound_ = bound;
  vector_ = vector;
  lanes_ = lanes;
  guard_ = guard;
  guards_.resize(guards);
}

Value* Emitter::local(llvm::Type* type, const char* name) {
  llvm::IRBuilder<> at_entry(entry_, entry_->begin());
  return at_entry.CreateAlloca(type, nullptr, name);
}

void Emitter::bind_item(std::span<const Axis> axes, Value* item) {
  for (size_t k = axes.size(); k-- > 0;) {
    Value* extent = dim(axes[k].extent);
    if (k == 0) {
      bind(axes[k].variable, item);
      return;
    }
    if (number(extent) == 1) {
      bind(axes[k].variable, constant(0));
      continue;
    }
    bind(axes[k].variable, ir_.CreateURem(item, extent));
    item = ir_.CreateUDiv(item, extent);
  }
}

void Emitter::bind(Variable v, Value* value) { bound_[v] = {value, depth_}; }

void Emitter::bind_lanes(Variable v, Value* base, int lanes) {
  bind(v, base);
  vector_ = v;
  lanes_ = lanes;
}

Value* Emitter::widen(Value* value) {
  if (lanes_ == 1 || value->getType()->isVectorTy()) return value;
  return ir_.CreateVectorSplat(static_cast<unsigned>(lanes_), value);
}

}  // namespace dlc::llvm_backend
