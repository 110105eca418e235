// Every row's samples with an input of another element type that it takes: an Error, or formulas
// that make sense.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"

namespace dlc {
namespace {

/// Whether all operands of an operator in `e` have one type.
bool makes_sense(const Expr& e, std::set<const void*>& seen) {
  if (!seen.insert(e.identity()).second) return true;
  const bool two = e->kind == ExprKind::binary;
  if (two && e->args[0].dtype() != e->args[1].dtype()) return false;
  const bool either = e->kind == ExprKind::select;
  if (either && e->args[1].dtype() != e->args[2].dtype()) return false;
  return std::all_of(e->args.begin(), e->args.end(),
                     [&](const Expr& arg) { return makes_sense(arg, seen); });
}

struct Counts {
  int results = 0, errors = 0;
};

void compute_all(const Graph& graph, Counts& counts) {
  for (NodeId id : graph.nodes()) {
    const OpKind kind = kind_of(graph, graph.node(id));
    if (kind != OpKind::elementwise && kind != OpKind::loops) continue;
    try {
      std::set<const void*> seen;
      const Node& node = graph.node(id);
      infer(graph, node.op, node.inputs, node.attrs, node.outputs.size());
      for (const TensorExpr& output : compute(graph, id).outputs)
        EXPECT_TRUE(makes_sense(output.body, seen));
      ++counts.results;
    } catch (const Error&) {
      ++counts.errors;
    }
  }
}

TEST(MixedTypes, AnInputOfAnotherTypeGivesAnErrorOrFormulasOfOneType) {
  Counts counts;
  for (const OpDef* def : all_ops()) {
    for (std::string_view text : def->samples) {
      const Graph sample = sample_graph(*def, text);
      for (size_t k = 0; k < sample.inputs().size(); ++k) {
        Type type = sample.type(sample.inputs()[k]);
        if (!type.is_tensor()) continue;
        for (DType other :
             {DType::f32, DType::f64, DType::f16, DType::i32, DType::i64, DType::u8}) {
          SCOPED_TRACE(fmt::format("{}: {}, input {} of {}", def->name, text, k, name(other)));
          Graph graph = sample;
          type.dtype = other;
          graph.set_type(graph.inputs()[k], type);
          compute_all(graph, counts);
        }
      }
    }
  }
  EXPECT_GT(counts.results, 100);
  EXPECT_GT(counts.errors, 100);
}

}  // namespace
}  // namespace dlc
