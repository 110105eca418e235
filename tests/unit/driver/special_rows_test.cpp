// Special values in what looks at many elements: reductions, softmax, norms, pools, products,
// sorting and quantization, as machine code against the interpreter. Each row of the data has some
// of them (NaN, infinities, -0, denormals, limits), in the first vector, in between or in the tail.
// Next: special_values_test.cpp (single elements).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/driver/backend.h"
#include "compiler/driver/compile.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/numeric.h"
#include "runtime/session.h"
#include "tests/support/compare.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What a row holds, beside ordinary numbers, from a place on with a gap.
struct Content {
  std::vector<double> values;
  bool everywhere = false;
};

const std::vector<Content>& contents() {
  static const std::vector<Content> all = {
      {{inf}},        {{-inf}},      {{nan}},        {{inf, -inf}},     {{nan, inf}},
      {{nan, -inf}},  {{-0.0}},      {{1e-45}},      {{1e-38, -1e-38}}, {{60000}},
      {{-inf}, true}, {{nan}, true}, {{-0.0}, true}, {{inf, inf}},
  };
  return all;
}
constexpr int64_t places = 3;
/// Rows for each content at each place.
int64_t rows() { return static_cast<int64_t>(contents().size()) * places; }

/// Row `row` is where the elements at begin + step * i, i < length, are.
void write_row(Tensor& tensor, int64_t row, int64_t begin, int64_t step, int64_t length) {
  const Content& content = contents()[static_cast<size_t>(row / places) % contents().size()];
  const auto put = [&](int64_t i, double value) {
    store_real(tensor.dtype(), tensor.mutable_data(), begin + step * (i % length), value);
  };
  const int64_t first = row % places * (length - 1) / (places - 1);
  for (size_t k = 0; k < content.values.size(); ++k)
    put(first + 2 * static_cast<int64_t>(k), content.values[k]);
  for (int64_t i = 0; content.everywhere && i < length; ++i) put(i, content.values[0]);
}

/// One input gets special rows along its last axis, or its first of two.
std::vector<Datum> special_inputs(const Graph& graph, size_t input, bool first_axis) {
  std::vector<Datum> inputs = test::random_inputs(graph, 11);
  Tensor& tensor = inputs[input].tensor;
  const int64_t length = first_axis ? tensor.shape().front() : tensor.shape().back();
  const int64_t count = tensor.size() / length;
  for (int64_t row = 0; row < count; ++row)
    write_row(tensor, row, first_axis ? row : row * length, first_axis ? count : 1, length);
  return inputs;
}

/// The same kinds of numbers, and numbers close to each other.
std::string differs(const Tensor& got, const Tensor& want, double absolute) {
  if (!is_float(want.dtype())) return test::difference(got, want, {0, 0});
  const double step = want.dtype() == DType::f16 ? 2e-3 : 1e-5;
  return test::difference(got, want, {step, std::max(step, absolute)});
}

struct RowOp {
  const char* op;
  const char* sample;       ///< {t}: type, {r}: rows, {n}: their length
  bool first_axis = false;  ///< rows along the first axis
  size_t input = 0;         ///< that has them
  double absolute = 1e-5;   ///< what f32 may be off by where large numbers cancel
};

