// The parser: recursive descent over a Cursor.
// Next: compiler/ir/text.cpp, which prints what is read here.
#include "compiler/ir/parser.h"

#include <charconv>
#include <map>
#include <optional>

#include "compiler/ir/text.h"

namespace dlc {
namespace {

bool is_integer_text(std::string_view text) {
  return text.find_first_not_of("-+0123456789") == std::string_view::npos;
}

double parse_real(Cursor& in, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || next != end) in.fail_here("expected a number");
  return value;
}

Attr parse_list(Cursor& in) {
  Ints ints;
  Reals reals;
  Strings strings;
  in.expect("[");
  while (!in.take("]")) {
    if (!ints.empty() || !reals.empty() || !strings.empty()) in.expect(",");
    if (in.peek() == '"') {
      strings.push_back(in.quoted());
    } else {
      const Attr number = parse_number_attr(in);
      if (const auto* integer = std::get_if<int64_t>(&number)) {
        ints.push_back(*integer);
      } else {
        reals.push_back(std::get<double>(number));
      }
    }
    if ((!ints.empty()) + (!reals.empty()) + (!strings.empty()) > 1) {
      in.fail_here("a list has elements of one kind; reals have a '.' or an exponent");
    }
  }
  if (!strings.empty()) return strings;
  if (!reals.empty()) return reals;
  return ints;
}

/// Reads one graph; keeps the names of its values.
class GraphParser {
 public:
  explicit GraphParser(Cursor& in) : in_(in) {}

  Graph parse() {
    const Cursor::Nesting nesting(in_);
    in_.expect("graph");
    in_.expect("@");
    graph_.set_name(in_.name());
    in_.expect("(");
    while (!in_.take(")")) {
      if (!graph_.inputs().empty()) in_.expect(",");
      const Name name = value_name();
      in_.expect(":");
      define(name, graph_.add_input(parse_type(in_)));
    }
    in_.expect("->");
    const std::vector<Type> types = result_types();
    in_.expect("{");
    while (!in_.take_word("return")) statement();
    finish(types);
    in_.expect("}");
    return std::move(graph_);
  }

 private:
  std::vector<Type> result_types() {
    std::vector<Type> types;
    if (!in_.take("(")) return {parse_type(in_)};
    while (!in_.take(")")) {
      if (!types.empty()) in_.expect(",");
      types.push_back(parse_type(in_));
    }
    return types;
  }

  void finish(const std::vector<Type>& types) {
    std::vector<Value> outputs;
    while (in_.peek() != '}') {
      if (!outputs.empty()) in_.expect(",");
      outputs.push_back(operand());
    }
    if (outputs.size() != types.size()) {
      in_.fail_here("the graph returns {} values but declares {}", outputs.size(), types.size());
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].valid()) in_.fail_here("a graph cannot return an absent value");
      if (graph_.type(outputs[i]) == types[i]) continue;
      in_.fail_here("result {} is of type {} but declared as {}", i,
                    to_string(graph_.type(outputs[i])), to_string(types[i]));
    }
    graph_.set_outputs(std::move(outputs));
  }

  /// %12 is a number, which stands for a value without a name; a name of digits comes quoted.
  struct Name {
    std::string text;
    bool number = false;
    auto operator<=>(const Name&) const = default;
  };

  Name value_name() {
    in_.expect("%");
    const bool in_quotes = in_.peek() == '"';
    std::string text = in_.name();
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    return {std::move(text), digits && !in_quotes};
  }

  void define(const Name& name, Value value) {
    if (!values_.emplace(name, value).second) in_.fail_here("%{} is defined twice", name.text);
    if (!name.number) graph_.set_name(value, name.text);
  }

  Value operand() {
    if (in_.take_word("_")) return {};
    const Name name = value_name();
    const auto found = values_.find(name);
    if (found == values_.end()) in_.fail_here("%{} is not defined before its use", name.text);
    return found->second;
  }

  /// A value or the lone `_` comes next.
  bool at_value() {
    if (in_.peek() == '%') return true;
    const size_t start = in_.position();
    const bool absent = in_.take_word("_");
    in_.set_position(start);
    return absent;
  }

  void statement() {
    std::vector<std::optional<Name>> results;
    while (at_value()) {
      results.push_back(in_.take_word("_") ? std::nullopt : std::optional(value_name()));
      if (in_.take("=")) break;
      in_.expect(",");
    }
    std::string op = in_.peek() == '"' ? in_.quoted() : std::string(in_.identifier());
    if (op.empty()) in_.fail_here("expected an op, a value or 'return'");
    std::vector<Value> inputs;
    AttrMap attrs;
    arguments(inputs, attrs);
    std::vector<Type> types;
    if (!results.empty()) {
      in_.expect(":");
      for (size_t i = 0; i < results.size(); ++i) {
        if (i > 0) in_.expect(",");
        types.push_back(in_.take_word("_") ? Type() : parse_type(in_));
        if ((types[i].kind == Type::Kind::none) == results[i].has_value()) {
          in_.fail_here("an absent result has the type _, and no other has");
        }
      }
    }
    const NodeId node = graph_.add_node(std::move(op), std::move(inputs), std::move(attrs),
                                        std::move(types), origins());
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i]) define(*results[i], graph_.node(node).outputs[i]);
    }
  }

  void arguments(std::vector<Value>& inputs, AttrMap& attrs) {
    in_.expect("(");
    while (!in_.take(")")) {
      if (!inputs.empty() || !attrs.empty()) in_.expect(",");
      if (at_value()) {
        if (!attrs.empty()) in_.fail_here("inputs come before attributes");
        inputs.push_back(operand());
        continue;
      }
      std::string name = in_.peek() == '"' ? in_.quoted() : std::string(in_.identifier());
      if (name.empty()) in_.fail_here("expected an input or an attribute");
      in_.expect("=");
      if (!attrs.emplace(name, parse_attr(in_)).second) {
        in_.fail_here("attribute '{}' is given twice", name);
      }
    }
  }

  Origins origins() {
    Origins names;
    if (!in_.take_word("from")) return names;
    do {
      names.insert(in_.quoted());
    } while (in_.take(","));
    return names;
  }

  Cursor& in_;
  Graph graph_;
  std::map<Name, Value> values_;
};

}  // namespace

