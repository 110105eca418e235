// Every row's samples: they infer, evaluate without an error, and keep what the row promises.
// Known numbers of single ops: values_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "compiler/ops/op_def.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

struct Sample {
  const OpDef* def;
  std::string_view text;
};

std::vector<Sample> all_samples() {
  std::vector<Sample> samples;
  for (const OpDef* def : all_ops()) {
    for (std::string_view text : def->samples) samples.push_back({def, text});
  }
  return samples;
}

/// Runs `check` on each sample; an Error is a failure that names op and sample.
template <typename Check>
void for_each_sample(Check check) {
  for (const Sample& sample : all_samples()) {
    SCOPED_TRACE(std::string(sample.def->name) + ": " + std::string(sample.text));
    try {
      check(sample);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(Samples, EveryRowHasThemAndADescription) {
  ASSERT_GT(all_ops().size(), 100u);
  for (const OpDef* def : all_ops()) {
    EXPECT_FALSE(def->doc.empty()) << def->name;
    EXPECT_FALSE(def->source.empty()) << def->name;
    EXPECT_TRUE(def->kind() == OpKind::structural || !def->samples.empty()) << def->name;
  }
}

TEST(Samples, NodesPassTheTypeCheck) {
  for_each_sample([](const Sample& sample) { check(sample_graph(*sample.def, sample.text)); });
}

TEST(Samples, ValuesHaveTheInferredTypes) {
  for_each_sample([](const Sample& sample) {
    const Graph graph = sample_graph(*sample.def, sample.text);
    const std::vector<Datum> outputs = evaluate(graph, test::random_inputs(graph, 1));
    ASSERT_EQ(outputs.size(), graph.outputs().size());
    for (size_t k = 0; k < outputs.size(); ++k) {
      const Type& type = graph.type(graph.outputs()[k]);
      if (!type.is_tensor()) continue;
      ASSERT_EQ(outputs[k].kind, Datum::Kind::tensor);
      EXPECT_EQ(name(outputs[k].tensor.dtype()), name(type.dtype));
      if (!type.ranked) continue;
      ASSERT_EQ(outputs[k].tensor.rank(), type.rank());
      for (int64_t axis = 0; axis < type.rank(); ++axis) {
        if (!type.shape[axis].is_number()) continue;
        EXPECT_EQ(outputs[k].tensor.shape()[axis], type.shape[axis].number()) << "axis " << axis;
      }
    }
  });
}

TEST(Samples, ValuesAreTheSameEachTime) {
  for_each_sample([](const Sample& sample) {
    if (sample.def->effect) return;
    const Graph graph = sample_graph(*sample.def, sample.text);
    const std::vector<Datum> inputs = test::random_inputs(graph, 2);
    const std::vector<Datum> first = evaluate(graph, inputs), second = evaluate(graph, inputs);
    for (size_t k = 0; k < first.size(); ++k) {
      EXPECT_EQ(test::difference(second[k], first[k], {0, 0}), "");
    }
  });
}

bool has_strings(const Graph& graph) {
  const auto is_string = [&](Value value) { return graph.type(value).dtype == DType::string; };
  bool found = false;
  for (NodeId id : graph.nodes()) {
    for (Value value : graph.node(id).inputs) found = found || (value.valid() && is_string(value));
    for (Value value : graph.node(id).outputs) found = found || (value.valid() && is_string(value));
  }
  return found;
}

/// An elementwise op computes each element from its own place: the first element of every input
/// alone gives the first element of the output.
TEST(Samples, ElementwiseOpsDoNotMixElements) {
  for_each_sample([](const Sample& sample) {
    if (sample.def->kind() != OpKind::elementwise) return;
    const Graph graph = sample_graph(*sample.def, sample.text);
    if (has_strings(graph)) return;  // they have no numbers to compare
    const std::vector<Datum> inputs = test::random_inputs(graph, 3);
    const Tensor whole = evaluate(graph, inputs).at(0).tensor;
    if (whole.size() == 0) return;
    std::vector<Datum> corners;
    for (const Datum& input : inputs) {
      const Tensor& full = input.tensor;
      Tensor corner = Tensor::allocate(full.dtype(), Shape(full.rank(), 1));
      store_real(full.dtype(), corner.mutable_data(), 0, load_real(full.dtype(), full.data(), 0));
      corners.emplace_back(corner);
    }
    Graph small("corner");
    Builder build(small);
    std::vector<Value> values;
    for (const Datum& corner : corners) values.push_back(small.add_input(Type::of(corner.tensor)));
    const Node& node = graph.node(graph.producer(graph.outputs()[0]));
    std::vector<Value> arguments;
    for (Value input : node.inputs) {
      const auto& names = graph.inputs();
      const auto found = std::find(names.begin(), names.end(), input);
      arguments.push_back(found == names.end() ? Value() : values[found - names.begin()]);
    }
    small.set_outputs({build(node.op, arguments, node.attrs)});
    const Tensor corner = evaluate(small, corners).at(0).tensor;
    const double got = load_real(corner.dtype(), corner.data(), 0);
    const double want = load_real(whole.dtype(), whole.data(), 0);
    EXPECT_TRUE(test::is_close(got, want, {0, 0})) << got << " instead of " << want;
  });
}

}  // namespace
}  // namespace dlc