const std::vector<RowOp>& row_ops() {
  static const std::vector<RowOp> all = {
      {"ReduceSum", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceSum", "data: {t}[{n},{r}], axes=[0]", true},
      {"ReduceMean", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceMax", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceMax", "data: {t}[{n},{r}], axes=[0]", true},
      {"ReduceMin", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceMin", "data: {t}[{n},{r}], axes=[0]", true},
      {"ReduceProd", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceL1", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceL2", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceSumSquare", "data: {t}[{n},{r}], axes=[0]", true},
      {"ReduceLogSum", "data: {t}[{r},{n}], axes=[1]"},
      {"ReduceLogSumExp", "data: {t}[{r},{n}], axes=[1]"},
      {"ArgMax", "data: {t}[{r},{n}], axis=1"},
      {"ArgMax", "data: {t}[{n},{r}], axis=0, select_last_index=1", true},
      {"ArgMin", "data: {t}[{r},{n}], axis=1, select_last_index=1"},
      {"ArgMin", "data: {t}[{n},{r}], axis=0", true},
      {"Softmax", "input: {t}[{r},{n}]"},
      {"Softmax", "input: {t}[{n},{r}], axis=0", true},
      {"LogSoftmax", "input: {t}[{r},{n}]"},
      {"Hardmax", "input: {t}[{r},{n}]"},
      {"CumSum", "x: {t}[{r},{n}], axis=[1]"},
      {"CumProd", "x: {t}[{r},{n}], axis=[1], reverse=1"},
      {"TopK", "X: {t}[{r},{n}], K=[2]"},
      {"TopK", "X: {t}[{r},{n}], K=[2], largest=0"},
      {"Unique", "X: {t}[{r},{n}]"},
      {"NonZero", "X: {t}[{r},{n}]"},
      {"MaxPool", "X: {t}[1,{r},{n}], kernel_shape=[3], pads=[1,1]"},
      {"MaxPool", "X: {t}[2,3,{r},{n}], kernel_shape=[2,2], strides=[1,2]"},
      {"AveragePool", "X: {t}[1,{r},{n}], kernel_shape=[3]"},
      {"LpPool", "X: {t}[1,{r},{n}], kernel_shape=[2]"},
      {"GlobalMaxPool", "X: {t}[1,{r},{n}]"},
      {"GlobalAveragePool", "X: {t}[1,{r},{n}]"},
      {"GlobalLpPool", "X: {t}[1,{r},{n}]"},
      {"LpNormalization", "input: {t}[{r},{n}]"},
      {"MeanVarianceNormalization", "X: {t}[{r},{n}], axes=[-1]"},
      {"LayerNormalization", "X: {t}[{r},{n}], Scale: {t}[{n}], B: {t}[{n}]"},
      {"RMSNormalization", "X: {t}[{r},{n}], scale: {t}[{n}]"},
      {"InstanceNormalization", "input: {t}[1,{r},{n}], scale: {t}[{r}], B: {t}[{r}]"},
      {"LRN", "X: {t}[1,5,{r},{n}], size=3"},
      {"MatMul", "A: {t}[{r},{n}], B: {t}[{n},{n}]"},
      {"MatMul", "A: {t}[{n},{r}], B: {t}[{r},5]", true},
      {"Gemm", "A: {t}[{r},{n}], B: {t}[7,{n}], C: {t}[7], transB=1"},
      {"Conv", "X: {t}[1,{r},{n}], W: {t}[4,{r},1]"},
      {"Conv", "X: {t}[1,6,{r},{n}], W: {t}[8,6,3,3], pads=[1,1,1,1]", false, 0, 0.05},
      {"Conv", "X: {t}[1,6,{r},{n}], W: {t}[6,1,3,3], pads=[1,1,1,1], group=6"},
      {"Resize", "X: {t}[1,1,{r},{n}], scales=[1,1,2,2], mode=\"linear\""},
      {"GridSample", "X: {t}[1,1,{r},{n}], grid: {t}[1,3,4,2]"},
      {"ScatterElements",
       "data: {t}[{r},{n}], indices: i64[3,2]{1, 0, 2, 1, 2, 1}, updates: {t}[3,2], "
       "reduction=\"max\""},
      {"DynamicQuantizeLinear", "x: f32[{r},{n}]"},
      {"SoftmaxCrossEntropyLoss", "scores: {t}[3,{n}], labels=[0,2,1], reduction=\"none\""},
      {"Attention",
       "Q: {t}[1,2,{r},8], K: {t}[1,2,{n},8], V: {t}[1,2,{n},8], attn_mask: {t}[{r},{n}]", false,
       3},
      {"QuantizeLinear", "x: {t}[{r},{n}], y_scale: {t}[]{0.5}, y_zero_point: u8[]{3}"},
      {"QuantizeLinear", "x: {t}[{r},{n}], y_scale: {t}[]{0.5}, y_zero_point: i8[]{-3}"},
      {"QuantizeLinear", "x: {t}[{r},{n}], y_scale: {t}[]{0.5}, y_zero_point: i16[]{-3}"},
      {"QuantizeLinear", "x: {t}[{r},{n}], y_scale: {t}[]{0.5}, y_zero_point: f8e5m2[]{0}"},
      {"QuantizeLinear", "x: {t}[{r},{n}], y_scale: {t}[]{0.5}, y_zero_point: f8e4m3fn[]{0}"},
  };
  return all;
}

std::string replaced(std::string text, std::string_view what, const std::string& by) {
  for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), by);
  return text;
}

/// All vector widths of this machine.
std::vector<CompileOptions> settings() {
  std::vector<CompileOptions> found;
  for (int bits = 128; bits <= llvm().host_target(0).vector_bits; bits *= 2)
    found.push_back({.vector_bits = bits, .winograd = false, .threads = 1});
  return found;
}

void check(const RowOp& row, const std::string& sample) {
  const Graph graph = sample_graph(op(row.op), sample);
  const std::vector<Datum> inputs = special_inputs(graph, row.input, row.first_axis);
  const std::vector<Datum> want = evaluate(graph, inputs);
  ThreadPool pool(1);
  for (const CompileOptions& options : settings()) {
    Session session(compile(graph, options), pool);
    const std::vector<Datum> got = session.run(inputs);
    for (size_t k = 0; k < want.size(); ++k) {
      EXPECT_EQ(differs(got[k].tensor, want[k].tensor, row.absolute), "")
          << row.op << " of " << sample << " at " << options.vector_bits << " bits, output " << k;
    }
  }
}

class SpecialRows : public testing::TestWithParam<RowOp> {};

TEST_P(SpecialRows, GiveWhatTheInterpreterGives) {
  const RowOp& row = GetParam();
  for (const char* type : {"f32", "f64", "f16"}) {
    for (const char* length : {"3", "19", "67"}) {
      std::string sample = replaced(row.sample, "{t}", type);
      sample = replaced(replaced(sample, "{r}", std::to_string(rows())), "{n}", length);
      try {
        check(row, sample);
      } catch (const Error& error) {
        ADD_FAILURE() << row.op << " of " << sample << ": " << error.what();
      }
    }
  }
}

std::string test_name(const testing::TestParamInfo<RowOp>& info) {
  return fmt::format("{}{}", info.param.op, info.index);
}

void PrintTo(const RowOp& row, std::ostream* out) { *out << row.op; }

INSTANTIATE_TEST_SUITE_P(Rows, SpecialRows, testing::ValuesIn(row_ops()), test_name);

}  // namespace
}  // namespace dlc
