// The exporter: symbolic sizes (dlc.Sizes) as Shape and arithmetic on its elements.
#include "frontends/onnx/exporter.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

/// Makes nodes on i64[1] values, operand after operand.
class SizeWriter : public Dim::Visitor {
 public:
  SizeWriter(const std::map<std::string, SizeSource>& sizes, std::function<std::string()> name,
             proto::GraphProto& graph)
      : sizes_(sizes), name_(std::move(name)), graph_(graph) {}

  std::string take() {
    std::string top = std::move(stack_.back());
    stack_.pop_back();
    return top;
  }

  void number(int64_t value) override {
    auto& constant = *node("Constant", {}).add_attribute();
    constant.set_name("value_ints");
    constant.set_type(proto::AttributeProto::INTS);
    constant.add_ints(value);
  }
  void symbol(const std::string& name) override {
    const auto found = sizes_.find(name);
    if (found == sizes_.end()) {
      fail_as(ErrorCode::unsupported, "the size {} is not a size of any value before this", name);
    }
    proto::NodeProto& shape = node("Shape", {found->second.value});
    set_attr(shape, "start", found->second.axis);
    set_attr(shape, "end", found->second.axis + 1);
  }
  void add() override { binary("Add"); }
  void multiply() override { binary("Mul"); }
  void minimum() override { binary("Min"); }
  void maximum() override { binary("Max"); }
  void modulo() override { binary("Mod"); }
  // Div of ONNX rounds towards zero: (a - a mod b) / b has nothing to round.
  void floor_div() override {
    const std::string b = take();
    const std::string a = take();
    node("Mod", {a, b});
    node("Sub", {a, take()});
    node("Div", {take(), b});
  }

 private:
  proto::NodeProto& node(const char* op, const std::vector<std::string>& inputs) {
    proto::NodeProto& made = *graph_.add_node();
    made.set_op_type(op);
    for (const std::string& input : inputs) made.add_input(input);
    stack_.push_back(name_());
    made.add_output(stack_.back());
    return made;
  }
  void binary(const char* op) {
    const std::string b = take();
    const std::string a = take();
    node(op, {a, b});
  }
  static void set_attr(proto::NodeProto& node, const char* name, int64_t value) {
    auto& attr = *node.add_attribute();
    attr.set_name(name);
    attr.set_type(proto::AttributeProto::INT);
    attr.set_i(value);
  }

  const std::map<std::string, SizeSource>& sizes_;
  std::function<std::string()> name_;
  proto::GraphProto& graph_;
  std::vector<std::string> stack_;
};

}  // namespace

void Exporter::learn_sizes(const Graph& graph, Value value, ExportScope& scope) {
  const Type& type = graph.type(value);
  if (!type.is_tensor() || !type.ranked) return;
  for (size_t k = 0; k < type.shape.size(); ++k) {
    if (const auto name = type.shape[k].as_symbol()) {
      scope.sizes.try_emplace(*name, SizeSource{scope.names.at(value), static_cast<int64_t>(k)});
    }
  }
}

void Exporter::write_sizes(const Node& node, ExportScope& scope, proto::GraphProto& message) {
  SizeWriter writer(
      scope.sizes, [&] { return fresh_name(scope); }, message);
  std::vector<std::string> parts;
  for (const std::string& text : std::get<Strings>(node.attrs.at("dims"))) {
    const std::optional<Dim> dim = parse_dim(text);
    if (!dim) fail("'{}' is not a size", text);
    dim->visit(writer);
    parts.push_back(writer.take());
  }
  proto::NodeProto& concat = *message.add_node();
  concat.set_op_type("Concat");
  concat.set_name(node_name(node));
  for (const std::string& part : parts) concat.add_input(part);
  concat.add_output(scope.names.at(node.outputs[0]));
  auto& axis = *concat.add_attribute();
  axis.set_name("axis");
  axis.set_type(proto::AttributeProto::INT);
  axis.set_i(0);
}

}  // namespace dlc::onnx
