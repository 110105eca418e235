// Samples: the graph of one node that a line of a row's `samples` says.
//   "data: f32[2,n], axes=[1]"            a named input, a constant input (or an attribute)
//   "inputs: f32[2], f32[3]"              a type alone goes on with the variadic input
//   "indices: i64[2]{0, -1}"              a constant input with its type
// Next: tests/unit/ops, where samples become tests.
#include <algorithm>

#include "compiler/ir/parser.h"
#include "compiler/ops/builder.h"

namespace dlc {
namespace {

class SampleReader {
 public:
  SampleReader(const OpDef& def, std::string_view text)
      : def_(def), in_(text), graph_("sample"), build_(graph_) {}

  Graph read() {
    while (!in_.at_end()) {
      item();
      if (!in_.at_end()) in_.expect(",");
    }
    const std::vector<Value> results = add_node();
    std::vector<Value> outputs;
    std::copy_if(results.begin(), results.end(), std::back_inserter(outputs),
                 [](Value v) { return v.valid(); });
    graph_.set_outputs(std::move(outputs));
    return std::move(graph_);
  }

 private:
  std::optional<size_t> input_number(std::string_view name) const {
    for (size_t k = 0; k < def_.inputs.size(); ++k) {
      if (def_.inputs[k].name == name) return k;
    }
    return std::nullopt;
  }

  /// With as many of the row's outputs as there are for these attributes.
  std::vector<Value> add_node() {
    for (size_t outputs = def_.outputs.size(); outputs > 1; --outputs) {
      try {
        return build_.node(def_.name, inputs_, attrs_, outputs);
      } catch (const Error&) {
        continue;  // the last attempt says what is wrong
      }
    }
    return build_.node(def_.name, inputs_, attrs_, 1);
  }

  void item() {
    const size_t start = in_.position();
    const std::string name(in_.identifier());
    if (in_.take(":")) {
      const std::optional<size_t> number = input_number(name);
      if (!number) in_.fail_here("{} has no input '{}'", def_.name, name);
      last_ = *number;
      return add_typed_input();
    }
    if (!in_.take("=")) {
      in_.set_position(start);
      return add_typed_input();
    }
    const std::optional<size_t> number = input_number(name);
    Attr value = parse_attr(in_);
    if (!number) {
      attrs_.insert_or_assign(name, std::move(value));
      return;
    }
    place(*number, build_.constant(tensor_of(value, def_.inputs[*number])));
  }

  /// A type, with elements or without, for input last_ or the next of the variadic input.
  void add_typed_input() {
    Type type = parse_type(in_);
    const bool variadic = def_.inputs.at(last_).presence == Presence::variadic;
    const size_t number = variadic ? std::max(last_, inputs_.size()) : last_;
    if (in_.peek() == '{') return place(number, build_.constant(parse_elements(in_, type)));
    std::string name(def_.inputs[last_].name);
    if (number > last_) name += "_" + std::to_string(number - last_);
    place(number, graph_.add_input(std::move(type), std::move(name)));
  }

  void place(size_t number, Value value) {
    if (inputs_.size() <= number) inputs_.resize(number + 1);
    if (inputs_[number].valid()) in_.fail_here("input {} is given twice", number);
    inputs_[number] = value;
  }

  /// The type that a bare number or list has: i64 for integers and that of the first input for
  /// reals if the row takes them, else the first type that it takes.
  DType constant_type(const InputSpec& spec, bool integers) const {
    const auto takes = [&](DType dtype) { return (spec.types & one(dtype)) != 0; };
    if (integers && takes(DType::i64)) return DType::i64;
    for (const Value input : inputs_) {
      if (input.valid() && takes(build_.type(input).dtype)) return build_.type(input).dtype;
    }
    for (int k = 1; k < dtype_count; ++k) {
      if (takes(static_cast<DType>(k))) return static_cast<DType>(k);
    }
    return DType::f32;
  }

  Tensor tensor_of(const Attr& value, const InputSpec& spec) const {
    if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
    if (const auto* strings = std::get_if<Strings>(&value)) {
      return Tensor::strings({static_cast<int64_t>(strings->size())}, *strings);
    }
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      return Tensor::scalar(constant_type(spec, true), static_cast<double>(*integer));
    }
    if (const auto* real = std::get_if<double>(&value)) {
      return Tensor::scalar(constant_type(spec, false), *real);
    }
    Reals elements;
    const auto* ints = std::get_if<Ints>(&value);
    if (ints) elements.assign(ints->begin(), ints->end());
    if (const auto* reals = std::get_if<Reals>(&value)) elements = *reals;
    return Tensor::of(constant_type(spec, ints != nullptr), {static_cast<int64_t>(elements.size())},
                      elements);
  }

  const OpDef& def_;
  Cursor in_;
  Graph graph_;
  Builder build_;
  std::vector<Value> inputs_;
  AttrMap attrs_;
  size_t last_ = 0;
};

}  // namespace

Graph sample_graph(const OpDef& def, std::string_view sample) {
  return with_context([&] { return fmt::format("sample \"{}\" of {}", sample, def.name); },
                      [&] { return SampleReader(def, sample).read(); });
}

}  // namespace dlc