Type parse_type(Cursor& in) {
  const Cursor::Nesting nesting(in);
  const std::string_view word = in.identifier();
  const auto element = [&] {
    Type type = parse_type(in);
    in.expect(")");
    return type;
  };
  if (word == "none") return {};
  if (word == "seq" || word == "opt") {
    in.expect("(");
    return word == "seq" ? Type::sequence(element()) : Type::optional(element());
  }
  const auto key_type = [&](std::string_view text) {
    const std::optional<DType> dtype = parse_dtype(text);
    if (!dtype) in.fail_here("'{}' is no type; an example of one is f32[batch,8]", text);
    return *dtype;
  };
  if (word == "map") {
    in.expect("(");
    const DType key = key_type(in.identifier());
    in.expect(",");
    return Type::map(key, element());
  }
  const DType dtype = key_type(word);
  in.expect("[");
  if (in.take("*")) {
    in.expect("]");
    return Type::unranked(dtype);
  }
  Dims dims;
  while (!in.take("]")) {
    if (!dims.empty()) in.expect(",");
    const std::string_view text = in.dimension();
    const std::optional<Dim> dim = parse_dim(text);
    if (!dim) in.fail_here("'{}' is no dimension; examples are 8, batch, 2*seq+1", text);
    dims.push_back(*dim);
  }
  return Type::tensor(dtype, std::move(dims));
}

Attr parse_number_attr(Cursor& in) {
  const std::string_view text = in.number();
  if (text.empty()) in.fail_here("expected a number");
  if (!is_integer_text(text)) return parse_real(in, text);
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data() + text.starts_with('+'), end, value);
  if (error != std::errc() || next != end) in.fail_here("'{}' does not fit in 64 bits", text);
  return value;
}

Attr parse_attr(Cursor& in) {
  const char next = in.peek();
  if (next == '"') return in.quoted();
  if (next == '[') return parse_list(in);
  const size_t start = in.position();
  const std::string_view word = in.identifier();
  if (word.empty() || word == "inf" || word == "nan") {
    in.set_position(start);
    return parse_number_attr(in);
  }
  if (word == "reals" || word == "strings") {
    in.expect("[");
    in.expect("]");
    return word == "reals" ? Attr(Reals()) : Attr(Strings());
  }
  in.set_position(start);
  if (word == "graph") return std::make_shared<const Graph>(parse_graph(in));
  Type type = parse_type(in);
  if (in.peek() != '{') return type;
  return parse_elements(in, type);
}

Graph parse_graph(Cursor& in) { return GraphParser(in).parse(); }

namespace {

template <typename T, typename Read>
T parse_whole(std::string_view text, Read&& read) {
  Cursor in(text);
  T result = read(in);
  if (!in.at_end()) in.fail_here("expected the end of the text");
  return result;
}

}  // namespace

Graph parse(std::string_view text) {
  return parse_whole<Graph>(text, [](Cursor& in) { return parse_graph(in); });
}

Type parse_type(std::string_view text) {
  return parse_whole<Type>(text, [](Cursor& in) { return parse_type(in); });
}

Tensor parse_tensor(std::string_view text) {
  return parse_whole<Tensor>(text, [](Cursor& in) {
    const Type type = parse_type(in);
    return parse_elements(in, type);
  });
}

}  // namespace dlc
