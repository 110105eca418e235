// Row of SequenceMap: a Loop over the elements of a sequence.
// Next: sequence.cpp.
#include "compiler/ops/inline_graph.h"
#include "compiler/ops/registry.h"

namespace dlc {
namespace {

/// Sizes that the elements need not share become unknown.
std::vector<Type> infer_sequence_map(const OpArgs& args) {
  const Graph& body = args.graph("body");
  std::vector<Type> types;
  for (Value output : body.outputs()) {
    Type element = body.type(output);
    if (!element.is_tensor()) fail("the body gives {} instead of a tensor", to_string(element));
    for (size_t k = 0; k < element.shape.size(); ++k) {
      if (!element.shape[k].is_number())
        element.shape[k] = fresh_dim(args, fmt::format("mapped{}_{}", types.size(), k));
    }
    types.push_back(Type::sequence(std::move(element)));
  }
  return types;
}

/// One iteration: the elements at its number, the body, and its results at the end of the states.
Graph make_iteration(const OpArgs& args, const Builder& build, std::span<const Value> inputs,
                     size_t mapped) {
  const Graph& nested = args.graph("body");
  Graph body("iteration");
  Builder inside(body);
  const Value number = body.add_input(Type::tensor(DType::i64, {}));
  const Value condition = body.add_input(Type::tensor(DType::boolean, {}));
  std::vector<Value> states, elements;
  for (Value output : nested.outputs())
    states.push_back(body.add_input(Type::sequence(Type::unranked(nested.type(output).dtype))));
  for (Value input : inputs) elements.push_back(body.add_input(build.type(input)));
  for (size_t k = 0; k < mapped; ++k) {
    if (build.type(inputs[k]).kind != Type::Kind::sequence) continue;
    elements[k] = inside.node_as("SequenceAt", {elements[k], number}, {},
                                 {nested.type(nested.inputs()[k])})[0];
  }
  const std::vector<Value> results = inline_graph(inside, nested, elements);
  std::vector<Value> outputs = {condition};
  for (size_t k = 0; k < results.size(); ++k)
    outputs.push_back(inside("SequenceInsert", {states[k], results[k]}));
  body.set_outputs(std::move(outputs));
  return body;
}

std::vector<Value> expand_sequence_map(const OpArgs& args, Builder& build,
                                       std::span<const Value> inputs) {
  const Graph& nested = args.graph("body");
  const auto captures = static_cast<size_t>(args.integer("captures"));
  if (captures >= inputs.size() || nested.inputs().size() != inputs.size())
    fail("the body has {} inputs for {} values", nested.inputs().size(), inputs.size());
  if (build.type(inputs[0]).kind != Type::Kind::sequence)
    fail("the first input must be a sequence, not {}", to_string(build.type(inputs[0])));
  std::vector<Value> all = {build("SequenceLength", {inputs[0]}), Value()};
  for (Value output : nested.outputs())
    all.push_back(
        build("SequenceEmpty", {}, {{"dtype", static_cast<int64_t>(nested.type(output).dtype)}}));
  all.insert(all.end(), inputs.begin(), inputs.end());
  Graph body = make_iteration(args, build, inputs, inputs.size() - captures);
  return build.node("Loop", std::move(all),
                    {{"body", std::make_shared<const Graph>(std::move(body))},
                     {"captures", static_cast<int64_t>(inputs.size())}},
                    nested.outputs().size());
}

}  // namespace

const std::vector<OpDef>& sequence_map_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "SequenceMap",
       .doc = "The body's results for each element of the first sequence, together with the "
              "elements of other sequences at the same place and tensors as they are.",
       .source = "ONNX SequenceMap-17",
       .inputs = {{"input_sequence"}, {"additional_inputs", types::all, Presence::any}},
       .outputs = {"out_sequence"},
       .attrs = {{"body", required_attr}, {"captures", 0}},
       .expand = expand_sequence_map,
       .infer = infer_sequence_map,
       .samples = {"input_sequence: seq(f32[2,3]), additional_inputs: f32[3], body=graph "
                   "@body(%a: f32[2,3], %b: f32[3]) -> (f32[2,3]) { %y = Add(%a, %b) : f32[2,3] "
                   "return %y }"}},
  };
  return rows;
}

}  // namespace dlc
