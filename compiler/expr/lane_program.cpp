// Translation of expressions to operations on lanes. Each node goes to the outermost place where
// all that it depends on is known: before the blocks, into the block, or into a reduction's loop.
// Next: lanes.h (the operations), interpret.cpp (the loop over blocks).
#include "compiler/expr/lane_program.h"

#include <cassert>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "runtime/error.h"

namespace dlc::lanes {
namespace {

using Scopes = std::set<int>;  // what a value depends on; the greatest is the innermost
constexpr int once_scope = 0, block_scope = 1;

struct Place {
  int result = -1;
  Scopes scopes;
};

/// Nodes that are evaluated for every element, outside of any branch of a select.
void collect_unguarded(const Expr& e, std::unordered_set<const void*>& found) {
  if (!found.insert(e.identity()).second) return;
  const size_t count = e->kind == ExprKind::select ? 1 : e->args.size();
  for (size_t i = 0; i < count; ++i) collect_unguarded(e->args[i], found);
}

class Translator {
 public:
  Translator(const TensorExpr& t, std::span<const Tensor> operands, const Sizes& sizes)
      : operands_(operands), sizes_(sizes) {
    collect_unguarded(t.body, unguarded_);
    code_.resize(2);
    int64_t stride = 1;
    for (size_t i = t.axes.size(); i-- > 0;) {
      const int64_t extent = sizes(t.axes[i].extent);
      axes_[t.axes[i].variable] = {-1, extent, stride};
      stride *= extent;
    }
  }

  Program operator()(const Expr& body) {
    program_.value = place(body).result;
    program_.once = std::move(code_[once_scope]);
    program_.block = std::move(code_[block_scope]);
    return std::move(program_);
  }

 private:
  int new_register() { return program_.registers++; }

  Place place(const Expr& e) {
    if (auto found = done_.find(e.identity()); found != done_.end()) return found->second;
    Place made = translate(e);
    done_.emplace(e.identity(), made);
    return made;
  }

  Place translate(const Expr& e) {
    switch (e->kind) {
      case ExprKind::constant:
        return constant_place(e);
      case ExprKind::dim:
        return constant_place(index(sizes_(e->dim)));
      case ExprKind::variable:
        return variable_place(e->variable);
      case ExprKind::reduce:
        return reduce_place(e);
      default:
        return operation_place(e);
    }
  }

  Place constant_place(const Expr& e) {
    program_.constants.emplace_back(new_register(), e);
    return {program_.constants.back().first, {once_scope}};
  }

  Place variable_place(Variable variable) {
    if (auto found = bound_.find(variable); found != bound_.end()) return found->second;
    const auto axis = axes_.find(variable);
    assert(axis != axes_.end() && "a variable of the output or of a reduction");
    axis->second.variable = new_register();
    program_.axes.push_back(axis->second);
    return bound_[variable] = {axis->second.variable, {once_scope, block_scope}};
  }

  Place operation_place(const Expr& e) {
    Instruction made{.type = e.dtype()};
    Scopes scopes = {once_scope};
    for (const Expr& arg : e->args) {
      const Place from = place(arg);
      made.args.push_back(from.result);
      scopes.insert(from.scopes.begin(), from.scopes.end());
    }
    made.from = e->args.empty() ? e.dtype() : e->args[0].dtype();
    switch (e->kind) {
      case ExprKind::unary:
        made.run = unary_operation(e->unary, made.from);
        break;
      case ExprKind::binary:
        made.run = binary_operation(e->binary, made.from);
        break;
      case ExprKind::select:
        made.run = select_operation(made.type);
        break;
      case ExprKind::cast:
        made.run = cast_operation(made.from, made.type);
        break;
      default:
        set_load(e, made);
    }
    return emit(std::move(made), std::move(scopes));
  }

  void set_load(const Expr& e, Instruction& made) {
    assert(e->input >= 0 && static_cast<size_t>(e->input) < operands_.size());
    const Tensor& operand = operands_[static_cast<size_t>(e->input)];
    assert(operand.dtype() == e.dtype() && "loads have the operand's element type");
    made.run = load_operation(e.dtype());
    if (made.run == nullptr)
      fail_as(ErrorCode::unsupported, "cannot compute with elements of type {}", name(e.dtype()));
    made.data = operand.data();
    made.size = operand.size();
    made.strides.assign(e->args.size(), 1);
    if (!e->flat) {
      assert(static_cast<int64_t>(e->args.size()) == operand.rank() && "one index an axis");
      for (size_t i = e->args.size(); i-- > 1;)
        made.strides[i - 1] = made.strides[i] * operand.shape()[i];
    }
    made.must_fit = unguarded_.contains(e.identity());
  }

  Place reduce_place(const Expr& e) {
    // A variable that another reduction has bound already would take its values for ours.
    for (const Axis& axis : e->axes) {
      if (!bound_.contains(axis.variable)) continue;
      program_.keep_alive.push_back(with_fresh_variables(e));
      return place(program_.keep_alive.back());
    }
    auto reduction = std::make_shared<Reduction>();
    const int scope = static_cast<int>(code_.size());
    code_.emplace_back();
    reduction->op = e->reduce;
    for (const Axis& axis : e->axes) {
      reduction->extents.push_back(sizes_(axis.extent));
      reduction->variables.push_back(new_register());
      bound_[axis.variable] = {reduction->variables.back(), {once_scope, scope}};
    }
    const Place body = place(e->args[0]);
    reduction->value = body.result;
    reduction->code = std::move(code_[static_cast<size_t>(scope)]);
    Scopes scopes = body.scopes;
    scopes.erase(scope);
    Instruction made{.run = reduce_operation(e->reduce),
                     .type = e.dtype(),
                     .from = e->args[0].dtype(),
                     .reduction = std::move(reduction)};
    return emit(std::move(made), std::move(scopes));
  }

  Place emit(Instruction made, Scopes scopes) {
    made.result = new_register();
    const int result = made.result;
    code_[static_cast<size_t>(*scopes.rbegin())].push_back(std::move(made));
    return {result, std::move(scopes)};
  }

  std::span<const Tensor> operands_;
  const Sizes& sizes_;
  Program program_;
  std::unordered_set<const void*> unguarded_;
  std::unordered_map<const void*, Place> done_;
  std::map<Variable, OutputAxis> axes_;
  std::map<Variable, Place> bound_;
  std::vector<std::vector<Instruction>> code_;  ///< by scope
};

}  // namespace

Sizes::Sizes(const std::map<std::string, int64_t>& symbols) {
  for (const auto& [name, value] : symbols) values_.emplace(name, Dim(value));
}

int64_t Sizes::operator()(const Dim& dim) const {
  if (dim.is_number()) return dim.number();
  const Dim value = dim.substitute(values_);
  if (!value.is_number()) fail("the size {} is not known", value.to_string());
  return value.number();
}

Program translate(const TensorExpr& t, std::span<const Tensor> operands, const Sizes& sizes) {
  return Translator(t, operands, sizes)(t.body);
}

}  // namespace dlc::lanes
