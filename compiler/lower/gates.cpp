// Finding gates by index maps: see gates.h.
// Next: partition.cpp.
#include "compiler/lower/gates.h"

#include <algorithm>

#include "compiler/lower/linear.h"

namespace dlc {
namespace {

constexpr int64_t least_columns = 8;  ///< of a gate: few would be vectors of zeros
constexpr int64_t most_gates = 8;     ///< sums of an element that wait in the cache

bool reads_gates(const StagePlan::Read& read, const TensorExpr& formula) {
  const size_t last = formula.axes.size() - 1;
  for (size_t k = 0; k < last; ++k)
    if (!same(read.at[k], variable(formula.axes[k].variable)) &&
        !(formula.axes[k].extent == Dim(1)))
      return false;
  Linear column = linear(read.at[last]);
  column.add_term(variable(formula.axes[last].variable), -1);
  return column.terms.empty() && column.constant.is_number() &&
         column.constant.number() % formula.axes[last].extent.number() == 0;
}

}  // namespace

std::string_view gates_refusal(const Graph& graph, const Formulas& formulas,
                               const StagePlan& stages, Value product,
                               const std::vector<Value>& readers) {
  const Dims shape = graph.type(product).shape;
  if (!formulas.order(product).empty() || shape.size() < 2 || !shape.back().is_number())
    return "the product is row-major, with a known number of columns";
  for (Value reader : readers) {
    const TensorExpr& formula = formulas.formula(reader);
    const Dims own = formula.shape();
    if (own.size() != shape.size() || !std::equal(own.begin(), own.end() - 1, shape.begin()) ||
        !own.back().is_number() || own.back().number() == 0)
      return "an element for each row and gate of the product";
    const int64_t columns = own.back().number(), all = shape.back().number();
    if (columns < least_columns) return "gates have at least 8 columns";
    if (all % columns != 0 || all / columns < 2 || all / columns > most_gates)
      return "an element is made of 2 to 8 gates";
    for (const StagePlan::Read& read : stages.reads(reader))
      if (read.value == product && !reads_gates(read, formula))
        return "gates are read at the element's own place";
  }
  return "";
}

}  // namespace dlc
