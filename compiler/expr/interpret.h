// The interpreter of tensor expressions: slow, obviously right, every element type. It folds
// constants and is the oracle for every backend.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "compiler/expr/expr.h"
#include "runtime/tensor.h"

namespace dlc {

using SymbolValues = std::map<std::string, int64_t>;

/// All elements of `t` for concrete operands. Floats are computed in double and rounded when stored
/// (and at casts), integers in 64 bits and wrapped to their type at each operation. Walks the tree
/// once for a block of elements, so that large constants fold in reasonable time.
/// Throws Error(invalid) for an unbound symbol; asserts that loads stay within their operands.
Tensor interpret(const TensorExpr& t, std::span<const Tensor> operands,
                 const SymbolValues& symbols = {});

/// The elements of an integer tensor as Dims, when the operands' elements are known as Dims (flat,
/// row-major; nullopt: not known) and the shape is numbers. This is what makes shape arithmetic
/// (Shape, Gather, Concat, Mul, ...) vanish. nullopt where an element cannot be expressed.
std::optional<Dims> interpret_symbolic(const TensorExpr& t,
                                       std::span<const std::optional<Dims>> operands,
                                       std::span<const Type> operand_types);

}  // namespace dlc
