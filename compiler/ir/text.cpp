// The printer of graphs.
// Next: compiler/ir/parser.cpp, which reads what is printed here.
#include "compiler/ir/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "compiler/ir/parser.h"

namespace dlc {
namespace {

bool is_number(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Op and attribute names: quoted unless they are identifiers that mean nothing else.
std::string word(const std::string& text) {
  static constexpr std::string_view reserved[] = {"_", "return", "graph", "from"};
  const bool plain = is_identifier(text) && std::find(std::begin(reserved), std::end(reserved),
                                                      text) == std::end(reserved);
  return plain ? text : quote(text);
}

/// Names after % and @ may begin with a digit.
std::string sigil_name(const std::string& text) {
  const bool plain = !text.empty() && is_identifier("_" + text);
  return plain ? text : quote(text);
}

class GraphPrinter {
 public:
  GraphPrinter(const Graph& graph, const PrintOptions& options, int indent)
      : graph_(graph), options_(options), indent_(indent) {
    std::map<std::string, int> count;
    for_each_value([&](Value value) { ++count[graph_.name(value)]; });
    int number = 0;
    for_each_value([&](Value value) {
      const std::string& name = graph_.name(value);
      std::string& text = names_[value];
      if (name.empty() || count[name] > 1) {
        text = "%" + std::to_string(number++);
      } else {
        text = "%" + (is_number(name) ? quote(name) : sigil_name(name));
      }
    });
  }

  std::string print() {
    std::string text = "graph @" + sigil_name(graph_.name()) + "(";
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const Value input = graph_.inputs()[i];
      text += (i > 0 ? ", " : "") + name(input) + ": " + to_string(graph_.type(input));
    }
    std::string types;
    for (const Value output : graph_.outputs()) {
      types += (types.empty() ? "" : ", ") + to_string(graph_.type(output));
    }
    const bool single = graph_.outputs().size() == 1;
    text += ") -> " + (single ? types : "(" + types + ")") + " {\n";
    const std::string margin(2 * (indent_ + 1), ' ');
    for (const NodeId node : graph_.nodes()) text += margin + line(graph_.node(node)) + "\n";
    text += margin + "return";
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      text += (i > 0 ? ", " : " ") + name(graph_.outputs()[i]);
    }
    return text + "\n" + std::string(2 * indent_, ' ') + "}";
  }

  std::string attr(const Attr& attr) const;

 private:
  template <typename Visit>
  void for_each_value(Visit&& visit) const {
    for (const Value input : graph_.inputs()) visit(input);
    for (const NodeId node : graph_.nodes()) {
      for (const Value output : graph_.node(node).outputs) {
        if (output.valid()) visit(output);
      }
    }
  }

  std::string name(Value value) const {
    if (!value.valid()) return "_";
    const auto found = names_.find(value);
    // Only a graph that does not verify has such values; its dump must still come out.
    return found == names_.end() ? "%undefined." + std::to_string(value.id) : found->second;
  }

  std::string line(const Node& node) const {
    std::string text, types;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Value output = node.outputs[i];
      text += (i > 0 ? ", " : "") + name(output);
      types += (i > 0 ? ", " : "") + (output.valid() ? to_string(graph_.type(output)) : "_");
    }
    if (!node.outputs.empty()) text += " = ";
    text += word(node.op) + "(";
    std::string separator;
    for (const Value input : node.inputs) {
      text += separator + name(input);
      separator = ", ";
    }
    for (const auto& [key, value] : node.attrs) {
      text += separator + word(key) + "=" + attr(value);
      separator = ", ";
    }
    text += ")";
    if (options_.types && !node.outputs.empty()) text += " : " + types;
    if (options_.origins && !node.origins.empty()) {
      separator = " from ";
      for (const std::string& origin : node.origins) {
        text += separator + quote(origin);
        separator = ", ";
      }
    }
    return text;
  }

  const Graph& graph_;
  const PrintOptions& options_;
  int indent_;
  std::map<Value, std::string> names_;
};

template <typename T, typename Text>
std::string list(const std::vector<T>& elements, Text&& element_text) {
  std::string text = "[";
  for (const T& element : elements) {
    text += (text.size() > 1 ? ", " : "") + element_text(element);
  }
  return text + "]";
}

struct AttrPrinter {
  const PrintOptions& options;
  int indent;

  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return real_text(value); }
  std::string operator()(const std::string& value) const { return quote(value); }
  std::string operator()(const Ints& values) const {
    return list(values, [](int64_t value) { return std::to_string(value); });
  }
  // Empty lists say of what they are empty.
  std::string operator()(const Reals& values) const {
    return values.empty() ? "reals[]" : list(values, real_text);
  }
  std::string operator()(const Strings& values) const {
    return values.empty() ? "strings[]" : list(values, quote);
  }
  std::string operator()(const Tensor& value) const { return print(value, options.max_elements); }
  std::string operator()(const Type& value) const { return to_string(value); }
  std::string operator()(const std::shared_ptr<const Graph>& value) const {
    return GraphPrinter(*value, options, indent + 1).print();
  }
};

std::string GraphPrinter::attr(const Attr& attr) const {
  return std::visit(AttrPrinter{options_, indent_}, attr);
}

}  // namespace

std::string real_text(double value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string print(const Graph& graph, const PrintOptions& options) {
  return GraphPrinter(graph, options, 0).print() + "\n";
}

std::string print(const Attr& attr, const PrintOptions& options) {
  return std::visit(AttrPrinter{options, -1}, attr);
}

}  // namespace dlc
