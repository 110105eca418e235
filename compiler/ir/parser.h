// The parser's parts, for grammars built on them: types, attribute values, tensors, graphs.
// Users: text.cpp, compiler/ir/term.h.
#pragma once

#include "compiler/ir/cursor.h"
#include "compiler/ir/graph.h"

namespace dlc {

/// Each reads one thing at the cursor and leaves the cursor behind it. Errors name line and column.
Type parse_type(Cursor& in);
/// The elements, "{1, 2}", of a tensor whose static type has been read.
Tensor parse_elements(Cursor& in, const Type& type);
Attr parse_attr(Cursor& in);
/// A number as an attribute: with '.', exponent, inf or nan it is real.
Attr parse_number_attr(Cursor& in);
Graph parse_graph(Cursor& in);

/// Shortest text that reads back as the same double, and that is no integer.
std::string real_text(double value);

}  // namespace dlc
