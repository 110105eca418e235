// Loads and stores. A load whose guard may be off never touches memory outside its operand: its
// address is switched to some zeros, or its lanes are masked.
// Next: emit_reduce.cpp.
#include <algorithm>

#include "compiler/backends/llvm/arith.h"
#include "compiler/backends/llvm/emit.h"

namespace dlc::llvm_backend {
namespace {

constexpr int max_lanes_bytes = 1024;  ///< of zeros to read

/// Of an element in memory that others have allocated.
llvm::Align alignment(DType type) {
  return llvm::Align(std::max(1, bits(type) / (is_complex(type) ? 16 : 8)));
}

}  // namespace

// --- addresses

int Emitter::depth_of(const Expr& atom) {
  int depth = 0;
  for (const Variable v : free_.of(atom))
    if (const auto found = bound_.find(v); found != bound_.end())
      depth = std::max(depth, found->second.depth);
  return depth;
}

/// Parts that change in outer loops come first, so that they move out of the inner ones.
Value* Emitter::first_lane(const Linear& sum) {
  std::vector<std::pair<int, const Linear::Term*>> order;
  for (const Linear::Term& term : sum.terms) order.push_back({depth_of(term.atom), &term});
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Value* result = dim(sum.constant);
  for (const auto& [depth, term] : order) {
    const bool is_variable = term->atom->kind == ExprKind::variable;
    Value* atom = is_variable ? bound_.at(term->atom->variable).value : emit(term->atom);
    result = ir_.CreateAdd(result, ir_.CreateMul(atom, dim(term->coefficient)));
  }
  return result;
}

Value* Emitter::element_pointer(Value* base, DType type, Value* offset) {
  return ir_.CreateGEP(memory_type(ir_.getContext(), type), base, offset);
}

Value* Emitter::element_pointer(Value* base, DType type, const Linear& offset) {
  std::map<int, Linear> by_depth;
  for (const Linear::Term& term : offset.terms) by_depth[depth_of(term.atom)].terms.push_back(term);
  if (!offset.constant.is_number()) base = element_pointer(base, type, dim(offset.constant));
  for (const auto& [depth, part] : by_depth) base = element_pointer(base, type, first_lane(part));
  if (offset.constant.is_number() && offset.constant != Dim(0))
    base = element_pointer(base, type, dim(offset.constant));
  return base;
}

Value* Emitter::lane(Value* value, int k) {
  if (!value->getType()->isVectorTy()) return value;
  return ir_.CreateExtractElement(value, static_cast<uint64_t>(k));
}

Value* Emitter::any(Value* condition) {
  return condition->getType()->isVectorTy() ? ir_.CreateOrReduce(condition) : condition;
}

Value* Emitter::switched(Value* pointer, Value* condition) {
  if (condition == nullptr) return pointer;
  if (dummy_ == nullptr) {
    llvm::Type* zeros = llvm::ArrayType::get(ir_.getInt8Ty(), max_lanes_bytes);
    auto* global =
        new llvm::GlobalVariable(module(), zeros, true, llvm::GlobalValue::PrivateLinkage,
                                 llvm::Constant::getNullValue(zeros), "zeros");
    global->setAlignment(llvm::Align(64));
    dummy_ = global;
  }
  return ir_.CreateSelect(condition, pointer, dummy_);
}

// --- loads

bool Emitter::has_masked_load(DType type) const {
  if (target_.vector_bits >= 512) return true;
  return target_.vector_bits >= 256 && bits(type) >= 32;
}

Value* Emitter::load_elements(Value* pointer, DType type, int lanes, bool invariant) {
  llvm::Type* element = memory_type(ir_.getContext(), type);
  const llvm::Align align = alignment(type);
  llvm::LoadInst* load = ir_.CreateAlignedLoad(with_lanes(element, lanes), pointer, align);
  if (invariant && loads_invariant_)
    load->setMetadata(llvm::LLVMContext::MD_invariant_load,
                      llvm::MDNode::get(ir_.getContext(), {}));
  if (type != DType::boolean) return load;
  return ir_.CreateICmpNE(load, llvm::Constant::getNullValue(load->getType()));
}

void Emitter::store_elements(Value* pointer, DType type, Value* value) {
  if (type == DType::boolean)
    value = ir_.CreateZExt(value, with_lanes(ir_.getInt8Ty(), lanes_of(value)));
  ir_.CreateAlignedStore(value, pointer, alignment(type));
}

Value* Emitter::load_uniform(Value* pointer, DType type) {
  Value* mask = guards_[guard_].mask;
  return load_elements(switched(pointer, mask == nullptr ? nullptr : any(mask)), type, 1);
}

Value* Emitter::load_contiguous(Value* pointer, DType type) {
  Value* mask = guards_[guard_].mask;
  if (mask != nullptr && mask->getType()->isVectorTy()) return load_masked(pointer, type, mask);
  return load_elements(switched(pointer, mask), type, lanes_);
}

Value* Emitter::load_masked(Value* pointer, DType type, Value* mask) {
  llvm::Type* element = memory_type(ir_.getContext(), type);
  if (!has_masked_load(type)) {
    return gather(type, mask, [&](int k) { return ir_.CreateConstGEP1_64(element, pointer, k); });
  }
  llvm::Type* vector = with_lanes(element, lanes_);
  Value* loaded = ir_.CreateMaskedLoad(vector, pointer, alignment(type), mask,
                                       llvm::Constant::getNullValue(vector));
  if (type != DType::boolean) return loaded;
  return ir_.CreateICmpNE(loaded, llvm::Constant::getNullValue(vector));
}

Value* Emitter::load_reversed(Value* pointer, DType type) {
  Value* first = element_pointer(pointer, type, constant(1 - lanes_));
  Value* mask = guards_[guard_].mask;
  llvm::SmallVector<int> order;
  for (int k = lanes_ - 1; k >= 0; --k) order.push_back(k);
  if (mask != nullptr && mask->getType()->isVectorTy()) {
    Value* loaded = load_masked(first, type, ir_.CreateShuffleVector(mask, order));
    return ir_.CreateShuffleVector(loaded, order);
  }
  return ir_.CreateShuffleVector(load_elements(switched(first, mask), type, lanes_), order);
}

/// Two loads, the second one element early, so that nothing behind the last element is read.
Value* Emitter::load_every_second(Value* pointer, DType type) {
  Value* mask = guards_[guard_].mask;
  const bool by_lane = mask != nullptr && mask->getType()->isVectorTy();
  llvm::SmallVector<int> order, low, high;  // lanes_ stands for "off" in the masks of the two loads
  for (int k = 0; k < lanes_; ++k) {
    order.push_back(k < lanes_ / 2 ? 2 * k : 2 * k + 1);
    low.push_back(k % 2 == 0 ? k / 2 : lanes_);
    high.push_back(k % 2 == 1 ? (lanes_ + k) / 2 : lanes_);
  }
  if (!by_lane) {
    Value* first = switched(pointer, mask);
    Value* second = element_pointer(first, type, constant(lanes_ - 1));
    return ir_.CreateShuffleVector(load_elements(first, type, lanes_),
                                   load_elements(second, type, lanes_), order);
  }
  Value* off = llvm::Constant::getNullValue(mask->getType());
  Value* first = load_masked(pointer, type, ir_.CreateShuffleVector(mask, off, low));
  Value* second = load_masked(element_pointer(pointer, type, constant(lanes_ - 1)), type,
                              ir_.CreateShuffleVector(mask, off, high));
  return ir_.CreateShuffleVector(first, second, order);
}

Value* Emitter::gather(DType type, Value* mask, const std::function<Value*(int)>& pointer_of) {
  llvm::Type* element = value_type(ir_.getContext(), type);
  Value* result = llvm::PoisonValue::get(with_lanes(element, lanes_));
  for (int k = 0; k < lanes_; ++k) {
    Value* pointer = switched(pointer_of(k), mask == nullptr ? nullptr : lane(mask, k));
    result =
        ir_.CreateInsertElement(result, load_elements(pointer, type, 1), static_cast<uint64_t>(k));
  }
  return result;
}

Value* Emitter::load_strided(Value* pointer, DType type, Value* stride) {
  return gather(type, guards_[guard_].mask, [&](int k) {
    return element_pointer(pointer, type, ir_.CreateMul(stride, constant(k)));
  });
}

/// Lanes at loaded or otherwise irregular positions.
Value* Emitter::load_indexed(Value* base, DType type, const Linear& offset) {
  Linear uniform = offset, varying;
  uniform.terms.clear();
  for (const Linear::Term& term : offset.terms)
    (depends(term.atom, vector_) ? varying : uniform).terms.push_back(term);
  Value* start = element_pointer(base, type, uniform);
  Value* positions = nullptr;
  for (const Linear::Term& term : varying.terms) {
    Value* part = ir_.CreateMul(widen(emit(term.atom)), widen(dim(term.coefficient)));
    positions = positions == nullptr ? part : ir_.CreateAdd(positions, part);
  }
  return gather(type, guards_[guard_].mask,
                [&](int k) { return element_pointer(start, type, lane(positions, k)); });
}

Value* Emitter::make_load(const Expr& e) {
  if (const auto found = replaced_.find(e->input); found != replaced_.end())
    return found->second(e);
  const bool before = loads_invariant_;
  loads_invariant_ = static_cast<size_t>(e->input) < arguments_ && !overwritten_.contains(e->input);
  Value* value = load_operand(e);
  loads_invariant_ = before;
  return value;
}

Value* Emitter::load_operand(const Expr& e) {
  const DType type = e.dtype();
  const Linear offset = load_offset(e.node(), types_[e->input].shape);
  Value* base = buffers_[e->input];
  if (is_uniform(e)) return load_uniform(element_pointer(base, type, offset), type);
  for (const Linear::Term& term : offset.terms)
    if (term.atom->kind != ExprKind::variable && depends(term.atom, vector_))
      return load_indexed(base, type, offset);
  Value* pointer = element_pointer(base, type, offset);
  const Dim stride = offset.coefficient(vector_);
  const Value* mask = guards_[guard_].mask;
  const bool by_lane = mask != nullptr && mask->getType()->isVectorTy();
  if (stride == Dim(1)) return load_contiguous(pointer, type);
  if (stride == Dim(-1)) return load_reversed(pointer, type);
  if (stride == Dim(2) && (!by_lane || has_masked_load(type)))
    return load_every_second(pointer, type);
  return load_strided(pointer, type, dim(stride));
}

// --- stores

void Emitter::store(int number, const Linear& offset, Value* value) {
  const DType type = types_[number].dtype;
  Value* pointer = element_pointer(buffers_[number], type, offset);
  const Dim stride = lanes_ == 1 ? Dim(0) : offset.coefficient(vector_);
  const auto put = [&](Value* to, Value* what) {
    put_off_ != nullptr ? put_off_->push_back({to, type, what}) : store_elements(to, type, what);
  };
  if (lanes_ == 1 || stride == Dim(1)) return put(pointer, widen(value));
  for (int k = 0; k < lanes_; ++k) {
    Value* to = element_pointer(pointer, type, ir_.CreateMul(dim(stride), constant(k)));
    put(to, lane(value, k));
  }
}

}  // namespace dlc::llvm_backend
