// Einsum: sums of products by labelled axes.
// Next: quantization.cpp.
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace dlc {
namespace {

/// One label an axis: a letter, or for the axes of an ellipsis 0, 1, ... counted from the right.
using Label = int;
using Labels = std::vector<Label>;

/// "ij,jk->ik" as labels, the ellipses resolved by the operands' ranks.
struct Equation {
  std::vector<Labels> operands;
  Labels result;
};

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

/// The labels of a term; its ellipsis stands for `ellipsis` axes.
Labels parse_term(const std::string& term, size_t ellipsis) {
  Labels labels;
  for (size_t k = 0; k < term.size(); ++k) {
    if (std::isalpha(static_cast<unsigned char>(term[k]))) {
      labels.push_back(term[k]);
      continue;
    }
    if (term.compare(k, 3, "...") != 0) fail("'{}' is no term of an einsum equation", term);
    for (size_t axis = ellipsis; axis-- > 0;) labels.push_back(static_cast<Label>(axis));
    k += 2;
  }
  return labels;
}

bool has_ellipsis(const std::string& term) { return term.find("...") != std::string::npos; }

/// How many axes the ellipsis of a term of that rank stands for.
size_t ellipsis_axes(const std::string& term, size_t rank) {
  const size_t letters = parse_term(term, 0).size();
  if (letters > rank || (letters < rank && !has_ellipsis(term)))
    fail("the term '{}' does not fit an input of rank {}", term, rank);
  return rank - letters;
}

/// Without an explicit result: the ellipsis, then the letters that occur once, sorted.
Labels implicit_result(const std::vector<Labels>& operands, size_t ellipsis) {
  std::map<Label, int> count;
  for (const Labels& labels : operands) {
    for (Label label : labels) ++count[label];
  }
  Labels result = parse_term("...", ellipsis);
  for (const auto& [label, times] : count) {
    if (std::isalpha(label) && times == 1) result.push_back(label);
  }
  return result;
}

Equation parse_equation(const ComputeArgs& a) {
  const std::string text = without_spaces(a.text("equation"));
  const size_t arrow = text.find("->");
  const std::vector<std::string> terms = split(text.substr(0, arrow), ',');
  if (terms.size() != a.input_count())
    fail("the equation '{}' has {} terms, but there are {} inputs", text, terms.size(),
         a.input_count());
  Equation equation;
  size_t widest = 0;
  for (size_t k = 0; k < terms.size(); ++k) {
    const size_t axes = ellipsis_axes(terms[k], a.shape(k).size());
    widest = std::max(widest, axes);
    equation.operands.push_back(parse_term(terms[k], axes));
  }
  equation.result = arrow == std::string::npos ? implicit_result(equation.operands, widest)
                                               : parse_term(text.substr(arrow + 2), widest);
  return equation;
}

/// The size of each label: what the axes that carry it broadcast to.
std::map<Label, Dim> label_sizes(const ComputeArgs& a, const Equation& equation) {
  std::map<Label, Dim> sizes;
  for (size_t k = 0; k < equation.operands.size(); ++k) {
    const Dims& shape = a.shape(k);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const auto [entry, fresh] = sizes.try_emplace(equation.operands[k][axis], shape[axis]);
      if (!fresh) entry->second = broadcast_shapes(a, {entry->second}, {shape[axis]})[0];
    }
  }
  return sizes;
}

/// y[result's labels] = sum over the other labels of the product of the operands' elements
Computed einsum(const ComputeArgs& a) {
  require_one_type(a);
  const Equation equation = parse_equation(a);
  const std::map<Label, Dim> sizes = label_sizes(a, equation);
  Dims shape, extents;
  Labels summed;
  for (Label label : equation.result) {
    if (!sizes.contains(label)) fail("a label of the result is in no term of the equation");
    if (std::count(equation.result.begin(), equation.result.end(), label) > 1)
      fail("a label occurs twice in the result of the equation");
    shape.push_back(sizes.at(label));
  }
  for (const auto& [label, size] : sizes) {
    if (std::count(equation.result.begin(), equation.result.end(), label) > 0) continue;
    summed.push_back(label);
    extents.push_back(size);
  }
  return tensor(shape, [&](const Indices& i) {
    return sum(extents, [&](const Indices& j) {
      std::map<Label, Expr> place;
      for (size_t k = 0; k < i.size(); ++k) place[equation.result[k]] = i[k];
      for (size_t k = 0; k < j.size(); ++k) place[summed[k]] = j[k];
      Expr product;
      for (size_t operand = 0; operand < equation.operands.size(); ++operand) {
        Indices at;
        Dims full;
        for (Label label : equation.operands[operand]) {
          at.push_back(place.at(label));
          full.push_back(sizes.at(label));
        }
        const Expr factor = a.operand(operand)(broadcast_indices(at, full, a.shape(operand)));
        product = product.valid() ? product * factor : factor;
      }
      return product;
    });
  });
}

}  // namespace

const std::vector<OpDef>& einsum_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "Einsum",
       .doc =
           "The sum of the products of the inputs' elements over all labels that the result does "
           "not have; `...` stands for axes that broadcast.",
       .source = "ONNX Einsum-28",
       .inputs = {{"Inputs", types::numbers, Presence::variadic}},
       .attrs = {{"equation", required_attr}},
       .compute = einsum,
       .samples = {"Inputs: f32[3,4], f32[4,5], equation=\"ij,jk->ik\"",
                   "Inputs: f32[2,3,3], equation=\"...ii->...i\"",
                   "Inputs: i32[3,4], equation=\"ij->\"",
                   "Inputs: f16[2,3,4], f16[2,4,5], equation=\"bij, bjk\"",
                   "Inputs: f32[2,1,3], f32[4,3], equation=\"...k,...k->...\"",
                   "Inputs: f32[1], equation=\"i\"",
                   "Inputs: f32[0,3], f32[3], equation=\"ij,j->i\""}},
  };
  return rows;
}

}  // namespace dlc
