// Nodes of one row, drawn from its samples: other sizes, element types, attributes, and inputs that
// lie in memory as slices, transposed, repeated, ...
// Next: row_variant.cpp (how a node is drawn), row_inputs.cpp (its inputs).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "compiler/ops/builder.h"
#include "tests/support/graph_maker.h"
#include "tests/support/random_graph.h"

namespace dlc::test {

/// What of the sample a variant has not kept.
struct Changes {
  bool sizes = false, types = false, attributes = false, layout = false;
};

/// What of a row's nodes can be other than in its samples: those have inputs with axes, of more
/// than one type, attributes.
Changes possible_changes(const OpDef& def);

struct RowVariant {
  GraphCase c;  ///< interpreted without an Error
  Changes changes;
};

/// The same for the same seed, on every machine. nullopt: no try led to a node that the row takes
/// and the interpreter runs.
std::optional<RowVariant> row_variant(const OpDef& def, uint64_t seed);

/// The node of a sample as it is changed, before there is a graph.
struct DrawnNode {
  struct Input {
    bool given = false, known = false;
    Type type;
    std::optional<Tensor> constant;
  };
  std::vector<Input> inputs;
  AttrMap attrs;
  size_t outputs = 1;
};

/// Adds an input to the graph, or a constant, as `input` says: itself, or as what a Slice,
/// Transpose, Expand, ... makes of another. Symbols stand for the sizes in `open`.
class InputMaker {
 public:
  InputMaker(GraphCase& c, testing::Random& random, std::set<int64_t> open)
      : case_(c), build_(c.graph), random_(random), open_(std::move(open)) {}

  /// mild: small non-negative integers, which are indices of most axes.
  Value make(const DrawnNode::Input& input, bool mild);
  bool any_layout() const { return layouts_ > 0; }

 private:
  Value add(DType dtype, const Shape& shape, bool open, bool mild);
  Value laid_out(DType dtype, const Shape& shape, bool mild);
  Value transposed(DType dtype, const Shape& shape, bool mild);
  Value sliced(DType dtype, const Shape& shape, bool mild);
  Value expanded(DType dtype, const Shape& shape, bool mild);
  Value joined(DType dtype, const Shape& shape, bool mild);
  Tensor values(DType dtype, const Shape& shape, bool mild);

  GraphCase& case_;
  Builder build_;
  testing::Random& random_;
  std::set<int64_t> open_;
  int layouts_ = 0;
};

}  // namespace dlc::test
