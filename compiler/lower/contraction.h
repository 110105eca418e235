// Contractions as kernels: MatMul, Gemm and Conv nodes in the form that blocked kernels take.
#pragma once

#include "compiler/lower/formulas.h"
#include "compiler/lower/kernel.h"

namespace dlc {

/// The kernel of an anchor and its chain; load(id) in it reads the value with that id.
Kernel make_contraction(const Formulas& formulas, const Graph& graph, const Anchor& anchor);

/// The outputs of a contraction's kernel if none reads a sum, as where a condition that is known
/// chooses something else: loops make them.
std::vector<TensorExpr> outputs_without_sums(const Kernel& contraction);

/// Makes `results`, formulas [..., u] that read columns u + j * n / gates of the matmul's result
/// [..., n] as load(product, ...), the kernel's outputs.
void add_gates(MatmulKernel& kernel, const Formulas& formulas, Value product,
               const std::vector<TensorExpr>& results);

/// The expressions in that kernel: for finding what it reads.
std::vector<Expr> contraction_reads(const Formulas& formulas, const Graph& graph,
                                    const Anchor& anchor);

}  // namespace dlc
